/**
 * `@plinth/sdk/pack`: what is done to a plugin's bundle before hardened JavaScript can run it.
 *
 * @module
 */
export { toFunctor } from './functor.js';
