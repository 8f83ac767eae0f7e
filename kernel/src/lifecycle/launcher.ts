/** Chooses where plugins run, and launches their guests there. */
import {
  covers,
  createError,
  type Isolation,
  type Manifest,
  messageOf,
} from '@plinth/sdk/contract';
import type { Turn } from '@plinth/sdk/rpc';
import type { SharedGuests } from '../guests/shared-guests.js';
import type { Guest, Host, PluginPackage } from '../host.js';
import type { ResolvedPlugin } from '../plugin/record.js';
import type { Extending } from './extending.js';
import type { Trusting } from './trusting.js';

/** Chooses where a plugin runs. Undefined leaves the choice to the manifest. */
export type IsolationPolicy = Isolation | ((manifest: Manifest) => Isolation | undefined);

/** What launching needs of the kernel. */
export interface LauncherParts {
  readonly hosts: readonly Host[];
  readonly isolation: IsolationPolicy | undefined;
  /** Ids or prefixes of plugins that may serve all tenants from one guest. */
  readonly mayShare: readonly string[];
  readonly trust: Pick<Trusting, 'isolation'>;
  readonly extending: Pick<Extending, 'isolation' | 'launch'>;
  /** Guests that serve several tenants. */
  readonly shared: SharedGuests;
  /** Milliseconds in which a guest announces itself. */
  readonly ready: number;
  readonly turn: Turn;
  defer(task: () => void): void;
  /** Bytes that a plugin may use. Infinity means no limit. */
  memoryOf(record: Placed): number;
  /** A line that the platform shows for a guest. */
  log(manifest: Manifest, level: 'error' | 'info' | 'warn' | 'debug', text: string): void;
}

/** What is needed of a record to choose its isolation. */
export type Placed = Pick<ResolvedPlugin, 'manifest' | 'package'>;

let generation = 0;

/** Keeps nothing about guests: their connections own them. */
export class Launcher {
  readonly #parts: LauncherParts;

  constructor(parts: LauncherParts) {
    this.#parts = parts;
  }

  /** Where a plugin runs: the embedder decides, then the manifest. It can't opt out of isolation. */
  isolationOf(record: Placed): Isolation {
    const { manifest, package: found } = record;
    // An object of the application belongs to the application.
    if (found.exported !== undefined) return 'inline';
    const { trust, extending } = this.#parts;
    return extending.isolation(trust.isolation(this.#wanted(record), found, manifest), found);
  }

  #wanted({ manifest }: Placed): Isolation {
    const { isolation } = this.#parts;
    const decided = typeof isolation === 'function' ? isolation(manifest) : isolation;
    if (decided !== undefined) return decided;
    if (manifest.isolation === 'inline') {
      throw createError(
        'plugin/launch-failed',
        `cannot launch ${manifest.id}: it asks to run inline, and only the application can allow that (option 'isolation')`,
        { plugin: manifest.id },
      );
    }
    return manifest.isolation;
  }

  /**
   * Launches a separate guest, or joins the one that the tenants share.
   *
   * @throws PluginLifecycleError `plugin/launch-failed`.
   */
  async launch(record: ResolvedPlugin): Promise<Guest> {
    const { manifest } = record;
    const { mayShare, shared, ready, turn, defer } = this.#parts;
    const isShared =
      manifest.tenancy === 'shared' &&
      this.isolationOf(record) === 'worker' &&
      mayShare.some((pattern) => covers(pattern, manifest.id));
    if (!isShared) return this.#launch(record);
    return shared.join({
      plugin: manifest.id,
      package: record.package,
      ready,
      turn,
      defer,
      launch: () => this.#launch(record),
    });
  }

  /** The next guest of a package is not one that tenants share now. */
  forget(found: PluginPackage): void {
    this.#parts.shared.forget(found);
  }

  async #launch(record: ResolvedPlugin): Promise<Guest> {
    const { manifest } = record;
    const { hosts, extending, ready, log } = this.#parts;
    const isolation = this.isolationOf(record);
    const host = hostFor(isolation, manifest, hosts);
    const memory = this.#parts.memoryOf(record);
    generation += 1;
    const start = () =>
      host.launch({
        plugin: { id: manifest.id, version: manifest.version },
        isolation,
        limits: { ready, ...(Number.isFinite(memory) && { memory }) },
        generation,
        ...(record.package.exported !== undefined && { exported: record.package.exported }),
        log: (level, text) => log(manifest, level, text),
      });
    try {
      return await extending.launch(record.key, isolation, start);
    } catch (cause) {
      if ((cause as { code?: unknown }).code === 'plugin/launch-failed') throw cause;
      throw createError(
        'plugin/launch-failed',
        `cannot launch ${manifest.id} (${isolation}): ${messageOf(cause)}`,
        { plugin: manifest.id, cause },
      );
    }
  }
}

function hostFor(isolation: Isolation, manifest: Manifest, hosts: readonly Host[]): Host {
  const host = hosts.find((one) => one.isolations.includes(isolation));
  if (host !== undefined) return host;
  const offered = [...new Set(hosts.flatMap((one) => one.isolations))].join(', ');
  throw createError(
    'plugin/launch-failed',
    `cannot launch ${manifest.id}: no host here offers '${isolation}' isolation, only ${offered}`,
    {
      plugin: manifest.id,
      details: { isolation, offered },
    },
  );
}
