/**
 * `@plinth/sdk/pack`: converts a plugin's bundle so that hardened JavaScript can run it.
 *
 * @module
 */
export { builtinImport } from './builtin-import.js';
export { toFunctor, toFunctorInSlices } from './functor.js';
