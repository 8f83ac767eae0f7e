/** Calls must be routed when it matters which version they reach. */
import type { CommandRegistry } from '../../commands/command-registry.js';
import type { Lanes } from '../../guests/lanes.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Entries } from './entries.js';

/** What this module needs from the kernel. */
export interface RoutingParts {
  readonly registry: Pick<PluginRegistry, 'versions'>;
  readonly entries: Pick<Entries, 'of'>;
  readonly commands: Pick<CommandRegistry, 'setSpecial'>;
  readonly lanes: Pick<Lanes, 'review'>;
}

/** Tells what routes calls which ids are special: with several versions, or a deprecated one. */
export class Routing {
  readonly #parts: RoutingParts;

  constructor(parts: RoutingParts) {
    this.#parts = parts;
  }

  /** The versions of an id, or what is said of them, have changed. */
  changed(id: string): void {
    const { registry, entries, commands, lanes } = this.#parts;
    const special =
      registry.versions(id).length > 1 || Object.keys(entries.of(id).deprecated).length > 0;
    if (commands.setSpecial(id, special)) lanes.review();
  }
}
