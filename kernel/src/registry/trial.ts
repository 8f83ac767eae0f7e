/** Watches an updated plugin for a while: whether it crashes, or says that it is unhealthy. */
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
  readonly #listener: { dispose(): void };
  readonly #end: number;
  readonly #pause: number;
  #timer: number | undefined;
  #over = false;

  /** @param length in milliseconds. */
  constructor(key: string, length: number, parts: TrialParts, onBad: (reason: string) => void) {
    this.key = key;
    this.#parts = parts;
    this.#onBad = onBad;
    this.#end = performance.now() + length;
    this.#pause = length / LOOKS;
    const { id } = parts.registry.get(key) ?? { id: key };
    this.#listener = parts.bus.on('plugin:crashed', ({ event }) => {
      const crashed = event.payload as { readonly id: string; readonly version?: string; readonly message: string };
      const record = parts.registry.get(key);
      if (crashed.id === id && record !== undefined && crashed.version === versionOf(record)) this.#bad(crashed.message);
    });
    this.#lookLater();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#listener.dispose();
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#pause);
  }

  async #look(): Promise<void> {
    const record = this.#parts.registry.get(this.key);
    if (record === undefined || performance.now() >= this.#end) return this.close();
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
