/** What is known of a plugin beside its record, and the sentences that are made of it. */
import type { Circumstances } from '../api/circumstances.js';
import { explain } from '../api/explain.js';
import type { Absence } from '../calls/layers.js';
import type { PluginRecord } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

/** The restarts of plugins, and why they are paused, where plugins run already. */
export type Running = Pick<Circumstances, 'blame' | 'pausedFor' | 'quarantine' | 'restart'>;

/** Answers for the plugins of one tenant. */
export class Facts {
  readonly #registry: PluginRegistry;
  readonly #running: (key: string) => Running;

  constructor(registry: PluginRegistry, running: (key: string) => Running) {
    this.#registry = registry;
    this.#running = running;
  }

  circumstancesOf({ key }: PluginRecord): Circumstances {
    return { ...this.#running(key), enabled: this.#registry.isEnabled(key) };
  }

  /** Why a plugin is in its state, in one sentence. */
  because(record: PluginRecord): string {
    return explain(record.id, record, this.circumstancesOf(record)).because;
  }

  /** Why a plugin doesn't answer. */
  absenceOf(id: string, record: PluginRecord | undefined = this.#registry.find(id)): Absence {
    if (record === undefined)
      return { state: 'unknown', because: `no plugin '${id}' is installed` };
    const circumstances = this.circumstancesOf(record);
    return {
      state: circumstances.quarantine === undefined ? record.state : 'quarantined',
      because: explain(id, record, circumstances).because,
    };
  }

  /** Why a plugin that runs no code now takes no messages. Undefined when it runs. */
  whyAbsent(id: string): string | undefined {
    const record = this.#registry.find(id);
    if (record === undefined) return id === 'host' ? undefined : this.absenceOf(id).because;
    return record.state === 'active' ? undefined : this.because(record);
  }
}
