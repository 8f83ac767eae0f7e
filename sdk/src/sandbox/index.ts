/**
 * `@plinth/sdk/sandbox`: what hosts need to start walled guests. Not for plugin authors.
 *
 * @module
 */
export { type StartOptions, startSandbox } from './start.js';
