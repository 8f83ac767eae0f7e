/**
 * What browsers withhold from pages over plain http: `crypto.subtle` and `crypto.randomUUID`.
 * Digests and marks work without them. Anything else fails when used, with an error that names the
 * need.
 */
import { createError } from './error-codes.js';
import { hex } from './mark.js';

/** The reason and the cure. */
const CURE = 'needs a secure context: serve the page over https, or from localhost';

/**
 * The platform's cryptography.
 *
 * @param what its purpose, for the message.
 * @throws PluginConfigurationError `runtime/insecure-context`.
 */
export function cryptoFor(what: string): typeof crypto.subtle {
  const { subtle } = crypto as { readonly subtle?: typeof crypto.subtle };
  if (subtle === undefined)
    throw createError('runtime/insecure-context', `${what} ${CURE}`, {
      details: { needs: 'crypto.subtle' },
    });
  return subtle;
}

/** SHA-256 in hexadecimal digits, in any context. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = crypto as { readonly subtle?: typeof crypto.subtle };
  const digest =
    subtle === undefined
      ? (await import('@noble/hashes/sha2.js')).sha256(bytes)
      : new Uint8Array(await subtle.digest('SHA-256', bytes));
  return hex(digest);
}
