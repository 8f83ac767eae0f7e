/**
 * Watches an updated plugin for a while, beginning with its activation: whether it can be activated
 * at all, crashes, or reports that it is unhealthy.
 */
import { type Alarm, alarm } from '@plinth/sdk/contract';
import type { EventBus } from '../../events/event-bus.js';
import { pluginHealth } from '../../lifecycle/plugin-health.js';
import type { Limits } from '../../limits.js';
import { versionOf } from '../../plugin/record.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Redaction } from '../../telemetry/redaction.js';

/** What a trial needs from the kernel. */
export interface TrialParts {
  readonly registry: PluginRegistry;
  readonly bus: EventBus;
  readonly limits: Pick<Limits, 'hook'>;
  readonly redaction: Redaction;
}

/** How often a plugin is asked for its health within its trial. */
const LOOKS = 20;

/** Owns one timer and one listener, until it ends. */
export class Trial {
  readonly key: string;
  readonly #parts: TrialParts;
  readonly #onBad: (reason: string) => void;
  readonly #onGood: () => void;
  readonly #listeners: readonly { dispose(): void }[];
  readonly #length: number;
  /** When the trial ends. Unknown before the plugin is active. */
  #end: number | undefined;
  #timer: Alarm | undefined;
  #over = false;

  /** @param length in milliseconds. */
  constructor(
    key: string,
    length: number,
    parts: TrialParts,
    onBad: (reason: string) => void,
    onGood: () => void,
  ) {
    this.key = key;
    this.#parts = parts;
    this.#onBad = onBad;
    this.#onGood = onGood;
    this.#length = length;
    const { id } = parts.registry.get(key) ?? { id: key };
    const failed = ({ event }: { readonly event: { readonly payload: unknown } }) => {
      const told = event.payload as {
        readonly id: string;
        readonly version?: string;
        readonly code: string;
        readonly message: string;
      };
      const record = parts.registry.get(key);
      // A missing dependency isn't the plugin's fault.
      if (
        told.id === id &&
        record !== undefined &&
        told.version === versionOf(record) &&
        told.code !== 'plugin/dependency-failed'
      )
        this.#bad(told.message);
    };
    this.#listeners = [
      ...['plugin:crashed', 'plugin:failed', 'plugin:wake-failed'].map((topic) =>
        parts.bus.on(topic, failed),
      ),
      // A plugin that was suspended during the update is active once it is resumed.
      ...['plugin:activated', 'plugin:resumed'].map((topic) =>
        parts.bus.on(topic, () => this.#begin()),
      ),
    ];
    this.#begin();
  }

  /** Looks whether the version has failed already. */
  look(): void {
    const record = this.#parts.registry.get(this.key);
    if (record?.state !== 'failed') return;
    const { code, message } = record.error as Error & { readonly code?: string };
    if (code !== 'plugin/dependency-failed') this.#bad(message);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.clear();
    for (const listener of this.#listeners) listener.dispose();
  }

  #begin(): void {
    if (
      this.#over ||
      this.#end !== undefined ||
      this.#parts.registry.get(this.key)?.state !== 'active'
    )
      return;
    this.#end = performance.now() + this.#length;
    this.#lookLater();
  }

  #lookLater(): void {
    this.#timer = alarm(() => void this.#look(), this.#length / LOOKS);
  }

  async #look(): Promise<void> {
    const record = this.#parts.registry.get(this.key);
    if (record === undefined) return this.close();
    if (performance.now() >= (this.#end as number)) {
      this.close();
      this.#onGood();
      return;
    }
    const { status, details } = await pluginHealth(
      record,
      this.#parts.limits.hook,
      this.#parts.redaction,
    );
    if (this.#over) return;
    if (status === 'unhealthy')
      this.#bad(`it is unhealthy${typeof details === 'string' ? `: ${details}` : ''}`);
    else this.#lookLater();
  }

  #bad(reason: string): void {
    if (this.#over) return;
    this.close();
    this.#onBad(reason);
  }
}
