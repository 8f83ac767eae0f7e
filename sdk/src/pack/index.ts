/**
 * `@plinth/sdk/pack`: converts a plugin's bundle so that hardened JavaScript can run it.
 *
 * @module
 */
export { builtinImport, toFunctor, toFunctorInSlices } from './functor.js';
