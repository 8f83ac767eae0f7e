/**
 * Decides how far a package is trusted, and verifies its signature. Both are checked at
 * installation and each load, on the text that then runs. Of a plugin's own claims only its id is
 * read, so it can't raise its trust.
 */
import {
  compareVersions,
  createError,
  type Isolation,
  type Manifest,
  messageOf,
} from '@plinth/sdk/contract';
import type { TrustStore, Verdict } from '@plinth/sdk/signing';
import type { PluginPackage, StorageAdapter } from '../../host.js';
import { inTime, type ReadBounds } from '../../in-time.js';
import type { KernelEvents } from '../../kernel-events.js';
import { isRevoked } from '../../lifecycle/revoked.js';
import type { TrustLevel, TrustVerdict } from '../../permissions/trust-level.js';
import {
  applies,
  type SignaturePolicy,
  type TrustDecisions,
  type TrustFacts,
} from './trust-policy.js';

/** What trust needs of the kernel. */
export interface TrustParts {
  readonly policy: TrustDecisions;
  readonly limits: ReadBounds;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  /** Whether a host here offers an isolation. */
  offers(isolation: Isolation): boolean;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
}

/** The weakest isolations that each level permits. The first one that a host offers is used. */
const LEAST: Readonly<Record<TrustLevel, readonly Isolation[]>> = {
  trusted: ['inline'],
  partner: ['process', 'worker'],
  untrusted: ['sandbox'],
};
const STRENGTH: readonly Isolation[] = ['inline', 'worker', 'process', 'sandbox'];
const LEVELS: readonly TrustLevel[] = ['trusted', 'partner', 'untrusted'];

interface Mark {
  readonly format: 1;
  /** The highest version that has run. */
  readonly version: string;
  /** The latest time seen (epoch, ms), so that setting the clock back revives no expired key. */
  readonly time: number;
}

/** Decides trust for one tenant. */
export class Trust {
  readonly #parts: TrustParts;
  readonly #verdicts = new WeakMap<PluginPackage, Verdict>();
  readonly #packages = new WeakMap<Manifest, PluginPackage>();
  /** The marks at the kernel's start: versions side by side may start in any order. */
  readonly #marks = new Map<string, Promise<Mark | undefined>>();

  constructor(parts: TrustParts) {
    this.#parts = parts;
  }

  /**
   * Checks a package, with the text of its code.
   * @throws PluginSignatureError `signature/…` that names the step; PluginUnavailableError
   * `plugin/disabled` for a revoked version.
   */
  async admit(found: PluginPackage, manifest: Manifest, code: string): Promise<void> {
    const { id: plugin, version } = manifest;
    try {
      const verdict = await this.#admit(found, manifest, code);
      if (verdict !== undefined)
        this.#parts.announce('signature:checked', {
          plugin,
          version,
          ok: true,
          keyId: verdict.keyId,
        });
    } catch (error) {
      const known = (error as { readonly code?: unknown }).code;
      if (typeof known === 'string' && known.startsWith('signature/'))
        this.#parts.announce('signature:checked', { plugin, version, ok: false, code: known });
      throw error;
    }
  }

  async #admit(
    found: PluginPackage,
    manifest: Manifest,
    code: string,
  ): Promise<Verdict | undefined> {
    const { policy } = this.#parts;
    const { id, version } = manifest;
    const revoked = policy.revoked?.find((one) => isRevoked(one, manifest));
    if (revoked !== undefined)
      throw createError(
        'plugin/disabled',
        `${id} ${version} may not run: the application has revoked '${revoked}'`,
        { plugin: id, details: { revoked } },
      );
    // A package that was verified before may have changed since.
    this.#verdicts.delete(found);
    const verdict =
      policy.signatures === undefined
        ? undefined
        : await this.#verify(found, manifest, code, policy.signatures);
    if (verdict !== undefined) this.#verdicts.set(found, verdict);
    const required = policy.signatures?.required ?? 'untrusted';
    const level = this.level(found, manifest);
    if (
      verdict === undefined &&
      (required === 'all' || (required === 'untrusted' && level === 'untrusted'))
    ) {
      const why =
        policy.signatures === undefined
          ? "the application trusts no keys (option 'policy.signatures')"
          : 'it has none';
      throw createError(
        'signature/missing',
        `${id} ${version} needs a signature to run here, and ${why}`,
        { plugin: id, details: { version, level } },
      );
    }
    if (verdict !== undefined) await this.#remember(manifest, policy.signatures as SignaturePolicy);
    return verdict;
  }

  /** How far a package is trusted. Undefined when the application decides nothing. */
  level(found: PluginPackage, { id, version }: Manifest): TrustLevel | undefined {
    const { trust } = this.#parts.policy;
    if (trust === undefined) return undefined;
    // A plugin that the application holds is the application's own.
    if (found.exported !== undefined) return 'trusted';
    const verdict = this.#verdicts.get(found);
    const facts: TrustFacts = {
      id,
      version,
      origin: found.origin,
      ...(verdict && { keyId: verdict.keyId, publisher: verdict.publisher }),
    };
    const level =
      typeof trust === 'function'
        ? trust(facts)
        : (trust.find((rule) => applies(rule, facts))?.level ?? 'untrusted');
    if (!LEVELS.includes(level))
      throw createError(
        'kernel/invalid-option',
        `'policy.trust' answered '${String(level)}' for ${id}: ${LEVELS.join(', ')} are levels`,
        { plugin: id },
      );
    return level;
  }

  /** Records the package of a manifest, so that later questions by manifest use it. */
  met(found: PluginPackage, manifest: Manifest): void {
    this.#packages.set(manifest, found);
  }

  /** What is currently known of a plugin's trust. */
  of(manifest: Manifest): TrustVerdict {
    const found = this.#packages.get(manifest);
    if (this.#parts.policy.trust === undefined) return 'undecided';
    if (found === undefined) return 'untrusted';
    const checked =
      this.#parts.policy.signatures === undefined ||
      found.signature === undefined ||
      this.#verdicts.has(found);
    try {
      const level = this.level(found, manifest) ?? 'undecided';
      return checked || level === 'trusted' ? level : 'unknown';
    } catch {
      // An invalid answer of the application's function is refused when the plugin is loaded.
      return 'untrusted';
    }
  }

  /** Deletes the record of which versions of a plugin have run here. */
  async forget(id: string): Promise<void> {
    if (this.#parts.policy.signatures === undefined) return;
    this.#marks.delete(id);
    await this.#parts.storage.delete(this.#key(id));
  }

  /** The key that signed a package, once the signature is verified. */
  publisher(found: PluginPackage): string | undefined {
    return this.#verdicts.get(found)?.publisher;
  }

  /** Finds the key that signed a package, before it is known whether the package may run. */
  async identify(
    found: PluginPackage,
    manifest: Manifest,
    read: () => Promise<string>,
  ): Promise<void> {
    const { signatures } = this.#parts.policy;
    if (signatures === undefined || found.signature === undefined || this.#verdicts.has(found))
      return;
    try {
      const verdict = await this.#verify(found, manifest, await read(), signatures);
      if (verdict !== undefined) this.#verdicts.set(found, verdict);
    } catch {
      // Loading reports the error. Until then the package counts as unsigned.
    }
  }

  /** The stronger of the isolation chosen for a plugin and the one its trust level needs. */
  isolation(chosen: Isolation, found: PluginPackage, manifest: Manifest): Isolation {
    const level = this.level(found, manifest);
    if (level === undefined) return chosen;
    const all = LEAST[level];
    const least = all.find((one) => this.#parts.offers(one)) ?? (all[0] as Isolation);
    return STRENGTH.indexOf(least) > STRENGTH.indexOf(chosen) ? least : chosen;
  }

  /** Lets an older version start after a rollback. Resolves to a function that undoes this. */
  async lower(id: string, version: string): Promise<() => Promise<void>> {
    if (this.#parts.policy.signatures === undefined) return async () => {};
    const before = await this.#mark(id);
    const put = async (mark: Mark) => {
      this.#marks.set(id, Promise.resolve(mark));
      await this.#parts.storage.set(this.#key(id), mark);
    };
    // The latest time stays, so a rollback doesn't set the clock back.
    await put({ format: 1, version, time: Math.max(Date.now(), before?.time ?? 0) });
    return async () => {
      if (before !== undefined) await put(before);
    };
  }

  async #verify(
    found: PluginPackage,
    manifest: Manifest,
    code: string,
    { keys }: SignaturePolicy,
  ): Promise<Verdict | undefined> {
    const { id, version, main } = manifest;
    const { codeSize, read } = this.#parts.limits;
    let signature: string | undefined;
    try {
      signature = found.signature && (await inTime(found.signature(), read));
    } catch (cause) {
      throw createError(
        'signature/malformed',
        `the signature of ${id} ${version} cannot be read: ${messageOf(cause)}`,
        { plugin: id, cause },
      );
    }
    if (signature === undefined) return undefined;
    if (typeof found.manifest !== 'string')
      throw createError(
        'signature/malformed',
        `${id} ${version} is signed, and its manifest is no text: what was signed are bytes`,
        { plugin: id },
      );
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
      ...(found.list !== undefined && { paths: await inTime(found.list(), read) }),
      ...(found.read !== undefined && {
        read: (path: string) =>
          inTime((found.read as Required<PluginPackage>['read'])(path, codeSize), read),
      }),
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
      throw createError(
        'signature/no-trust-store',
        `the signature of ${id} ${version} cannot be checked: the trusted keys cannot be read: ${messageOf(cause)}`,
        {
          plugin: id,
          cause,
        },
      );
    }
  }

  async #remember(
    { id, version }: Manifest,
    { rollback = 'refuse' }: SignaturePolicy,
  ): Promise<void> {
    const mark = await this.#mark(id);
    if (rollback === 'refuse' && mark !== undefined && compareVersions(version, mark.version) < 0) {
      throw createError(
        'signature/rollback',
        `${id} ${version} is refused: ${mark.version} has run here before, and an older version may have faults that it hasn't`,
        {
          plugin: id,
          details: { version, seen: mark.version },
        },
      );
    }
    const { storage } = this.#parts;
    await storage.update(this.#key(id), (current) => {
      const before = current as Mark | undefined;
      const higher =
        before?.format === 1 && compareVersions(before.version, version) > 0
          ? before.version
          : version;
      return {
        format: 1,
        version: higher,
        time: Math.max(Date.now(), before?.time ?? 0),
      } satisfies Mark;
    });
  }

  #mark(id: string): Promise<Mark | undefined> {
    const known = this.#marks.get(id) ?? this.#readMark(id);
    this.#marks.set(id, known);
    // The next question reads again.
    known.catch(() => this.#marks.delete(id));
    return known;
  }

  async #readMark(id: string): Promise<Mark | undefined> {
    const kept = (await this.#parts.storage.get(this.#key(id))) as Mark | undefined;
    if (kept === undefined) return undefined;
    if (kept.format === 1 && typeof kept.version === 'string' && typeof kept.time === 'number')
      return kept;
    throw createError(
      'signature/rollback',
      `it is not known which version of ${id} has run here before: what was kept cannot be read`,
      { plugin: id },
    );
  }

  #key(id: string): string {
    // No plugin can have this id.
    return `${this.#parts.tenant}\0plinth\0seen\0${id}`;
  }
}
