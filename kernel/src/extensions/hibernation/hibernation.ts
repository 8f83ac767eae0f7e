/**
 * Decides which plugins sleep: plugins that were idle for a while, and, when all guests together
 * exceed a budget, those that were idle longest. A plugin that is busy, or that another calls over
 * a lane, stays awake.
 */
import { covers, messageOf, parseSize } from '@plinth/sdk/contract';
import type { GuestConnection } from '../../guests/guest-connection.js';
import type { Lanes } from '../../guests/lanes.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import type { ActivePlugin } from '../../plugin/record.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Log } from '../../telemetry/logger.js';
import type { HibernationOptions } from './hibernation-options.js';

/** What hibernation needs of the kernel. */
export interface HibernationParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
  readonly exchange: { readonly lanes: Lanes };
  readonly reporting: { readonly log: Log };
}

/** What a guest was doing at the last look. */
interface Look {
  activity: number;
  /** Milliseconds of the monotonic clock. */
  since: number;
}

/** The longest pause between two looks, in milliseconds. */
const LONGEST_PAUSE = 1_000;

/** Owns one timer. */
export class Hibernation {
  readonly #options: HibernationOptions;
  readonly #parts: HibernationParts;
  readonly #looks = new WeakMap<GuestConnection, Look>();
  #timer: number | undefined;
  #closed = false;

  constructor(options: HibernationOptions, parts: HibernationParts) {
    this.#options = options;
    this.#parts = parts;
  }

  start(): void {
    if (this.#closed) return;
    const { idle = Number.POSITIVE_INFINITY } = this.#options;
    this.#timer = setTimeout(
      () => void this.#look().finally(() => this.start()),
      Math.min(LONGEST_PAUSE, idle / 4),
    );
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const {
      idle = Number.POSITIVE_INFINITY,
      awake = Number.POSITIVE_INFINITY,
      memory,
    } = this.#options;
    const now = performance.now();
    const active = this.#parts.registry
      .all()
      .filter((record): record is ActivePlugin => record.state === 'active');
    const since = new Map(active.map((record) => [record, this.#idleSince(record, now)]));
    // Only a plugin that did nothing between two looks counts as idle.
    const idlers = active
      .filter((record) => (since.get(record) as number) < now && this.#maySleep(record))
      .sort((a, b) => (since.get(a) as number) - (since.get(b) as number));
    let left = active.length;
    let over = memory === undefined ? 0 : (await memoryOf(active)) - (parseSize(memory) as number);
    for (const record of idlers) {
      if (this.#closed) return;
      if (now - (since.get(record) as number) < idle && left <= awake && over <= 0) continue;
      const size = over > 0 ? await memoryOf([record]) : 0;
      if (!(await this.#sleep(record))) continue;
      left -= 1;
      over -= size;
    }
  }

  #idleSince({ connection }: ActivePlugin, now: number): number {
    const activity = connection.registrations.uses + connection.requests;
    const look = this.#looks.get(connection);
    if (
      look !== undefined &&
      look.activity === activity &&
      !connection.busy &&
      !this.#parts.exchange.lanes.uses(connection)
    )
      return look.since;
    this.#looks.set(connection, { activity, since: now });
    return now;
  }

  #maySleep({ id, package: found }: ActivePlugin): boolean {
    const { plugins } = this.#options;
    // An object of the application exists only once, so it can't be loaded again.
    return (
      found.exported === undefined &&
      (plugins === undefined || plugins.some((pattern) => covers(pattern, id)))
    );
  }

  async #sleep({ key, id, connection }: ActivePlugin): Promise<boolean> {
    try {
      return await this.#parts.lifecycle.sleep(key);
    } catch (error) {
      this.#parts.reporting.log.write('kernel', 'warn', `${id} cannot sleep: ${messageOf(error)}`, {
        plugin: id,
      });
      // The plugin is asked again after another idle period.
      this.#looks.delete(connection);
      return false;
    }
  }
}

async function memoryOf(plugins: readonly ActivePlugin[]): Promise<number> {
  const sizes = await Promise.all(
    plugins.map(({ connection }) => connection.usage().catch(() => undefined)),
  );
  return sizes.reduce((sum, usage) => sum + (usage?.memory ?? 0), 0);
}
