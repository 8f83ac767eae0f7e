/**
 * What is remembered of installed plugins between runs: one entry a plugin id, written in one atomic step, and the
 * packages that were installed at run time. Each entry has a copy of its last good state, for the day it is damaged.
 */
import { createError, ERROR_CODES, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../host.js';
import { idOf } from './key.js';

/** Version of the form of {@link PluginEntry}. */
export const ENTRY_FORMAT = 2;

/** What is remembered of a plugin id. Versions are named exactly. */
export interface PluginEntry {
  readonly format: typeof ENTRY_FORMAT;
  /** Versions that nobody starts. */
  readonly disabled: readonly string[];
  /** Versions that aren't there although a source has them, or their package is kept: uninstalled, or replaced. */
  readonly retired: readonly string[];
  /** Versions whose package is kept in the store, with the text of their manifest. */
  readonly installed: Readonly<Record<string, string>>;
  /** Versions of sources that updates have replaced, whose package is kept for the day it is wanted back, with the text of their manifest. */
  readonly ready: Readonly<Record<string, string>>;
  /** What updates have replaced: the version that stands ready to come back, by the one in its place. */
  readonly previous: Readonly<Record<string, string>>;
  /** Versions that have replaced another and not shown yet that they work. */
  readonly trials: readonly string[];
  /** Why a version should not be used any more. */
  readonly deprecated: Readonly<Record<string, string>>;
}

/** Of a plugin nobody has decided anything about. */
export const NO_ENTRY: PluginEntry = Object.freeze({ format: ENTRY_FORMAT, disabled: [], retired: [], installed: {}, ready: {}, previous: {}, trials: [], deprecated: {} });

/** Versions whose package is kept. */
export const packagesIn = ({ installed, ready }: PluginEntry): readonly string[] => [...Object.keys(installed), ...Object.keys(ready)];

/** Owns the registry's keys in a storage; no plugin can have them, because `plinth` is no plugin's id. */
export class RegistryStore {
  readonly #adapter: StorageAdapter;
  readonly #prefix: string;
  readonly #report: (problem: PluginError) => void;

  /** @param report told of what is damaged, or couldn't be copied. */
  constructor(adapter: StorageAdapter, tenant: string, report: (problem: PluginError) => void) {
    this.#adapter = adapter;
    this.#prefix = `${tenant}\0plinth\0`;
    this.#report = report;
  }

  /** Every entry; one that can't be read is reported, and its copy is taken when that is sound. */
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
   * Changes what is remembered of a plugin, in one step: a change of somebody else in between is kept.
   *
   * @param repair whether an entry that is damaged, with its copy, may be begun anew.
   * @throws PluginConfigurationError `registry/newer-format`, PluginError `registry/damaged` or `storage/failed`; nothing
   * is changed then.
   */
  async change(id: string, change: (entry: PluginEntry) => PluginEntry, repair = false): Promise<PluginEntry> {
    let next = NO_ENTRY;
    await this.#run(() =>
      this.#adapter.update(this.#key('entry', id), (current) => {
        next = change(known(id, current, repair) ?? NO_ENTRY);
        return next;
      }),
    );
    // The change is made. A copy that is one change behind is still better than none.
    await this.#run(() => this.#adapter.set(this.#key('copy', id), next)).catch((error: unknown) => this.#report(asProblem(id, error)));
    return next;
  }

  async keepCode(key: string, code: string, signature: string | undefined): Promise<void> {
    await this.#run(() => this.#adapter.set(this.#key('code', key), { code, kept: Date.now(), ...(signature !== undefined && { signature }) } satisfies KeptCode));
  }

  /** The text of a kept package, or undefined. */
  async findCode(key: string): Promise<string | undefined> {
    const kept = (await this.#run(() => this.#adapter.get(this.#key('code', key)))) as Partial<KeptCode> | undefined;
    return typeof kept?.code === 'string' ? kept.code : undefined;
  }

  /** The signature of a kept package, or undefined. */
  async signature(key: string): Promise<string | undefined> {
    const kept = (await this.#run(() => this.#adapter.get(this.#key('code', key)))) as Partial<KeptCode> | undefined;
    return typeof kept?.signature === 'string' ? kept.signature : undefined;
  }

  /** @throws PluginLifecycleError `plugin/load-failed`. */
  async code(key: string): Promise<string> {
    const code = await this.findCode(key);
    if (code !== undefined) return code;
    throw createError('plugin/load-failed', `the installed package of ${key} is not in the storage any more: install it again`, { details: { package: key } });
  }

  async forgetCode(key: string): Promise<void> {
    await this.#run(() => this.#adapter.delete(this.#key('code', key)));
  }

  /**
   * Forgets packages that no entry knows: of installations that were cut off. Not those whose entry can't be read, and not
   * young ones: another tab may be about to write their entry.
   */
  async #sweep(entries: ReadonlyMap<string, PluginEntry>, known: ReadonlySet<string>): Promise<void> {
    for (const key of await this.#names('code')) {
      const id = idOf(key);
      const entry = entries.get(id);
      if (entry === undefined ? known.has(id) : packagesIn(entry).includes(key.slice(id.length + 1))) continue;
      const kept = (await this.#run(() => this.#adapter.get(this.#key('code', key)))) as Partial<KeptCode> | undefined;
      if (Math.abs(Date.now() - (kept?.kept ?? 0)) > YOUNG) await this.forgetCode(key);
    }
  }

  async #names(part: 'entry' | 'copy' | 'code'): Promise<readonly string[]> {
    const prefix = this.#key(part, '');
    const keys = await this.#run(() => this.#adapter.keys(prefix));
    return keys.map((key) => key.slice(prefix.length));
  }

  /** Gives failures of the adapter a code. */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (Object.hasOwn(ERROR_CODES, String((cause as { code?: unknown } | null)?.code))) throw cause;
      throw createError('storage/failed', `the storage of the plugin registry failed: ${messageOf(cause)}`, { cause });
    }
  }

  async #read(id: string): Promise<PluginEntry | undefined> {
    try {
      const entry = parseEntry(id, await this.#adapter.get(this.#key('entry', id)));
      if (entry !== undefined) return entry;
    } catch (error) {
      const problem = asProblem(id, error);
      this.#report(problem);
      // What a newer kernel has written is not for this one to undo.
      if (problem.code === 'registry/newer-format') return undefined;
    }
    try {
      const copy = parseEntry(id, await this.#adapter.get(this.#key('copy', id)));
      if (copy === undefined) return undefined;
      this.#report(createError('registry/damaged', `what the registry knew of ${id} was damaged or lost: its last good copy is used`, { plugin: id }));
      await this.#adapter.set(this.#key('entry', id), copy);
      return copy;
    } catch (error) {
      this.#report(asProblem(id, error));
      return undefined;
    }
  }

  #key(part: 'entry' | 'copy' | 'code', name: string): string {
    return `${this.#prefix}${part}\0${name}`;
  }
}

interface KeptCode {
  readonly code: string;
  /** Milliseconds since the epoch. */
  readonly kept: number;
  readonly signature?: string;
}

/** Milliseconds for which a package without an entry may belong to an installation under way. */
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
  return createError('registry/damaged', `what the registry knows of ${id} cannot be read: ${messageOf(error)}`, { plugin: id, cause: error });
}

/** Undefined when there is none. Data of an earlier run, or of another kernel: checked before use. */
function parseEntry(id: string, value: unknown): PluginEntry | undefined {
  if (value === undefined) return undefined;
  const { format } = (value ?? {}) as { readonly format?: unknown };
  if (typeof format === 'number' && format > ENTRY_FORMAT) {
    throw createError('registry/newer-format', `what the registry knows of ${id} has the format ${format}, this kernel reads up to ${ENTRY_FORMAT}: use a newer kernel`, {
      plugin: id,
      details: { format, supported: ENTRY_FORMAT },
    });
  }
  const upgrade = typeof format === 'number' ? UPGRADES[format] : undefined;
  const entry = (upgrade === undefined ? value : upgrade(value as object)) as Partial<Record<keyof PluginEntry, unknown>> | null;
  const { disabled, retired, installed, ready, previous, trials, deprecated } = entry ?? {};
  const sound =
    entry?.format === ENTRY_FORMAT &&
    isTexts(trials) &&
    isTextRecord(previous) &&
    isTextRecord(ready) &&
    isTexts(disabled) &&
    isTexts(retired) &&
    isTextRecord(installed) &&
    isTextRecord(deprecated);
  if (!sound) throw createError('registry/damaged', `what the registry knows of ${id} is not well formed`, { plugin: id });
  return entry as unknown as PluginEntry;
}

/** What kernels before have written, as the format after theirs has it. */
const UPGRADES: Readonly<Record<number, (entry: object) => object>> = {
  // One update of an id could be undone, whichever of its versions it had replaced.
  1: (entry) => {
    const { version, of } = ((entry as { readonly previous?: unknown }).previous ?? {}) as { readonly version?: string; readonly of?: string };
    return { ...entry, format: 2, ready: {}, previous: typeof version === 'string' && typeof of === 'string' ? { [of]: version } : {}, trials: [] };
  },
};

const isTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isTextRecord = (value: unknown) => value !== null && typeof value === 'object' && Object.values(value).every((one) => typeof one === 'string');
