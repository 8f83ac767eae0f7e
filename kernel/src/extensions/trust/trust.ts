/**
 * Decides how far a package is trusted, and verifies its signature. Both are checked at
 * installation and each load, on the text that then runs. Of a plugin's own claims only its id is
 * read, so it can't raise its trust.
 */
import { createError, type Isolation, type Manifest, messageOf } from '@plinth/sdk/contract';
import type { TrustStore, Verdict } from '@plinth/sdk/signing';
import type { PluginPackage, StorageAdapter } from '../../host.js';
import { inTime, type ReadBounds } from '../../in-time.js';
import type { KernelEvents } from '../../kernel-events.js';
import { isRevoked } from '../../lifecycle/revoked.js';
import type { Trusting } from '../../lifecycle/trusting.js';
import type { TrustLevel, TrustVerdict } from '../../permissions/trust-level.js';
import { keyOf } from '../../registry/key.js';
import { Marks } from './marks.js';
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

/** Decides trust for one tenant. */
export class Trust implements Trusting {
  readonly #parts: TrustParts;
  readonly #verdicts = new WeakMap<PluginPackage, Verdict>();
  readonly #packages = new WeakMap<Manifest, PluginPackage>();
  readonly #marks: Marks;
  /** Versions whose signature was verified when they were loaded, until they are active. */
  readonly #signed = new Set<string>();

  constructor(parts: TrustParts) {
    this.#parts = parts;
    this.#marks = new Marks(parts.storage, parts.tenant);
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
    if (verdict !== undefined) {
      await this.#marks.check(manifest, policy.signatures?.rollback);
      this.#signed.add(keyOf(id, version));
    }
    return verdict;
  }

  /** A version has become active, and counts as one that has run here if it was signed. */
  async ran(id: string, version: string): Promise<void> {
    if (this.#signed.delete(keyOf(id, version))) await this.#marks.remember({ id, version });
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
    await this.#marks.forget(id);
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
    return this.#parts.policy.signatures === undefined
      ? async () => {}
      : this.#marks.lower(id, version);
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
    const mark = await this.#marks.of(id);
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
}
