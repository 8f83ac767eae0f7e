/**
 * The owners of plugin ids. An id alone is no identity. What is kept under it (storage, secrets,
 * settings, rights) and the right to call it belong to its first owner. That is the publisher whose
 * signature was verified, or else the origin it came from. A new owner needs consent by name.
 */
import { createError, type Manifest, messageOf } from '@plinth/sdk/contract';
import type { Core } from '../../extension/core.js';
import type { PluginPackage, StorageAdapter } from '../../host.js';
import type { Log } from '../../telemetry/logger.js';

/** What owners need from the kernel. */
export interface OwnersParts {
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  /** The signer of a package, when the signature was verified. */
  publisher(found: PluginPackage): string | undefined;
}

/** The source of a package. */
export interface Hand {
  /**
   * `publisher:<name>`, the origin of a URL, or `local` for this machine's disk and the application
   * itself.
   */
  readonly name: string;
  /** Where it comes from, whether it is signed or not. */
  readonly origin: string;
}

interface Kept {
  readonly format: 1;
  readonly owner: string;
}

/** The source of what the application holds, or has on its disk. */
export const LOCAL = 'local';

/** Makes the owners of a tenant. What checks packages is made later. */
export const ownersOf = (core: Core): Owners =>
  new Owners({
    storage: core.storage,
    tenant: core.tenant,
    log: core.reporting.log,
    publisher: (found) => core.packages.trust.publisher(found),
  });

/** Owns the owner names of one tenant. */
export class Owners {
  readonly #parts: OwnersParts;
  readonly #known = new Map<string, Promise<string | undefined>>();
  /** The source of each package that is kept in the store. */
  readonly #brought = new WeakMap<PluginPackage, string>();

  constructor(parts: OwnersParts) {
    this.#parts = parts;
  }

  /**
   * The source of a package. Undefined for a kept package with an unknown source; the owner of its
   * id then counts.
   */
  handOf(found: PluginPackage): Hand | undefined {
    const publisher = found.exported === undefined ? this.#parts.publisher(found) : undefined;
    const origin = this.#originOf(found);
    if (publisher !== undefined) return { name: `publisher:${publisher}`, origin: origin ?? LOCAL };
    return origin === undefined ? undefined : { name: origin, origin };
  }

  /** Records the source of a package that the store keeps. */
  broughtBy(found: PluginPackage, hand: string | undefined): void {
    if (hand !== undefined) this.#brought.set(found, hand);
  }

  /** The owner of an id. Undefined while it has none. */
  of(id: string): Promise<string | undefined> {
    const known = this.#known.get(id) ?? this.#read(id);
    this.#known.set(id, known);
    known.catch(() => this.#known.delete(id));
    return known;
  }

  /**
   * Whether a package belongs to the owner of its id. A package that is newly signed still belongs
   * to its previous origin.
   */
  async owns(id: string, hand: Hand | undefined): Promise<boolean> {
    const owner = await this.of(id);
    return (
      owner === undefined || hand === undefined || owner === hand.name || owner === hand.origin
    );
  }

  /**
   * A package is about to run. The first package of an id becomes its owner.
   *
   * @throws PluginPermissionError `permission/consent-required` when the id has another owner.
   */
  async admit(found: PluginPackage, { id, version }: Manifest): Promise<void> {
    const hand = this.handOf(found);
    if (hand === undefined) return;
    if (!(await this.owns(id, hand))) throw foreign(id, version, await this.of(id), hand.name);
    if ((await this.of(id)) !== hand.name)
      await this.set(id, hand.name).catch((error: unknown) => {
        // It is the owner as long as this kernel runs.
        this.#known.set(id, Promise.resolve(hand.name));
        this.#unkept(id, error);
      });
  }

  /** Sets the owner of an id. Resolves when that is written. */
  async set(id: string, owner: string | undefined): Promise<void> {
    const { storage } = this.#parts;
    const before = this.#known.get(id);
    // Others must not take the id meanwhile.
    const next = Promise.resolve(owner);
    this.#known.set(id, next);
    try {
      if (owner === undefined) await storage.delete(this.#key(id));
      else await storage.set(this.#key(id), { format: 1, owner } satisfies Kept);
    } catch (error) {
      if (this.#known.get(id) === next) {
        if (before === undefined) this.#known.delete(id);
        else this.#known.set(id, before);
      }
      throw error;
    }
  }

  /** Every id that has an owner, as far as that is kept. */
  async all(): Promise<readonly string[]> {
    const prefix = this.#key('');
    return (await this.#parts.storage.keys(prefix)).map((key) => key.slice(prefix.length));
  }

  #originOf(found: PluginPackage): string | undefined {
    const brought = this.#brought.get(found);
    if (brought !== undefined) return brought;
    const { origin } = found;
    if (origin.startsWith('installed:')) return undefined;
    if (
      found.exported !== undefined ||
      origin.startsWith('memory:') ||
      /^(?:[/\\.]|[A-Za-z]:[/\\]|file:)/.test(origin)
    )
      return LOCAL;
    return /^[a-z][a-z\d+.-]*:\/\/[^/?#]+/i.exec(origin)?.[0].toLowerCase() ?? origin;
  }

  #unkept(id: string, error: unknown): void {
    this.#parts.log.write(
      'kernel',
      'warn',
      `whose ${id} is could not be kept: ${messageOf(error)}`,
      { plugin: id },
    );
  }

  async #read(id: string): Promise<string | undefined> {
    const kept = (await this.#parts.storage.get(this.#key(id))) as Partial<Kept> | undefined;
    if (kept === undefined) return undefined;
    if (kept.format === 1 && typeof kept.owner === 'string') return kept.owner;
    throw createError(
      'permission/consent-required',
      `it is not known whose ${id} is: what was kept cannot be read. Say it with plugins.transfer('${id}', owner)`,
      { plugin: id },
    );
  }

  #key(id: string): string {
    // No plugin has this name.
    return `${this.#parts.tenant}\0plinth\0owner\0${id}`;
  }
}

/**
 * The folder of a package on a disk, otherwise its origin. Of two places in one kernel the first
 * has the id.
 */
export function placeOf({ origin }: PluginPackage, hand: Hand): string {
  if (hand.name !== LOCAL || origin.startsWith('memory:')) return hand.name;
  const end = Math.max(origin.lastIndexOf('/'), origin.lastIndexOf('\\'));
  return end === -1 ? LOCAL : origin.slice(0, end);
}

/** The error of a package whose id has another owner. */
export function foreign(id: string, version: string, owner: string | undefined, by: string): Error {
  const what = `${id} ${version} comes from ${by}, and ${id} belongs to ${owner ?? 'another place'} here: its data, its rights and its callers are not handed over`;
  return createError(
    'permission/consent-required',
    `${what} without consent by name, plugins.transfer('${id}', '${by}')`,
    {
      plugin: id,
      details: { version, owner: { from: owner, to: by } },
    },
  );
}
