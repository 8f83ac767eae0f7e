/**
 * `@plinth/sdk/sandbox`: what hosts need to start guests behind a wall. Not for plugin authors.
 *
 * @module
 */
export { type StartOptions, startSandbox } from './start.js';
