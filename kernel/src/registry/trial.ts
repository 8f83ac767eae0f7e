/**
 * Watches an updated plugin for a while, from its activation on: whether it can be activated at all, crashes, or says that it is
 * unhealthy.
 */
import type { EventBus } from '../events/event-bus.js';
import type { Limits } from '../parts.js';
import { versionOf } from '../record.js';
import type { Redaction } from '../secrets/redaction.js';
import { pluginHealth } from '../telemetry/health.js';
import type { PluginRegistry } from './plugin-registry.js';

/** What a trial needs of the kernel. */
export interface TrialParts {
  readonly registry: PluginRegistry;
  readonly bus: EventBus;
  readonly limits: Pick<Limits, 'hook'>;
  readonly redaction: Redaction;
}

/** How often a plugin is asked within its trial. */
const LOOKS = 20;

/** Owns one timer and one listener, until it ends. */
export class Trial {
  readonly key: string;
  readonly #parts: TrialParts;
  readonly #onBad: (reason: string) => void;
  readonly #onGood: () => void;
  readonly #listeners: readonly { dispose(): void }[];
  readonly #length: number;
  /** When it is over; not known before the plugin is active. */
  #end: number | undefined;
  #timer: number | undefined;
  #over = false;

  /** @param length in milliseconds. */
  constructor(key: string, length: number, parts: TrialParts, onBad: (reason: string) => void, onGood: () => void) {
    this.key = key;
    this.#parts = parts;
    this.#onBad = onBad;
    this.#onGood = onGood;
    this.#length = length;
    const { id } = parts.registry.get(key) ?? { id: key };
    const failed = ({ event }: { readonly event: { readonly payload: unknown } }) => {
      const told = event.payload as { readonly id: string; readonly version?: string; readonly code: string; readonly message: string };
      const record = parts.registry.get(key);
      // When what it needs isn't there, that is not its fault.
      if (told.id === id && record !== undefined && told.version === versionOf(record) && told.code !== 'plugin/dependency-failed') this.#bad(told.message);
    };
    this.#listeners = [
      ...['plugin:crashed', 'plugin:failed', 'plugin:wake-failed'].map((topic) => parts.bus.on(topic, failed)),
      // One that was suspended when it was updated is active once it is resumed.
      ...['plugin:activated', 'plugin:resumed'].map((topic) => parts.bus.on(topic, () => this.#begin())),
    ];
    this.#begin();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    for (const listener of this.#listeners) listener.dispose();
  }

  #begin(): void {
    if (this.#over || this.#end !== undefined || this.#parts.registry.get(this.key)?.state !== 'active') return;
    this.#end = performance.now() + this.#length;
    this.#lookLater();
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#length / LOOKS);
  }

  async #look(): Promise<void> {
    const record = this.#parts.registry.get(this.key);
    if (record === undefined) return this.close();
    if (performance.now() >= (this.#end as number)) {
      this.close();
      this.#onGood();
      return;
    }
    const { status, details } = await pluginHealth(record, this.#parts.limits.hook, this.#parts.redaction);
    if (this.#over) return;
    if (status === 'unhealthy') this.#bad(`it is unhealthy${typeof details === 'string' ? `: ${details}` : ''}`);
    else this.#lookLater();
  }

  #bad(reason: string): void {
    if (this.#over) return;
    this.close();
    this.#onBad(reason);
  }
}
