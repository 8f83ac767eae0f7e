/** Which versions of plugins have run here, so that an older one can't come back unnoticed. */
import { compareVersions, createError, type Manifest } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../../host.js';
import type { SignaturePolicy } from './trust-policy.js';

/** What is kept of one plugin. */
export interface Mark {
  readonly format: 1;
  /** The highest version that has run. */
  readonly version: string;
  /** The latest time seen (epoch, ms), so that setting the clock back revives no expired key. */
  readonly time: number;
}

/** Below every version: no version has run yet. */
const NONE_YET = '0.0.0-0';

/** Owns the marks of one tenant. */
export class Marks {
  readonly #storage: StorageAdapter;
  readonly #tenant: string;
  /** The marks at the kernel's start: versions side by side may start in any order. */
  readonly #marks = new Map<string, Promise<Mark | undefined>>();

  constructor(storage: StorageAdapter, tenant: string) {
    this.#storage = storage;
    this.#tenant = tenant;
  }

  /** Deletes the mark of a plugin. */
  async forget(id: string): Promise<void> {
    this.#marks.delete(id);
    await this.#storage.delete(this.#key(id));
  }

  /** Lets an older version start after a rollback. Resolves to a function that undoes this. */
  async lower(id: string, version: string): Promise<() => Promise<void>> {
    const before = await this.of(id);
    const put = async (mark: Mark) => {
      this.#marks.set(id, Promise.resolve(mark));
      await this.#storage.set(this.#key(id), mark);
    };
    // The latest time stays, so a rollback doesn't set the clock back.
    await put({ format: 1, version, time: Math.max(Date.now(), before?.time ?? 0) });
    return async () => {
      if (before !== undefined) await put(before);
    };
  }

  /**
   * A version is about to be loaded. It may still fail, so that only the time is kept.
   *
   * @throws PluginSignatureError `signature/rollback` for an older one than has run, unless allowed.
   */
  async check(
    { id, version }: Pick<Manifest, 'id' | 'version'>,
    rollback: SignaturePolicy['rollback'] = 'refuse',
  ): Promise<void> {
    const mark = await this.of(id);
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
    await this.#keep(id, NONE_YET);
  }

  /** A version has become active: an older one doesn't come back unnoticed. */
  async remember({ id, version }: Pick<Manifest, 'id' | 'version'>): Promise<void> {
    await this.#keep(id, version);
  }

  async #keep(id: string, version: string): Promise<void> {
    await this.#storage.update(this.#key(id), (current) => {
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

  /** What is known of the versions of a plugin that have run here. */
  of(id: string): Promise<Mark | undefined> {
    const known = this.#marks.get(id) ?? this.#readMark(id);
    this.#marks.set(id, known);
    // The next question reads again.
    known.catch(() => this.#marks.delete(id));
    return known;
  }

  async #readMark(id: string): Promise<Mark | undefined> {
    const kept = (await this.#storage.get(this.#key(id))) as Mark | undefined;
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
    return `${this.#tenant}\0plinth\0seen\0${id}`;
  }
}
