/** What the powers of extensions are made of. */
import type { Caller } from '@plinth/sdk/contract';
import type { EventBus } from '../events/event-bus.js';
import type { PluginSource, StorageAdapter } from '../host.js';
import type { Grants } from '../permissions/grants.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Redaction } from '../telemetry/redaction.js';
import type { CorePower } from './core.js';
import type { ExtensionPlaces } from './places.js';
import type { PluginViews } from './plugin-views.js';
import type { SteerPower } from './powers.js';
import type { ProvideParts } from './provide.js';

/** The parts that powers are made of. */
export interface PowerParts extends ProvideParts {
  readonly tenant: string;
  readonly bus: EventBus;
  readonly redaction: Redaction;
  readonly storage: StorageAdapter;
  readonly metrics: Metrics;
  readonly core: CorePower;
  /** The rights of the plugins that are known. */
  grants(): Grants;
  readonly places: ExtensionPlaces;
  readonly views: PluginViews;
  readonly steer: SteerPower;
  /** Keys of the plugins that provide a contract, the best first. */
  providers(contract: string): readonly string[];
  publish(source: Caller, topic: string, payload: unknown): Promise<void>;
  addSource(source: PluginSource): void;
  /** @throws PluginUnavailableError `kernel/stopped`. */
  check(): void;
}
