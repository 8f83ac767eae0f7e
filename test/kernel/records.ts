/** Records of plugins as far as pure parts of the kernel read them: nothing runs behind them. */
import { packageOf } from '@plinth/kernel';
import { parseManifest } from '@plinth/sdk';
import { isOpen } from '@plinth/sdk/contract';
import type { GuestConnection } from '../../kernel/dist/guests/guest-connection.js';
import { Servers } from '../../kernel/dist/lifecycle/servers.js';
import type {
  ActivePlugin,
  AsleepPlugin,
  FailedPlugin,
  PluginRecord,
  ResolvedPlugin,
  SuspendedPlugin,
} from '../../kernel/dist/plugin/record.js';
import { PluginRegistry } from '../../kernel/dist/registry/plugin-registry.js';

/** What a record has beside its id. */
export interface Facts {
  readonly version?: string;
  /** Other members of its manifest. */
  readonly manifest?: object;
  /** Ids of the plugins that it depends on, each in version 1. */
  readonly on?: readonly string[];
  readonly level?: number;
  /** Contracts that its code needs, without which it can't run. */
  readonly needs?: readonly string[];
  /** Contracts that its code can do without. */
  readonly wishes?: readonly string[];
  /** Contracts that its code provides. */
  readonly provides?: readonly string[];
  /** Members of its guest. */
  readonly guest?: Partial<GuestConnection>;
}

export function resolved(id: string, facts: Facts = {}): ResolvedPlugin {
  const { version = '1.0.0', manifest = {}, on = [], level = 0 } = facts;
  const input = {
    id,
    version,
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    dependencies: Object.fromEntries(on.map((one) => [one, '^1.0.0'])),
    ...manifest,
  };
  return {
    state: 'resolved',
    key: `${id}@${version}`,
    id,
    version,
    origin: `memory:${id}`,
    package: packageOf({ manifest: input }),
    manifest: parseManifest(input),
    dependencies: on.map((one) => `${one}@1.0.0`),
    level,
    grants: {},
  };
}

const staticsOf = ({ needs = [], wishes = [], provides = [] }: Facts) => {
  const needing = (optional: boolean) => (contract: string) => ({
    name: contract.replace(/@.*/, '').replace(/.*\./, ''),
    contract,
    optional,
  });
  return {
    provides,
    needs: [...needs.map(needing(false)), ...wishes.map(needing(true))],
    hooks: [],
  };
};

export const active = (id: string, facts: Facts = {}): ActivePlugin =>
  ({
    ...resolved(id, facts),
    state: 'active',
    statics: staticsOf(facts),
    connection: facts.guest ?? {},
    activatedBy: 'startup',
  }) as unknown as ActivePlugin;

export const suspended = (
  id: string,
  reason: SuspendedPlugin['reason'],
  facts: Facts = {},
): SuspendedPlugin => ({ ...active(id, facts), state: 'suspended', reason });

export const asleep = (id: string, facts: Facts = {}): AsleepPlugin =>
  ({
    ...resolved(id, facts),
    state: 'suspended',
    reason: 'idle',
    statics: staticsOf(facts),
  }) as unknown as AsleepPlugin;

export const failed = (
  id: string,
  error: Error,
  { stage = 'activate', ...facts }: Facts & { readonly stage?: FailedPlugin['stage'] } = {},
): FailedPlugin => {
  const previous = resolved(id, facts);
  return { ...previous, state: 'failed', stage, error, previous };
};

export function registryOf(...records: readonly PluginRecord[]): PluginRegistry {
  const registry = new PluginRegistry();
  for (const record of records) registry.put(record);
  return registry;
}

/** What serves what, where every plugin may provide every contract. */
export const serversOf = (registry: PluginRegistry): Servers =>
  new Servers(registry, isOpen, () => true);
