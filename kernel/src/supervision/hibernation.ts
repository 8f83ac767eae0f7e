/**
 * Who may sleep: plugins that were idle for a while, and, when all guests together are over a budget, those that were idle
 * longest. Nobody sleeps who works, or whom another calls directly.
 */
import { covers, createError, messageOf, parseSize } from '@plinth/sdk/contract';
import type { GuestConnection } from '../guests/guest-connection.js';
import type { Lanes } from '../guests/lanes.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { ActivePlugin } from '../record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Log } from '../telemetry/logger.js';

/** Which plugins give their guest away while they have nothing to do. */
export interface HibernationOptions {
  /** Milliseconds without a call or an event after which a plugin sleeps; never by time alone when absent. */
  readonly idle?: number;
  /** Most memory of all guests together, like `'512MB'`; what was idle longest sleeps first. Where guests can tell their memory. */
  readonly memory?: string | number;
  /** Most plugins awake at a time. */
  readonly awake?: number;
  /** Ids or prefixes of the plugins that may sleep; all when absent. */
  readonly plugins?: readonly string[];
}

/** What hibernation needs of the kernel. */
export interface HibernationParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
  readonly lanes: Lanes;
  readonly log: Log;
}

/** What a guest was doing when it was last looked at. */
interface Look {
  activity: number;
  /** Milliseconds of the monotonic clock. */
  since: number;
}

/** Longest pause between two looks, in milliseconds. */
const LONGEST_PAUSE = 1_000;

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkHibernation(options: HibernationOptions | undefined): void {
  if (options === undefined) return;
  const known: Record<string, (value: unknown) => boolean> = {
    idle: (value) => typeof value === 'number' && value > 0,
    memory: (value) => (typeof value === 'string' || typeof value === 'number') && parseSize(value) !== undefined,
    awake: (value) => Number.isSafeInteger(value) && (value as number) > 0,
    plugins: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  };
  for (const [key, value] of Object.entries(typeof options === 'object' && options !== null ? options : { hibernation: options })) {
    if (Object.hasOwn(known, key) && (known[key] as (value: unknown) => boolean)(value)) continue;
    throw createError('kernel/invalid-option', `'hibernation.${key}' is not an option, or ${String(value)} no value for it`, { details: { option: `hibernation.${key}` } });
  }
}

/** Owns one timer. */
export class Hibernation {
  readonly #options: HibernationOptions | undefined;
  readonly #parts: HibernationParts;
  readonly #looks = new WeakMap<GuestConnection, Look>();
  #timer: number | undefined;
  #closed = false;

  constructor(options: HibernationOptions | undefined, parts: HibernationParts) {
    this.#options = options;
    this.#parts = parts;
  }

  start(): void {
    if (this.#options === undefined || this.#closed) return;
    const { idle = Number.POSITIVE_INFINITY } = this.#options;
    this.#timer = setTimeout(() => void this.#look().finally(() => this.start()), Math.min(LONGEST_PAUSE, idle / 4));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { idle = Number.POSITIVE_INFINITY, awake = Number.POSITIVE_INFINITY, memory } = this.#options as HibernationOptions;
    const now = performance.now();
    const active = this.#parts.registry.all().filter((record): record is ActivePlugin => record.state === 'active');
    const since = new Map(active.map((record) => [record, this.#idleSince(record, now)]));
    // Only whoever was seen doing nothing between two looks counts as idle at all.
    const idlers = active.filter((record) => (since.get(record) as number) < now && this.#maySleep(record)).sort((a, b) => (since.get(a) as number) - (since.get(b) as number));
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
    if (look !== undefined && look.activity === activity && !connection.busy && !this.#parts.lanes.uses(connection)) return look.since;
    this.#looks.set(connection, { activity, since: now });
    return now;
  }

  #maySleep({ id, package: found }: ActivePlugin): boolean {
    const { plugins } = this.#options as HibernationOptions;
    // An object of the application is there only once: it can't be loaded anew.
    return found.exported === undefined && (plugins === undefined || plugins.some((pattern) => covers(pattern, id)));
  }

  async #sleep({ key, id, connection }: ActivePlugin): Promise<boolean> {
    try {
      return await this.#parts.lifecycle.sleep(key);
    } catch (error) {
      this.#parts.log.write('kernel', 'warn', `${id} cannot sleep: ${messageOf(error)}`, { plugin: id });
      // Asked again when it has been idle anew.
      this.#looks.delete(connection);
      return false;
    }
  }
}

async function memoryOf(plugins: readonly ActivePlugin[]): Promise<number> {
  const sizes = await Promise.all(plugins.map(({ connection }) => connection.usage().catch(() => undefined)));
  return sizes.reduce((sum, usage) => sum + (usage?.memory ?? 0), 0);
}
