/** The terms that kernel, hosts and guests share. */
export * from './call-context.js';
export * from './call-facts.js';
export * from './compat.js';
export * from './contract.js';
export * from './contract-types.js';
export * from './declared-error.js';
export { didYouMean } from './did-you-mean.js';
export * from './error-codes.js';
export * from './errors.js';
export * from './hook-answers.js';
export { losesDigits, lossyNumbers } from './json-text.js';
export * from './lane-message.js';
export * from './manifest.js';
export {
  type Isolation,
  type Manifest,
  type ManifestInput,
  manifestSchema,
} from './manifest-schema.js';
export { isRelativePath } from './manifest-terms.js';
export { MAX_MANIFEST } from './manifest-text.js';
export { randomMark } from './mark.js';
export * from './names.js';
export { parseNeed } from './need.js';
export * from './operations.js';
export { checkOptionNames } from './option-names.js';
export * from './permission.js';
export * from './permission-names.js';
export * from './policy.js';
export * from './protocol.js';
export * from './range.js';
export * from './right.js';
export * from './schema.js';
export * from './scope.js';
export * from './secure.js';
export * from './stream.js';
export * from './time.js';
export { unsafeKeys } from './unsafe-keys.js';
export * from './url-scope.js';
export * from './wire-error.js';
