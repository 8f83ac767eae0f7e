/** What policy says about trust: rules, signatures, and what is revoked. */
import { covers } from '@plinth/sdk/contract';
import type { TrustStore } from '@plinth/sdk/signing';
import type { TrustLevel } from '../../permissions/trust-level.js';

/** The facts about a package when its trust is decided. */
export interface TrustFacts {
  readonly id: string;
  readonly version: string;
  /** Where it was found: a path or a URL. */
  readonly origin: string;
  /** The key that signed it, once the signature is verified. */
  readonly keyId?: string;
  readonly publisher?: string;
}

/** One rule. Everything it names must match. Texts are exact, or prefixes ending in `*`. */
export interface TrustRule {
  readonly level: TrustLevel;
  readonly plugins?: readonly string[];
  readonly origins?: readonly string[];
  readonly publishers?: readonly string[];
  readonly keys?: readonly string[];
}

/** Rules, of which the first match counts, else `untrusted`; or a function. */
export type TrustPolicy = readonly TrustRule[] | ((facts: TrustFacts) => TrustLevel);

/** How signatures are checked. */
export interface SignaturePolicy {
  /** Trusted keys, or a function that reads them. When reading fails, no key is trusted. */
  readonly keys: TrustStore | (() => TrustStore | Promise<TrustStore>);
  /** Which plugins need a signature (default: untrusted). An existing one is always checked. */
  readonly required?: 'untrusted' | 'all' | 'none';
  /** Whether a version older than one run here may start (default: no), except by rollback. */
  readonly rollback?: 'refuse' | 'allow';
}

/** The embedder's decisions about trust. */
export interface TrustDecisions {
  /** How far plugins are trusted: decides isolation and signatures. Undecided when absent. */
  readonly trust?: TrustPolicy;
  readonly signatures?: SignaturePolicy;
  /** Plugins, or versions of them, that may not run any more: `com.acme.notes`, `com.acme.*`, `com.acme.notes@<1.2.0`. */
  readonly revoked?: readonly string[];
}

/** Whether a rule is about a package. */
export function applies(
  { plugins, origins, publishers, keys }: TrustRule,
  { id, origin, publisher, keyId }: TrustFacts,
): boolean {
  const fits = (patterns: readonly string[] | undefined, text: string | undefined) =>
    patterns === undefined ||
    (text !== undefined && patterns.some((pattern) => covers(pattern, text)));
  return (
    fits(plugins, id) && fits(origins, origin) && fits(publishers, publisher) && fits(keys, keyId)
  );
}
