/** What the tenants of a kernel share. No plugin sees it. */
import type { PluginError } from '@plinth/sdk/contract';
import type { Deadlines, Turn } from '@plinth/sdk/rpc';
import type { IsOpen } from '../calls/open-contracts.js';
import type { EnvironmentLayer } from '../config/environment.js';
import type { AnyExtension } from '../extension/statics.js';
import { abilityOf, type Host, type PluginSource, type StorageAdapter } from '../host.js';
import type { CoreOptions } from '../kernel-options.js';
import type { Lazy } from '../lazily.js';
import type { Discovery } from '../lifecycle/discover.js';
import type { CoreTenant } from './core-tenant.js';
import type { Packages } from './packages.js';

/**
 * Adds to what the application sees of a tenant.
 *
 * @param find the API of an extension by its name. Undefined when it isn't installed.
 */
export type Compose<T extends CoreTenant = CoreTenant> = (
  core: CoreTenant,
  find: (name: string) => unknown,
) => T;

/** What all tenants of a kernel have in common. */
export interface Shared {
  readonly options: CoreOptions;
  readonly hosts: readonly Host[];
  readonly storage: StorageAdapter;
  /** The problem that keeps the storage from working. */
  storageProblem(): Promise<PluginError | undefined>;
  readonly deadlines: Deadlines;
  /** Decides when the links of this kernel flush. */
  readonly turn: Turn;
  /** What they share of packages. It is made when the first tenant opens. */
  readonly packages: Lazy<Packages>;
  /** Which contracts any number of plugins may provide. */
  readonly isOpen: IsOpen;
  /** The settings in the environment. Absent where none was given. */
  readonly environment: EnvironmentLayer | undefined;
  /** The code that runs extensions. */
  readonly extend: typeof import('../extension/extended-tenant.js');
  /** Extensions in their order. */
  readonly extensions: readonly AnyExtension[];
  /** Adds what built-in extensions offer to what the application sees of a tenant. */
  readonly compose: Compose;
  /** Adds a source. Possible only before discovery has begun. */
  addSource(source: PluginSource): void;
  /** The discovery of all sources, which the first call begins. */
  discovery(): Discovery;
}

/** What runs a task after the event loop has had a turn. */
export const deferOf = ({ hosts }: Shared): ((task: () => void) => void) =>
  abilityOf(hosts, 'defer') ?? ((task) => setTimeout(task, 0));

/** Whether a debugger may hold guests, so that no guest is judged by its response time. */
export const debugged = ({ hosts }: Shared): boolean =>
  hosts.some((host) => host.debugged?.() === true);
