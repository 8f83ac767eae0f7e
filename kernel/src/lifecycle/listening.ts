/** Listens for the events and hooks that activate plugins which have not been started. */
import { listenFor } from '../guests/dormant.js';
import type { Wake } from '../guests/mailbox.js';
import type { RegistrantServices } from '../guests/registrant.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { gone } from './failures.js';

/** Owns what listens in place of a guest. It is kept with the plugin. */
export class Listening {
  readonly #registry: PluginRegistry;
  readonly #services: RegistrantServices;
  readonly #wake: (key: string, activation: string) => ReturnType<Wake>;

  constructor(
    registry: PluginRegistry,
    services: RegistrantServices,
    wake: (key: string, activation: string) => ReturnType<Wake>,
  ) {
    this.#registry = registry;
    this.#services = services;
    this.#wake = wake;
  }

  /** Begins to listen for each plugin that may be activated and doesn't listen yet. */
  listen(): void {
    for (const record of this.#registry.all()) {
      const { key } = record;
      const plugin = this.#registry.plugin(key);
      if (plugin === undefined) continue;
      if (record.state !== 'resolved' || !plugin.intent.enabled) {
        if (!plugin.intent.enabled) this.stop(key, gone(record.id));
        continue;
      }
      if (plugin.listening !== undefined || plugin.starting !== undefined) continue;
      plugin.listening = listenFor(record.manifest, plugin.mailbox, this.#services, (activation) =>
        this.#wake(key, activation),
      );
    }
  }

  /** Ends it, and rejects what waits. */
  stop(key: string, error: Error): void {
    const plugin = this.#registry.plugin(key);
    plugin?.listening?.close(error);
    if (plugin !== undefined) plugin.listening = undefined;
  }
}
