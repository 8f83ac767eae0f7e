/** What all tenants of a kernel stand on: hosts, storage, sources, extensions, and their end. */
import { DEFAULT_TENANT, messageOf } from '@plinth/sdk/contract';
import { Deadlines, Turn } from '@plinth/sdk/rpc';
import { openContracts } from '../calls/open-contracts.js';
import type { AnyExtension } from '../extension/statics.js';
import { inlineHost } from '../guests/inline-host.js';
import type { Host, PluginSource, StorageAdapter } from '../host.js';
import { inTime } from '../in-time.js';
import type { CoreOptions } from '../kernel-options.js';
import { lazily } from '../lazily.js';
import { Discovery } from '../lifecycle/discover.js';
import { DEFAULT_LIMITS, limitsOf } from '../limits.js';
import { memoryStorage } from '../storage/memory-storage.js';
import { watchStorage } from '../storage/watched-storage.js';
import type { CoreTenant } from './core-tenant.js';
import type { Packages } from './packages.js';
import type { Compose, Shared } from './shared.js';
import { createTenant } from './tenant.js';
import type { Tenants } from './tenants.js';

/** How many kernels use a storage that the application has given. The last one closes it. */
const users = new WeakMap<StorageAdapter, number>();

/** Owns what the tenants share, and ends it after them. */
export class Ground {
  readonly shared: Shared;
  /** The tenants beside the default one. */
  tenants: Tenants | undefined;
  readonly #deadlines = new Deadlines();
  readonly #packages = lazily(() => this.#loadPackages());
  readonly #options: CoreOptions;
  #root: CoreTenant | undefined;
  #discovery: Discovery | undefined;
  #looksNoMore = false;

  constructor(
    options: CoreOptions,
    { extend, environment }: Pick<Shared, 'environment' | 'extend'>,
    extensions: readonly AnyExtension[],
    sources: PluginSource[],
    compose: Compose,
  ) {
    this.#options = options;
    const given: readonly Host[] = options.host === undefined ? [] : [options.host].flat();
    const hosts = [...given, inlineHost(given.find(({ context }) => context !== undefined))];
    const storage = options.storage ?? memoryStorage();
    users.set(storage, (users.get(storage) ?? 0) + 1);
    const watched = watchStorage(options.registry?.over(storage) ?? storage);
    this.shared = {
      options,
      isOpen: openContracts(options.contracts),
      environment,
      extend,
      extensions,
      compose,
      addSource: (source) => void sources.push(source),
      hosts,
      storage: watched.storage,
      storageProblem: watched.problem,
      packages: this.#packages,
      deadlines: this.#deadlines,
      turn: new Turn(),
      discovery: () => {
        const patience = options.limits?.discover ?? DEFAULT_LIMITS.discover;
        this.#discovery ??= new Discovery(sources, patience);
        // A start goes on to its end when the kernel stops meanwhile.
        if (this.#looksNoMore) this.#discovery.close();
        return this.#discovery;
      },
    };
  }

  async #loadPackages(): Promise<Packages> {
    const { Packages } = await import('./opened.js');
    const all = () => [this.#root ?? [], this.tenants?.all() ?? []].flat();
    const { read } = limitsOf(this.#options.limits);
    return new Packages(this.shared.storage, read, (name) =>
      all().some(({ plugins }) => plugins.get(name) !== undefined),
    );
  }

  /** Makes the default tenant. */
  makeRoot(): CoreTenant {
    this.#root = createTenant(this.shared, DEFAULT_TENANT);
    return this.#root;
  }

  /** Nothing waits any more for what sources may still find. */
  stopLooking(): void {
    this.#looksNoMore = true;
    this.#discovery?.close();
  }

  /** Ends extensions in reverse, then what tenants share. */
  async end(): Promise<void> {
    const { extensions, hosts } = this.shared;
    const { open: limit } = limitsOf(this.#options.limits);
    for (const { statics, close } of [...extensions].reverse())
      try {
        const closing = Promise.resolve().then(close);
        await inTime(closing, limit, `it did not end within ${limit} ms`);
      } catch (error) {
        this.#root?.logger.error(
          `the extension '${statics.name}' could not close: ${messageOf(error)}`,
        );
      }
    await (await this.#packages.begun?.catch(() => undefined))?.snapshots.close();
    await Promise.allSettled([this.#closeStorage(), ...hosts.map((one) => one.close?.())]);
    this.#deadlines.close();
  }

  async #closeStorage(): Promise<void> {
    const { storage: given } = this.#options;
    const left = given === undefined ? 0 : (users.get(given) ?? 1) - 1;
    if (given !== undefined) users.set(given, left);
    if (left > 0) return;
    const { open: limit } = limitsOf(this.#options.limits);
    try {
      const closing = Promise.resolve().then(() => this.shared.storage.close());
      await inTime(closing, limit, `it did not end within ${limit} ms`);
    } catch (error) {
      this.#root?.logger.error(`the storage could not close: ${messageOf(error)}`);
    }
  }
}
