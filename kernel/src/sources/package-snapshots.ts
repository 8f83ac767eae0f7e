/**
 * Snapshots of packages. A manifest and its bundle stay together while the kernel has the plugin,
 * even if their source changes. The bundle is read once, with the manifest. A copy in the kernel's
 * storage lets the plugin start again offline. A changed folder counts as another package.
 */
import { createError, DEFAULT_TENANT, messageOf } from '@plinth/sdk/contract';
import type { PluginPackage, StorageAdapter } from '../host.js';
import { inTime } from '../in-time.js';

type Code = Awaited<ReturnType<PluginPackage['code']>>;

interface Kept {
  readonly code: Code;
  readonly print: number;
  /** Milliseconds since the epoch. */
  readonly kept: number;
}

/** Owns the copies of bundles in the kernel's storage. */
export class PackageSnapshots {
  readonly #storage: StorageAdapter;
  readonly #read: number;
  readonly #writing = new Set<Promise<void>>();
  readonly #names = new Set<string>();

  /** Whether a tenant has a package of this name. */
  isUsed: (name: string) => boolean = () => false;

  /** @param read milliseconds in which a source has to return a bundle. */
  constructor(storage: StorageAdapter, read: number) {
    this.#storage = storage;
    this.#read = read;
  }

  /** Waits for a source, for a bounded time. A source that doesn't answer is asked again later. */
  inTime<T>(reading: Promise<T>): Promise<T> {
    return inTime(reading, this.#read);
  }

  /** A package with its manifest and bundle fixed. A package that can't change stays as it is. */
  take(found: PluginPackage): PluginPackage {
    return found instanceof Snapshot || found.exported !== undefined || found.held === true
      ? found
      : new Snapshot(found, this);
  }

  /**
   * Reads the package again, with the bundle and manifest together. Returns the same object when
   * nothing has changed.
   *
   * @param main the bundle's path in the manifest of a package.
   * @throws the problem of the package as it is now.
   */
  async refresh(
    found: PluginPackage,
    main: (fresh: PluginPackage) => string,
  ): Promise<PluginPackage> {
    if (!(found instanceof Snapshot)) return found;
    const { source } = found;
    if (source.refresh === undefined) {
      found.forget();
      return found;
    }
    const now = await this.inTime(source.refresh());
    if (now.problem !== undefined) throw now.problem;
    const fresh = new Snapshot(now, this);
    const path = main(fresh);
    const code = await fresh.code(path);
    const unchanged =
      now.manifest === found.manifest && code === (await found.code(path).catch(() => undefined));
    return unchanged ? found : fresh;
  }

  /** Keeps a bundle, then calls `done`. If the storage refuses, it stays in memory. */
  keep(name: string, code: Code, print: number, done: () => void): void {
    // Two packages of one name may alternate in one kernel. Only the first has a copy; the other
    // stays in memory.
    if (this.#names.has(name)) return;
    this.#names.add(name);
    const write = async () => {
      const before = await this.#find(name);
      if (before?.print !== print)
        await this.#storage.set(this.#key(name), { code, print, kept: Date.now() } satisfies Kept);
      done();
    };
    const writing = write()
      .catch(() => void this.#names.delete(name))
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** The copy of a bundle, unless another kernel on this storage has replaced it. */
  async find(name: string, print: number): Promise<Code | undefined> {
    const kept = await this.#find(name);
    return kept?.print === print ? kept.code : undefined;
  }

  async #find(name: string): Promise<Partial<Kept> | undefined> {
    const kept = await this.#storage.get(this.#key(name));
    return kept !== null && typeof kept === 'object' ? kept : undefined;
  }

  /** Frees the copy of a name for the next package with that name. */
  release(name: string): void {
    this.#names.delete(name);
  }

  /**
   * Deletes the copies of packages that no longer exist. Recent copies stay, because another tab
   * may use them.
   *
   * @param names the names of the existing packages.
   */
  async sweep(names: ReadonlySet<string>): Promise<void> {
    const prefix = this.#key('');
    for (const key of await this.#storage.keys(prefix)) {
      if (names.has(key.slice(prefix.length))) continue;
      const kept = await this.#find(key.slice(prefix.length));
      if (Math.abs(Date.now() - (kept?.kept ?? 0)) > YOUNG) await this.#storage.delete(key);
    }
  }

  /** Deletes the copy of a package that is gone, unless a tenant uses the name. */
  drop(name: string): void {
    if (this.isUsed(name)) return;
    this.#names.delete(name);
    const dropping = Promise.allSettled([...this.#writing])
      .then(() => this.#storage.delete(this.#key(name)))
      .then(
        () => {},
        // A copy that stays by accident is removed when a kernel starts.
        () => {},
      )
      .finally(() => this.#writing.delete(dropping));
    this.#writing.add(dropping);
  }

  /** Waits for copies that are being written. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#writing]);
  }

  #key(name: string): string {
    // No plugin can have this id. All tenants share the sources, so they share the copies.
    return `${DEFAULT_TENANT}\0plinth\0snapshot\0${name}`;
  }
}

/** Milliseconds for which a copy counts as recent: a running kernel may have just written it. */
const YOUNG = 3_600_000;

/** One package. */
class Snapshot implements PluginPackage {
  readonly origin: string;
  readonly manifest: string | object;
  readonly problem?: unknown;
  readonly source: PluginPackage;
  readonly #snapshots: PackageSnapshots;
  /** The bundle in memory, until a copy is kept. */
  #code: Promise<Code> | undefined;
  #signature: Promise<string | undefined> | undefined;
  /** Whether a guest of it has run. Other files of its source may have changed since. */
  #hasRun = false;
  /** Its copy in the storage. */
  #copy: { readonly name: string; readonly print: number } | undefined;

  constructor(source: PluginPackage, snapshots: PackageSnapshots) {
    this.source = source;
    this.origin = source.origin;
    this.manifest = source.manifest;
    if (source.problem !== undefined) this.problem = source.problem;
    this.#snapshots = snapshots;
  }

  get list(): PluginPackage['list'] {
    const { source } = this;
    return this.#hasRun || source.list === undefined
      ? undefined
      : () => (source.list as () => Promise<readonly string[]>)();
  }

  get read(): PluginPackage['read'] {
    const { source } = this;
    return this.#hasRun || source.read === undefined
      ? undefined
      : (path, most) => (source.read as Required<PluginPackage>['read'])(path, most);
  }

  get signature(): PluginPackage['signature'] {
    const { source } = this;
    return source.signature === undefined
      ? undefined
      : () => this.#readSignature(source.signature as () => Promise<string | undefined>);
  }

  #readSignature(read: () => Promise<string | undefined>): Promise<string | undefined> {
    if (!this.#hasRun) this.#signature = read.call(this.source);
    return this.#signature as Promise<string | undefined>;
  }

  /**
   * @throws PluginLifecycleError `plugin/load-failed` when the package has changed since it was
   * found.
   */
  async code(main: string, most?: number): Promise<Code> {
    const copy = this.#copy;
    if (copy !== undefined)
      return (
        (await this.#snapshots.find(copy.name, copy.print)) ?? this.#again(main, copy.print, most)
      );
    if (this.#code === undefined) {
      const code = this.#take(main, most);
      this.#code = code;
      code.catch(() => {
        if (this.#code === code) this.#code = undefined;
      });
    }
    return this.#code;
  }

  /** A guest of it runs. From now on it starts from a copy. */
  ran(name: string): void {
    this.#hasRun = true;
    const code = this.#code;
    if (code === undefined) return;
    const keep = (text: Code) => {
      const print = printOf(text);
      this.#snapshots.keep(name, text, print, () => {
        // Skipped when the bundle has to be read again.
        if (this.#code !== code) return;
        this.#copy = { name, print };
        this.#code = undefined;
      });
    };
    code.then(keep, () => {});
  }

  /** Makes the next start read the bundle again, for a source that can't refresh. */
  forget(): void {
    if (this.#copy !== undefined) this.#snapshots.release(this.#copy.name);
    this.#copy = undefined;
    this.#code = undefined;
    this.#hasRun = false;
  }

  /** The bundle, if the manifest beside it is unchanged since it was found. */
  async #take(main: string, most: number | undefined): Promise<Code> {
    const [code, now] = await this.#snapshots.inTime(
      Promise.all([this.source.code(main, most), this.source.refresh?.()]),
    );
    if (now?.problem !== undefined)
      throw this.#lost(`can't be read any more: ${messageOf(now.problem)}`, now.problem);
    if (now !== undefined && now.manifest !== this.manifest)
      throw this.#lost(
        'has changed since it was found: reload the plugin to take what is there now',
      );
    return code;
  }

  /** The bundle when its copy is lost: read from the source again, if it is still the same. */
  async #again(main: string, print: number, most: number | undefined): Promise<Code> {
    const code = await this.#snapshots.inTime(this.source.code(main, most));
    if (printOf(code) !== print)
      throw this.#lost(
        'has changed, and the copy of what has run is not in the storage any more: reload the plugin',
      );
    return code;
  }

  #lost(why: string, cause?: unknown): Error {
    return createError('plugin/load-failed', `the package in ${this.origin} ${why}`, {
      details: { origin: this.origin },
      ...(cause !== undefined && { cause }),
    });
  }
}

/** The source's own package behind a snapshot. A package that can't change is returned itself. */
export const placeOf = (found: PluginPackage): PluginPackage =>
  found instanceof Snapshot ? found.source : found;

/** Whether the source of a package may change. */
export const isSnapshot = (found: PluginPackage): boolean => found instanceof Snapshot;

/** Records that a guest of a package runs, or that it was installed. */
export function ran(found: PluginPackage, name: string): void {
  if (found instanceof Snapshot) found.ran(name);
}

/** A 64-bit fingerprint of a bundle, made of two 32-bit mixes. It does not resist forgery. */
function printOf(code: Code): number {
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < code.length; index++) {
    const unit = code.charCodeAt(index);
    one = Math.imul(one ^ unit, 2_654_435_761);
    two = Math.imul(two ^ unit, 1_597_334_677);
  }
  return 4_294_967_296 * (two & 0x1f_ffff) + (one >>> 0);
}
