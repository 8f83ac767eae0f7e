/** The core of a tenant, as the parts see it that extensions make. */
import type { Isolation } from '@plinth/sdk/contract';
import type {
  Core,
  CoreBase,
  CorePackages,
  CoreRights,
  Keeper,
  Together,
} from '../extension/core.js';
import type { Metering } from '../guests/guest-meter.js';
import type { Exchange } from '../guests/guest-services.js';
import type { Lanes } from '../guests/lanes.js';
import type { Host } from '../host.js';
import { KERNEL_VERSION } from '../kernel-options.js';
import type { Bundles } from '../lifecycle/bundles.js';
import type { Launcher } from '../lifecycle/launcher.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Asking } from '../permissions/asking.js';
import type { StorageNamespace } from '../storage/namespace.js';
import type { StorageBudget } from '../storage/storage-budget.js';
import type { EngineParts } from './engine-parts.js';
import { offersIsolation, type Security } from './security.js';
import { debugged } from './shared.js';

/** What the engine has made so far. */
export interface Engaged {
  readonly security: Security;
  readonly requests: Asking;
  readonly lanes: Lanes;
  readonly bundles: Bundles;
  readonly launcher: Launcher;
  readonly lifecycle: Lifecycle;
  readonly metering: Metering;
  readonly budget: StorageBudget;
  storageOf(plugin: string): StorageNamespace;
}

/** Reads everything where it is, so that a part may reach what is made after it. */
export class TenantCore implements Core {
  readonly tenant: CoreBase['tenant'];
  readonly limits: CoreBase['limits'];
  readonly storage: CoreBase['storage'];
  readonly registry: CoreBase['registry'];
  readonly bus: CoreBase['bus'];
  readonly redaction: CoreBase['redaction'];
  readonly reporting: CoreBase['reporting'];
  readonly settings: Core['settings'];
  readonly hostContracts: Core['hostContracts'];
  readonly about: Core['about'];
  readonly #parts: EngineParts;
  readonly #engine: Engaged;

  constructor(parts: EngineParts, engine: Engaged) {
    const { base } = parts;
    this.tenant = base.tenant;
    this.limits = base.limits;
    this.storage = base.storage;
    this.registry = base.registry;
    this.bus = base.bus;
    this.redaction = base.redaction;
    this.reporting = base.reporting;
    this.settings = { store: parts.settings, given: base.options.config ?? {} };
    this.hostContracts = parts.hostContracts;
    this.about = { version: KERNEL_VERSION, created: parts.created };
    this.#parts = parts;
    this.#engine = engine;
  }

  get exchange(): Exchange {
    return { ...this.#parts.made.exchange, lanes: this.#engine.lanes };
  }

  get hosts(): readonly Host[] {
    return this.#parts.shared.hosts;
  }

  get packages(): CorePackages {
    const { bundles, launcher, security } = this.#engine;
    const { packages, extending } = this.#parts;
    return {
      ...{ bundles, launcher, trust: security.trust, snapshots: packages.snapshots },
      reachOf: (manifest) => extending.reachOf(manifest),
    };
  }

  get rights(): CoreRights {
    const { requests, security } = this.#engine;
    const { deciding, base, shared } = this.#parts;
    return {
      grants: security.grants,
      requests,
      deciding,
      policy: base.options.policy?.permissions,
      isOpen: shared.isOpen,
    };
  }

  get together(): Together {
    const { metering, budget } = this.#engine;
    return {
      limits: metering.tenant,
      messages: () => metering.messages,
      stored: () => budget.stored(),
    };
  }

  get lifecycle(): Lifecycle {
    return this.#engine.lifecycle;
  }

  get views(): Core['views'] {
    return this.#parts.views();
  }

  get keepers(): readonly Keeper[] {
    return this.#parts.parts.keepers;
  }

  storageOf(plugin: string): StorageNamespace {
    return this.#engine.storageOf(plugin);
  }

  whyAbsent(plugin: string): string | undefined {
    return this.#parts.facts.whyAbsent(plugin);
  }

  offers(isolation: Isolation): boolean {
    return offersIsolation(this.#parts.shared, isolation);
  }

  debugged(): boolean {
    return debugged(this.#parts.shared);
  }
}
