/** What may yet serve a plugin that lacks something: what comes back, and what can be started. */
import { isRunning, type PluginRecord, type RunningPlugin } from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { mandatory } from './needs.js';
import type { Needing, Servers } from './servers.js';

/** What is known of which plugins are there. */
export interface Presence {
  isThere(key: string): boolean;
  lost(record: RunningPlugin): string | undefined;
}

/** Answers questions about records; changes nothing. */
export class Standby {
  readonly #registry: PluginRegistry;
  readonly #servers: Servers;
  readonly #presence: Presence;

  constructor(registry: PluginRegistry, servers: Servers, presence: Presence) {
    this.#registry = registry;
    this.#servers = servers;
    this.#presence = presence;
  }

  /**
   * Whether what a plugin has lost is about to be back, from whichever plugin: then its calls wait.
   */
  isComing(record: RunningPlugin, above: readonly string[] = []): boolean {
    const lost = this.#presence.lost(record);
    return (
      lost === undefined ||
      this.#candidates(record, lost).some(
        ({ key }) => !above.includes(key) && this.#comes(key, [...above, record.key]),
      )
    );
  }

  /** Whether a plugin is on its way to be there. */
  #comes(key: string, above: readonly string[]): boolean {
    const plugin = this.#registry.plugin(key);
    if (plugin === undefined) return false;
    const { record, intent, starting, returning, going } = plugin;
    if (intent.restart !== undefined || starting !== undefined || returning) return true;
    if (!isRunning(record) || going) return false;
    // It has lost what is coming, or has it back: it pauses for that, is paused, or resumes.
    const pauses =
      record.state === 'suspended'
        ? record.reason === 'dependency'
        : this.#presence.lost(record) !== undefined;
    return pauses && this.isComing(record, above);
  }

  /** Every plugin that could serve in the place of what a plugin has lost. */
  #candidates(record: RunningPlugin, lost: string): readonly PluginRecord[] {
    const other = this.#registry.get(lost);
    const versions = this.#servers.ofDependency(record, idOf(lost));
    const providers = mandatory(record)
      .filter(
        (need) =>
          need.contract === lost || (other !== undefined && this.#servers.offers(other, need)),
      )
      .flatMap((need) => this.#servers.ofNeed(record, need));
    return [...versions, ...providers];
  }

  /**
   * The plugins that may be started for another one in the place of the one that the graph has
   * chosen, in the order in which they are tried: that one, those that are there, those that can be
   * started, those that were stopped by name, and those that have failed.
   */
  startable(record: Needing, key: string): readonly PluginRecord[] {
    const rank = ({ key: one, state }: PluginRecord) => {
      if (this.#presence.isThere(one)) return 0;
      const comes = this.#registry.plugin(one)?.intent.restart !== undefined;
      if (!comes && (state === 'failed' || state === 'denied')) return 3;
      return state === 'unloaded' ? 2 : Number(one !== key);
    };
    return this.#servers
      .instead(record, key)
      .filter((one) => this.#registry.isEnabled(one.key))
      .sort((one, other) => rank(one) - rank(other));
  }

  /** Whether a plugin, or another one that suits as well, is available to another plugin. */
  isServed(record: Needing, key: string): boolean {
    return this.#servers.instead(record, key).some((one) => this.#presence.isThere(one.key));
  }
}
