/** The nouns that kernel, hosts and guests agree on. */
export * from './call-context.js';
export * from './compat.js';
export * from './contract.js';
export * from './errors.js';
export * from './hook-answers.js';
export { didYouMean, unsafeKeys } from './json-text.js';
export * from './manifest.js';
export * from './names.js';
export * from './permission.js';
export * from './policy.js';
export * from './protocol.js';
export * from './range.js';
export * from './schema.js';
export * from './scope.js';
export * from './stream.js';
export * from './url-scope.js';
export * from './wire-error.js';
