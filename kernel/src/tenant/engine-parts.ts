/** What an engine is made of. */
import type { HostContracts } from '../commands/host-contracts.js';
import type { ConfigStore } from '../config/config-store.js';
import type { Extending } from '../extension/extending.js';
import type { ConfigChanges } from '../extensions/live-config/config-changes.js';
import type { Deciding } from '../permissions/requests.js';
import type { PluginRecord } from '../plugin/record.js';
import type { Base } from './base.js';
import type { MadeExchange } from './exchange.js';
import type { Facts } from './facts.js';
import type { Packages } from './packages.js';
import type { Shared } from './shared.js';

/** What a tenant has before its plugins are known. */
export interface EngineParts {
  readonly base: Base;
  readonly shared: Shared;
  readonly extending: Extending & { changed(): void };
  /** Who answers what plugins ask for. */
  readonly deciding: Deciding;
  readonly packages: Packages;
  readonly made: MadeExchange;
  readonly hostContracts: HostContracts;
  readonly facts: Facts;
  readonly config: { readonly store: ConfigStore; readonly changes: ConfigChanges };
  /** Whether a plugin is about to start, because the tenant starts. */
  comes(record: PluginRecord): boolean;
}
