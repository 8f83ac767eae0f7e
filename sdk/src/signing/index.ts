/**
 * `@plinth/sdk/signing`: signing plugins and verifying signatures. The same in Node and in
 * browsers, by WebCrypto.
 *
 * @module
 */
export { createSigningKey, type SigningKey, type SignOptions, signPackage } from './sign.js';
export {
  type FileEntry,
  keyIdOf,
  MANIFEST_FILE,
  SIGNATURE_FILE,
  type SignatureFile,
  type Statement,
} from './statement.js';
export {
  rawKey,
  type TrustedKey,
  type TrustStore,
  type Verdict,
  type VerifyOptions,
  verifyPackage,
} from './verify.js';
