/**
 * What is remembered about plugins between runs: one entry for each id, written in one atomic step,
 * and the packages installed at run time. Each entry has a copy of its last good state.
 */
import { createError, ERROR_CODES, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../../host.js';
import { idOf, versionIn } from '../../registry/key.js';
import { isFormer, NO_ENTRY, type PluginEntry, packagesIn, parseEntry } from './plugin-entry.js';

/** Owns the registry's keys in a storage. No plugin has them: `plinth` is no plugin's id. */
export class RegistryStore {
  readonly #adapter: StorageAdapter;
  readonly #prefix: string;
  readonly #report: (problem: PluginError) => void;

  /** @param report called with what is damaged, or couldn't be copied. */
  constructor(adapter: StorageAdapter, tenant: string, report: (problem: PluginError) => void) {
    this.#adapter = adapter;
    this.#prefix = `${tenant}\0plinth\0`;
    this.#report = report;
  }

  /** Every entry. An unreadable entry is reported, and its copy is used when that is valid. */
  async load(): Promise<ReadonlyMap<string, PluginEntry>> {
    const entries = new Map<string, PluginEntry>();
    const known = new Set([...(await this.#names('entry')), ...(await this.#names('copy'))]);
    for (const id of known) {
      const entry = await this.#read(id);
      if (entry !== undefined) entries.set(id, entry);
    }
    await this.#sweep(entries, known);
    return entries;
  }

  /**
   * Changes what is remembered about a plugin in one step. Concurrent changes are kept.
   *
   * @param repair whether an entry that is damaged, with its copy, may start empty.
   * @throws PluginConfigurationError `registry/newer-format`, PluginError `registry/damaged` or
   * `storage/failed`. Nothing is changed then.
   */
  async change(
    id: string,
    change: (entry: PluginEntry) => PluginEntry,
    repair = false,
  ): Promise<PluginEntry> {
    let next = NO_ENTRY;
    const newer = await this.newer(id);
    if (newer !== undefined) throw newer;
    await this.#keepFormer(id);
    await this.#run(() =>
      this.#adapter.update(this.#key('entry', id), (current) => {
        next = change(known(id, current, repair) ?? NO_ENTRY);
        return next;
      }),
    );
    // The change is made. A copy that is one change behind is still better than none.
    await this.#run(() => this.#adapter.set(this.#key('copy', id), next)).catch((error: unknown) =>
      this.#report(asProblem(id, error)),
    );
    return next;
  }

  /**
   * Why a plugin belongs to a newer kernel, if one has written its entry, or the copy of an entry
   * that is lost: PluginConfigurationError `registry/newer-format`.
   */
  async newer(id: string): Promise<PluginError | undefined> {
    for (const part of ['entry', 'copy'] as const)
      try {
        const kept = parseEntry(id, await this.#run(() => this.#adapter.get(this.#key(part, id))));
        if (kept !== undefined) return undefined;
      } catch (error) {
        const problem = asProblem(id, error);
        if (problem.code === 'registry/newer-format') return problem;
        if (problem.code !== 'registry/damaged') throw problem;
      }
    return undefined;
  }

  /** Keeps what an older kernel has written, as it is, before the first change of it. */
  async #keepFormer(id: string): Promise<void> {
    const current = await this.#run(() => this.#adapter.get(this.#key('entry', id)));
    if (!isFormer(current)) return;
    await this.#run(() => this.#adapter.update(this.#key('former', id), (kept) => kept ?? current));
  }

  async keepCode(key: string, code: string, signature: string | undefined): Promise<void> {
    await this.#run(() =>
      this.#adapter.set(this.#key('code', key), {
        code,
        kept: Date.now(),
        ...(signature !== undefined && { signature }),
      } satisfies KeptCode),
    );
  }

  /** The text of a kept package, or undefined. */
  async findCode(key: string): Promise<string | undefined> {
    const kept = (await this.#run(() => this.#adapter.get(this.#key('code', key)))) as
      | Partial<KeptCode>
      | undefined;
    return typeof kept?.code === 'string' ? kept.code : undefined;
  }

  /** The signature of a kept package, or undefined. */
  async signature(key: string): Promise<string | undefined> {
    const kept = (await this.#run(() => this.#adapter.get(this.#key('code', key)))) as
      | Partial<KeptCode>
      | undefined;
    return typeof kept?.signature === 'string' ? kept.signature : undefined;
  }

  /** @throws PluginLifecycleError `plugin/load-failed`. */
  async code(key: string): Promise<string> {
    const code = await this.findCode(key);
    if (code !== undefined) return code;
    throw createError(
      'plugin/load-failed',
      `the installed package of ${key} is not in the storage any more: install it again`,
      { details: { package: key } },
    );
  }

  async forgetCode(key: string): Promise<void> {
    await this.#run(() => this.#adapter.delete(this.#key('code', key)));
  }

  /**
   * Deletes packages without an entry, left by interrupted installations. Keeps those with an
   * unreadable entry, and recent ones: another tab may be about to write their entry.
   */
  async #sweep(
    entries: ReadonlyMap<string, PluginEntry>,
    known: ReadonlySet<string>,
  ): Promise<void> {
    for (const key of await this.#names('code')) {
      const id = idOf(key);
      const entry = entries.get(id);
      if (entry === undefined ? known.has(id) : packagesIn(entry).includes(versionIn(key)))
        continue;
      const kept = (await this.#run(() => this.#adapter.get(this.#key('code', key)))) as
        | Partial<KeptCode>
        | undefined;
      if (Math.abs(Date.now() - (kept?.kept ?? 0)) > YOUNG) await this.forgetCode(key);
    }
  }

  async #names(part: 'entry' | 'copy' | 'code'): Promise<readonly string[]> {
    const prefix = this.#key(part, '');
    const keys = await this.#run(() => this.#adapter.keys(prefix));
    return keys.map((key) => key.slice(prefix.length));
  }

  /** Gives the adapter's failures a code. */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (Object.hasOwn(ERROR_CODES, String((cause as { code?: unknown } | null)?.code)))
        throw cause;
      throw createError(
        'storage/failed',
        `the storage of the plugin registry failed: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  async #read(id: string): Promise<PluginEntry | undefined> {
    try {
      const entry = parseEntry(id, await this.#adapter.get(this.#key('entry', id)));
      if (entry !== undefined) return entry;
    } catch (error) {
      const problem = asProblem(id, error);
      this.#report(problem);
      // This kernel must not overwrite what a newer kernel has written.
      if (problem.code === 'registry/newer-format') return undefined;
    }
    try {
      const copy = parseEntry(id, await this.#adapter.get(this.#key('copy', id)));
      if (copy === undefined) return undefined;
      this.#report(
        createError(
          'registry/damaged',
          `what the registry knew of ${id} was damaged or lost: its last good copy is used`,
          { plugin: id },
        ),
      );
      await this.#adapter.set(this.#key('entry', id), copy);
      return copy;
    } catch (error) {
      this.#report(asProblem(id, error));
      return undefined;
    }
  }

  #key(part: 'entry' | 'copy' | 'former' | 'code', name: string): string {
    return `${this.#prefix}${part}\0${name}`;
  }
}

interface KeptCode {
  readonly code: string;
  /** Milliseconds since the epoch. */
  readonly kept: number;
  readonly signature?: string;
}

/** Milliseconds for which a package without an entry may belong to an installation in progress. */
const YOUNG = 3_600_000;

function known(id: string, current: unknown, repair: boolean): PluginEntry | undefined {
  try {
    return parseEntry(id, current);
  } catch (error) {
    if (repair && (error as PluginError).code === 'registry/damaged') return undefined;
    throw error;
  }
}

function asProblem(id: string, error: unknown): PluginError {
  if (typeof (error as Partial<PluginError>).code === 'string') return error as PluginError;
  return createError(
    'registry/damaged',
    `what the registry knows of ${id} cannot be read: ${messageOf(error)}`,
    { plugin: id, cause: error },
  );
}
