/** What an engine is made of. */
import type { HostContracts } from '../commands/host-contracts.js';
import type { ConfigStore } from '../config/config-store.js';
import type { Core } from '../extension/core.js';
import type { Arrivals } from '../lifecycle/arrivals.js';
import type { Extending } from '../lifecycle/extending.js';
import type { Deciding } from '../permissions/asking.js';
import type { Base } from './base.js';
import type { MadeExchange } from './exchange.js';
import type { Facts } from './facts.js';
import type { Packages } from './packages.js';
import type { Parts } from './parts.js';
import type { Shared } from './shared.js';

/** What a tenant has before its plugins are known. */
export interface EngineParts {
  readonly base: Base;
  readonly shared: Shared;
  readonly extending: Extending & { changed(): void };
  /** The parts that extensions make. Their code is loaded. */
  readonly parts: Parts;
  /** The handler that answers what plugins ask for. */
  readonly deciding: Deciding;
  readonly packages: Packages;
  readonly made: MadeExchange;
  readonly hostContracts: HostContracts;
  readonly facts: Facts;
  readonly settings: ConfigStore;
  /** When the tenant was made, in milliseconds of the monotonic clock. */
  readonly created: number;
  /** What the application sees of the plugins and of their settings. */
  views(): Core['views'];
  readonly arrivals: Pick<Arrivals, 'comes' | 'mayCome'>;
}
