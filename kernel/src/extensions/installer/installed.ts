/** The inventory of a kernel with an installer: what was decided outlives the kernel. */
import type { PluginError } from '@plinth/sdk/contract';
import type { CorePlugins } from '../../api/host-plugins.js';
import type { Core, MakePart } from '../../extension/core.js';
import type { PluginPackage } from '../../host.js';
import type { DrainOptions } from '../../lifecycle/drain.js';
import type { CanaryInfo, Inventory, PluginTimes } from '../../lifecycle/inventory.js';
import { checkUpdates } from './check-updates.js';
import { Installer } from './installer.js';
import type { Owners } from './owners.js';
import { PluginData } from './plugin-data.js';
import { TimesLog } from './plugin-times.js';
import { RegistryStore } from './registry-store.js';

/** How updates are made when the caller doesn't say. */
export interface UpdatePolicy {
  /**
   * Whether an update continues when the old version doesn't hand over its state in time. When
   * absent, the update is refused (`required`).
   */
  readonly state?: 'required' | 'optional';
}

/**
 * Makes the inventory of a tenant.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function inventoryOf(
  owners: () => Owners,
  updates: UpdatePolicy | undefined,
): MakePart<Installed> {
  checkUpdates(updates);
  return (core) => new Installed(core, owners(), updates);
}

/** Owns the installer, the times of plugins, and what deletes their data. */
export class Installed implements Inventory {
  readonly installer: Installer;
  readonly data: PluginData;
  readonly plugins: CorePlugins;
  readonly #times: TimesLog;

  constructor(core: Core, owners: Owners, updates: UpdatePolicy | undefined) {
    const { tenant, storage, registry, reporting, bus, limits, redaction } = core;
    const { lifecycle, packages, rights, exchange, keepers } = core;
    const { requests, grants } = rights;
    this.plugins = core.views.plugins;
    const report = (problem: PluginError) => lifecycle.members.report(problem);
    const store = new RegistryStore(storage, tenant, report);
    this.data = new PluginData({
      registry,
      storage,
      tenant,
      storageOf: (id) => core.storageOf(id),
      keepers,
      grants,
      owners,
      store,
    });
    this.#times = new TimesLog({
      bus,
      storage,
      tenant,
      log: reporting.log,
      ids: () => new Set(registry.manifests().map(({ id }) => id)),
      versions: (id) => registry.manifestsOf(id).map(({ version }) => version),
    });
    this.installer = new Installer({
      registry,
      lifecycle,
      store,
      data: this.data,
      consent: (question) => requests.consent(question),
      ...packages,
      owners,
      grants,
      policy: updates === undefined ? {} : { updates },
      limits,
      reporting,
      redaction,
      bus,
      commands: exchange.commands,
      lanes: exchange.lanes,
    });
  }

  async open(found: readonly PluginPackage[]): Promise<void> {
    await this.installer.open(found);
    await this.#times.open();
  }

  started(): void {
    this.installer.started();
  }

  async admit(found: readonly PluginPackage[]): Promise<void> {
    await this.installer.admit(found);
    this.#times.look();
  }

  settled(id: string): Promise<void> | undefined {
    return this.installer.settled(id);
  }

  enable(reference: string): Promise<void> {
    return this.installer.enable(reference);
  }

  disable(reference: string, options?: DrainOptions): Promise<void> {
    return this.installer.disable(reference, options);
  }

  reload(key: string): Promise<void> {
    return this.installer.reloadAsItIs(key);
  }

  deprecation(id: string, version: string): string | undefined {
    return this.installer.deprecation(id, version);
  }

  canaryOf(id: string): CanaryInfo | undefined {
    return this.installer.canaryOf(id);
  }

  timesOf(id: string): PluginTimes | undefined {
    return this.#times.of(id);
  }

  close(): Promise<void> {
    return this.installer.close();
  }

  end(): Promise<void> {
    return this.#times.close();
  }
}
