/**
 * Whom the application trusts how far, and whether a package is what its publisher has signed. Both are checked when a package is installed and
 * each time it is loaded, on the very text that then runs. A plugin can't raise itself: nothing here reads what it says of itself but its id.
 */
import { covers, createError, type Isolation, isRange, type Manifest, messageOf, compareVersions, satisfies } from '@plinth/sdk/contract';
import type { TrustStore, Verdict } from '@plinth/sdk/signing';
import type { PluginPackage, StorageAdapter } from '../host.js';
import type { KernelEvents } from '../events/kernel-events.js';
import type { TrustLevel } from './trust-level.js';

/** What is known of a package when its trust is decided. */
export interface TrustFacts {
  readonly id: string;
  readonly version: string;
  /** Where it was found: a path or a URL. */
  readonly origin: string;
  /** Who has signed it, when that was verified. */
  readonly keyId?: string;
  readonly publisher?: string;
}

/** One rule: it applies when everything that it names fits. Texts are exact, or prefixes that end in `*`. */
export interface TrustRule {
  readonly level: TrustLevel;
  readonly plugins?: readonly string[];
  readonly origins?: readonly string[];
  readonly publishers?: readonly string[];
  readonly keys?: readonly string[];
}

/** Rules, the first that applies counts, else `untrusted`; or a function. */
export type TrustPolicy = readonly TrustRule[] | ((facts: TrustFacts) => TrustLevel);

/** How signatures are checked. */
export interface SignaturePolicy {
  /** Keys that are trusted, or where they are read; when that fails nobody is. */
  readonly keys: TrustStore | (() => TrustStore | Promise<TrustStore>);
  /** Who needs a signature: those that aren't trusted (the default), everybody, or nobody. A signature that is there is always checked. */
  readonly required?: 'untrusted' | 'all' | 'none';
  /** Whether a version older than one that has run here before may start; refused when absent. `plugins.rollback` is not concerned. */
  readonly rollback?: 'refuse' | 'allow';
}

/** What the embedder decides about whom to trust. */
export interface TrustDecisions {
  /** How far plugins are trusted: that decides how they are isolated, and whether they need a signature. Nothing is decided when absent. */
  readonly trust?: TrustPolicy;
  readonly signatures?: SignaturePolicy;
  /** Plugins, or versions of them, that may not run any more: `com.acme.notes`, `com.acme.*`, `com.acme.notes@<1.2.0`. */
  readonly revoked?: readonly string[];
}

/** What trust needs of the kernel. */
export interface TrustParts {
  readonly policy: TrustDecisions;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
}

/** The weakest isolation of each level. */
const LEAST: Readonly<Record<TrustLevel, Isolation>> = { trusted: 'inline', partner: 'worker', untrusted: 'sandbox' };
const STRENGTH: readonly Isolation[] = ['inline', 'worker', 'process', 'sandbox'];
const LEVELS: readonly TrustLevel[] = ['trusted', 'partner', 'untrusted'];

interface Mark {
  readonly format: 1;
  /** Highest version that has run. */
  readonly version: string;
  /** Latest moment that was seen, in milliseconds since the epoch: a clock that is set back doesn't bring an expired key back. */
  readonly time: number;
}

/** Decides for one tenant. */
export class Trust {
  readonly #parts: TrustParts;
  readonly #verdicts = new WeakMap<PluginPackage, Verdict>();
  /** As they were when the kernel started: versions side by side may come up in any order. */
  readonly #marks = new Map<string, Promise<Mark | undefined>>();

  constructor(parts: TrustParts) {
    this.#parts = parts;
  }

  /**
   * Checks a package, with the text of its code.
   *
   * @throws PluginSignatureError `signature/…` that names the step; PluginUnavailableError `plugin/disabled` for a revoked version.
   */
  async admit(found: PluginPackage, manifest: Manifest, code: string): Promise<void> {
    const { id: plugin, version } = manifest;
    try {
      const verdict = await this.#admit(found, manifest, code);
      if (verdict !== undefined) this.#parts.announce('signature:checked', { plugin, version, ok: true, keyId: verdict.keyId });
    } catch (error) {
      const known = (error as { readonly code?: unknown }).code;
      if (typeof known === 'string' && known.startsWith('signature/')) this.#parts.announce('signature:checked', { plugin, version, ok: false, code: known });
      throw error;
    }
  }

  async #admit(found: PluginPackage, manifest: Manifest, code: string): Promise<Verdict | undefined> {
    const { policy } = this.#parts;
    const { id, version } = manifest;
    const revoked = policy.revoked?.find((one) => isRevoked(one, manifest));
    if (revoked !== undefined) throw createError('plugin/disabled', `${id} ${version} may not run: the application has revoked '${revoked}'`, { plugin: id, details: { revoked } });
    // What was verified before may have been changed since.
    this.#verdicts.delete(found);
    const verdict = policy.signatures === undefined ? undefined : await this.#verify(found, manifest, code, policy.signatures);
    if (verdict !== undefined) this.#verdicts.set(found, verdict);
    const required = policy.signatures?.required ?? 'untrusted';
    const level = this.level(found, manifest);
    if (verdict === undefined && (required === 'all' || (required === 'untrusted' && level === 'untrusted'))) {
      const why = policy.signatures === undefined ? "the application trusts no keys (option 'policy.signatures')" : 'it has none';
      throw createError('signature/missing', `${id} ${version} needs a signature to run here, and ${why}`, { plugin: id, details: { version, level } });
    }
    if (verdict !== undefined) await this.#remember(manifest, policy.signatures as SignaturePolicy);
    return verdict;
  }

  /** How far a package is trusted; undefined when the application decides nothing. */
  level(found: PluginPackage, { id, version }: Manifest): TrustLevel | undefined {
    const { trust } = this.#parts.policy;
    if (trust === undefined) return undefined;
    // What the application itself holds is its own.
    if (found.exported !== undefined) return 'trusted';
    const verdict = this.#verdicts.get(found);
    const facts: TrustFacts = { id, version, origin: found.origin, ...(verdict && { keyId: verdict.keyId, publisher: verdict.publisher }) };
    const level = typeof trust === 'function' ? trust(facts) : (trust.find((rule) => applies(rule, facts))?.level ?? 'untrusted');
    if (!LEVELS.includes(level))
      throw createError('kernel/invalid-option', `'policy.trust' answered '${String(level)}' for ${id}: ${LEVELS.join(', ')} are levels`, { plugin: id });
    return level;
  }

  /** The stronger of what was chosen for a plugin and what its level needs. */
  isolation(chosen: Isolation, found: PluginPackage, manifest: Manifest): Isolation {
    const level = this.level(found, manifest);
    if (level === undefined) return chosen;
    return STRENGTH.indexOf(LEAST[level]) > STRENGTH.indexOf(chosen) ? LEAST[level] : chosen;
  }

  /** An older version is brought back on purpose: it may start again. Answers what takes that back, when nothing has come of it. */
  async lower(id: string, version: string): Promise<() => Promise<void>> {
    if (this.#parts.policy.signatures === undefined) return async () => {};
    const before = await this.#mark(id);
    const put = async (mark: Mark) => {
      this.#marks.set(id, Promise.resolve(mark));
      await this.#parts.storage.set(this.#key(id), mark);
    };
    // The latest moment stays: a version that comes back doesn't set the clock back.
    await put({ format: 1, version, time: Math.max(Date.now(), before?.time ?? 0) });
    return async () => {
      if (before !== undefined) await put(before);
    };
  }

  async #verify(found: PluginPackage, manifest: Manifest, code: string, { keys }: SignaturePolicy): Promise<Verdict | undefined> {
    const { id, version, main } = manifest;
    let signature: string | undefined;
    try {
      signature = await found.signature?.();
    } catch (cause) {
      throw createError('signature/malformed', `the signature of ${id} ${version} cannot be read: ${messageOf(cause)}`, { plugin: id, cause });
    }
    if (signature === undefined) return undefined;
    if (typeof found.manifest !== 'string')
      throw createError('signature/malformed', `${id} ${version} is signed, and its manifest is no text: what was signed are bytes`, { plugin: id });
    const { verifyPackage } = await import('@plinth/sdk/signing');
    const utf8 = new TextEncoder();
    const mark = await this.#mark(id);
    return verifyPackage({
      signature,
      id,
      version,
      files: new Map([
        ['plugin.json', utf8.encode(found.manifest)],
        [main, utf8.encode(code)],
      ]),
      ...(found.list !== undefined && { paths: await found.list() }),
      ...(found.read !== undefined && { read: (path: string) => (found.read as (path: string) => Promise<Uint8Array>)(path) }),
      keys: await this.#keys(keys, manifest),
      now: Math.max(Date.now(), mark?.time ?? 0),
    });
  }

  async #keys(keys: SignaturePolicy['keys'], { id, version }: Manifest): Promise<TrustStore> {
    try {
      const store = typeof keys === 'function' ? await keys() : keys;
      if (store === null || typeof store !== 'object') throw new TypeError('it is no list of keys');
      return store;
    } catch (cause) {
      throw createError('signature/no-trust-store', `the signature of ${id} ${version} cannot be checked: the trusted keys cannot be read: ${messageOf(cause)}`, {
        plugin: id,
        cause,
      });
    }
  }

  async #remember({ id, version }: Manifest, { rollback = 'refuse' }: SignaturePolicy): Promise<void> {
    const mark = await this.#mark(id);
    if (rollback === 'refuse' && mark !== undefined && compareVersions(version, mark.version) < 0) {
      throw createError('signature/rollback', `${id} ${version} is refused: ${mark.version} has run here before, and an older version may have faults that it hasn't`, {
        plugin: id,
        details: { version, seen: mark.version },
      });
    }
    const { storage } = this.#parts;
    await storage.update(this.#key(id), (current) => {
      const before = current as Mark | undefined;
      const higher = before?.format === 1 && compareVersions(before.version, version) > 0 ? before.version : version;
      return { format: 1, version: higher, time: Math.max(Date.now(), before?.time ?? 0) } satisfies Mark;
    });
  }

  #mark(id: string): Promise<Mark | undefined> {
    const known = this.#marks.get(id) ?? this.#readMark(id);
    this.#marks.set(id, known);
    // Who asks next reads again.
    known.catch(() => this.#marks.delete(id));
    return known;
  }

  async #readMark(id: string): Promise<Mark | undefined> {
    const kept = (await this.#parts.storage.get(this.#key(id))) as Mark | undefined;
    if (kept === undefined) return undefined;
    if (kept.format === 1 && typeof kept.version === 'string' && typeof kept.time === 'number') return kept;
    throw createError('signature/rollback', `it is not known which version of ${id} has run here before: what was kept cannot be read`, { plugin: id });
  }

  #key(id: string): string {
    // No plugin is called so.
    return `${this.#parts.tenant}\0plinth\0seen\0${id}`;
  }
}

function applies({ plugins, origins, publishers, keys }: TrustRule, { id, origin, publisher, keyId }: TrustFacts): boolean {
  const fits = (patterns: readonly string[] | undefined, text: string | undefined) =>
    patterns === undefined || (text !== undefined && patterns.some((pattern) => covers(pattern, text)));
  return fits(plugins, id) && fits(origins, origin) && fits(publishers, publisher) && fits(keys, keyId);
}

/** `com.acme.notes`, `com.acme.*`, or `com.acme.notes@<1.2.0`. */
function isRevoked(entry: string, { id, version }: Manifest): boolean {
  const at = entry.indexOf('@');
  if (at === -1) return covers(entry, id);
  const range = entry.slice(at + 1);
  return covers(entry.slice(0, at), id) && isRange(range) && satisfies(version, range);
}
