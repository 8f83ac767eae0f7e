/**
 * When plugins were first found, and when they last changed. All times of a tenant are one value of
 * the storage. It is written shortly after a change. The times only inform, and no decision waits
 * for them.
 */
import { messageOf } from '@plinth/sdk/contract';
import type { EventBus } from '../../events/event-bus.js';
import type { StorageAdapter } from '../../host.js';
import type { KernelTopic } from '../../kernel-events.js';
import type { PluginTimes } from '../../lifecycle/inventory.js';
import type { Log } from '../../telemetry/logger.js';

/** What the times need from the kernel. */
export interface TimesParts {
  readonly bus: EventBus;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  /** Ids of the installed plugins. */
  ids(): Iterable<string>;
  /** Installed versions of a plugin. */
  versions(id: string): readonly string[];
}

type Kept = readonly [createdAt: number, updatedAt: number, versions: string];

/** The kinds of change to a plugin. */
const TOPICS: readonly KernelTopic[] = [
  'plugin:installed',
  'plugin:uninstalled',
  'plugin:updated',
  'plugin:rolled-back',
  'plugin:reloaded',
  'plugin:enabled',
  'plugin:disabled',
  'config:changed',
];
const FORMAT = 1;
/** Milliseconds after which changes are written. */
const WINDOW = 50;

/** Owns the times of one tenant's plugins. */
export class TimesLog {
  readonly #parts: TimesParts;
  readonly #listeners: { dispose(): void }[] = [];
  #times = new Map<string, Kept>();
  #timer: number | undefined;
  #turn: Promise<void> = Promise.resolve();
  #opened = false;

  constructor(parts: TimesParts) {
    this.#parts = parts;
    for (const topic of TOPICS) {
      this.#listeners.push(
        parts.bus.on(topic, ({ event: { source, payload } }) => {
          const { id, plugin } = payload as { readonly id?: string; readonly plugin?: string };
          if (source === 'kernel' && this.#opened) this.#changed(id ?? plugin ?? '');
        }),
      );
    }
  }

  /**
   * Reads the stored times, and adds the installed plugins. Times that can't be read start again.
   */
  async open(): Promise<void> {
    const kept = await this.#read().catch((error: unknown) => {
      this.#parts.log.write(
        'kernel',
        'warn',
        `since when plugins are here could not be read: ${messageOf(error)}`,
      );
      return new Map<string, Kept>();
    });
    this.#opened = true;
    this.#times = kept;
    this.look();
  }

  /** Adds plugins that are new, or installed in another version than before. */
  look(): void {
    if (!this.#opened) return;
    for (const id of this.#parts.ids())
      if (this.#times.get(id)?.[2] !== textOf(this.#parts.versions(id))) this.#changed(id);
  }

  /** Undefined for a plugin that isn't installed. */
  of(id: string): PluginTimes | undefined {
    const known = this.#times.get(id);
    return known && { createdAt: known[0], updatedAt: known[1] };
  }

  /** Resolves when everything is written that could be written. */
  async close(): Promise<void> {
    for (const one of this.#listeners.splice(0)) one.dispose();
    if (this.#timer !== undefined) this.#flush();
    await this.#turn;
  }

  #changed(id: string): void {
    const versions = this.#parts.versions(id);
    if (versions.length === 0) this.#times.delete(id);
    else {
      const now = Date.now();
      const before = this.#times.get(id);
      // The clock may have been set back.
      this.#times.set(id, [before?.[0] ?? now, Math.max(now, before?.[1] ?? 0), textOf(versions)]);
    }
    this.#write();
  }

  #write(): void {
    this.#timer ??= setTimeout(() => this.#flush(), WINDOW);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { storage, log } = this.#parts;
    const times = Object.fromEntries(this.#times);
    this.#turn = this.#turn
      .then(() => storage.set(this.#key, { format: FORMAT, times }))
      .catch((error: unknown) =>
        log.write(
          'kernel',
          'warn',
          `since when plugins are here could not be kept: ${messageOf(error)}`,
        ),
      );
  }

  async #read(): Promise<Map<string, Kept>> {
    const kept = (await this.#parts.storage.get(this.#key)) as
      | { readonly format?: unknown; readonly times?: unknown }
      | undefined;
    if (kept?.format !== FORMAT || kept.times === null || typeof kept.times !== 'object')
      return new Map();
    const sound = ([, one]: readonly [string, unknown]) =>
      Array.isArray(one) &&
      Number.isFinite(one[0]) &&
      Number.isFinite(one[1]) &&
      typeof one[2] === 'string';
    return new Map(Object.entries(kept.times).filter(sound) as [string, Kept][]);
  }

  get #key(): string {
    // No plugin has this name.
    return `${this.#parts.tenant}\0plinth\0times`;
  }
}

const textOf = (versions: readonly string[]) => [...versions].sort().join(' ');
