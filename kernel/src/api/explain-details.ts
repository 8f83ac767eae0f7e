/**
 * The details of an explanation: what policy, extensions and revocations remove from a plugin's
 * requests, and what a running plugin uses.
 */
import {
  type Isolation,
  intersectScopes,
  type Manifest,
  type PermissionName,
  type Permissions,
  parseContractId,
  parseNeed,
  parseSize,
  satisfies,
  scopesOf,
} from '@plinth/sdk/contract';
import type { HostContracts } from '../commands/host-contracts.js';
import type { MachineLimits } from '../guests/guest-meter.js';
import type { PluginPackage } from '../host.js';
import type { CanaryInfo } from '../lifecycle/inventory.js';
import type { Denied } from '../permissions/broker.js';
import { rightsWithin } from '../permissions/granted.js';
import type { Grants } from '../permissions/grants.js';
import { type Growth, growthOf } from '../permissions/growth.js';
import {
  isRunning,
  manifestOf,
  type PluginRecord,
  type ResolvedPlugin,
  type RunningPlugin,
  versionOf,
} from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

/** What a plugin asks for and does not have. */
export interface Cut {
  /**
   * Rights that its manifest asks for and policy doesn't allow, with their scopes. `storage.quota`
   * has the requested bytes.
   */
  readonly policy?: Growth;
  /** Rights within policy that an extension bounds or has taken away, with their scopes. */
  readonly extensions?: Growth;
  /** Rights that the application has revoked while the kernel ran, with their scopes. */
  readonly revoked?: Growth;
  /** Rights that it asked for while it ran and was refused, with their scopes. */
  readonly refused?: Growth;
  /** The isolation that it asks for, and the different one that it runs in. */
  readonly isolation?: { readonly asked: Isolation; readonly given: Isolation };
  /**
   * Resources of which policy grants less than the manifest asks for: `memory` in bytes, `cpu` as a
   * share of one core.
   */
  readonly resources?: Readonly<Record<string, { readonly asked: number; readonly given: number }>>;
}

/** Another plugin, or the host, that a running plugin uses. */
export interface Used {
  /** Plugin id, or `host`. */
  readonly id: string;
  readonly version?: string;
  readonly state?: PluginRecord['state'];
  /** The contract through which it is used. Absent for a dependency by id. */
  readonly contract?: string;
}

/** What a running plugin currently uses. */
export interface Usage {
  /** Its dependencies, and the providers of what its code needs. */
  readonly plugins: readonly Used[];
  /** Optional needs without a provider, and needs of its manifest that its code doesn't name. */
  readonly absent: readonly string[];
  /** Calls that wait for its answer. */
  readonly pending: number;
  /** Its own requests that are being answered. */
  readonly requests: number;
  /** Open streams, both directions. */
  readonly streams: number;
  /** Bytes, as last measured. Present only where a limit requires the measurement. */
  readonly memory?: number;
}

/** What {@link explainDetails} answers. */
export interface ExplanationDetails {
  readonly cut?: Cut;
  readonly uses?: Usage;
  readonly canary?: CanaryInfo;
}

/** What details are collected from. */
export interface DetailParts {
  readonly registry: PluginRegistry;
  readonly grants: Grants;
  /** What a plugin may use of the machine. */
  limitsOf(found: PluginPackage, manifest: Manifest): MachineLimits;
  readonly hostContracts: HostContracts;
  /** @throws when the plugin can't be isolated as it asks. */
  isolationOf(record: Pick<ResolvedPlugin, 'manifest' | 'package'>): Isolation;
}

/** Collects the details of a plugin whose manifest is known. */
export function explainDetails(record: PluginRecord, parts: DetailParts): ExplanationDetails {
  const manifest = manifestOf(record);
  if (manifest === undefined) return {};
  const cut = cutOf(record, manifest, parts);
  const runs = isRunning(record) && (record.state === 'active' || record.state === 'suspended');
  return {
    ...(cut !== undefined && { cut }),
    ...(runs && { uses: usesOf(record, parts) }),
  };
}

/** The same in words, to follow the reason. */
export function detailsText({ cut, uses, canary }: ExplanationDetails): string {
  const rights = (growth: Growth) =>
    Object.entries(growth)
      .map(([name, scopes]) => `${name} (${scopes.join(', ')})`)
      .join(', ');
  const told: string[] = [];
  if (uses !== undefined && uses.plugins.length > 0)
    told.push(`it uses ${uses.plugins.map(describe).join(', ')}`);
  if (uses !== undefined && uses.absent.length > 0)
    told.push(`no plugin or host provides ${uses.absent.join(', ')}, which it can do without`);
  if (cut?.policy !== undefined)
    told.push(`policy doesn't allow all that it asks for: ${rights(cut.policy)}`);
  if (cut?.extensions !== undefined)
    told.push(`an extension doesn't allow all that it may ask for: ${rights(cut.extensions)}`);
  if (cut?.revoked !== undefined) told.push(`revoked were ${rights(cut.revoked)}`);
  if (cut?.refused !== undefined)
    told.push(`it asked for ${rights(shortened(cut.refused))}, which the application refused`);
  if (cut?.isolation !== undefined)
    told.push(
      `it asks for isolation '${cut.isolation.asked}', and the application has it run in '${cut.isolation.given}'`,
    );
  for (const [name, { asked, given }] of Object.entries(cut?.resources ?? {}))
    told.push(`policy gives it ${given} of ${name} where it asks for ${asked}`);
  if (canary !== undefined)
    told.push(
      `its version ${canary.version} is a canary and answers ${canary.share * 100}% of the calls of ${canary.from}`,
    );
  return told.map((one) => `; ${one}`).join('');
}

/** The plugin chose these texts. */
const shortened = (growth: Growth): Growth =>
  Object.fromEntries(
    Object.entries(growth).map(([name, scopes]) => [
      name,
      scopes.map((scope) => (scope.length > MOST_SHOWN ? `${scope.slice(0, MOST_SHOWN)}…` : scope)),
    ]),
  );

const MOST_SHOWN = 80;

function describe({ id, version, contract }: Used): string {
  const name = version === undefined ? id : `${id}@${version}`;
  return contract === undefined ? name : `${contract} of ${name}`;
}

function cutOf(record: PluginRecord, manifest: Manifest, parts: DetailParts): Cut | undefined {
  const { grants } = parts;
  const having = (permissions: Permissions) => ({ permissions, manifest, isolation: undefined });
  const written = grants.written(manifest);
  const policy = growthOf(having(written), having(rightsWithin(manifest, undefined)));
  const [byApplication, byExtensions] = grants.deniedBy(manifest);
  const revoked = leftOf(byApplication);
  const withheld: Record<string, readonly string[]> = {
    ...growthOf(having(grants.allowed(manifest)), having(written)),
  };
  // An extension may take away what the manifest doesn't ask for.
  for (const [name, scopes] of leftOf(byExtensions)) {
    const had = intersectScopes(name, scopes, scopesOf(written, name));
    if (had.length > 0) withheld[name] = [...new Set([...(withheld[name] ?? []), ...had])];
  }
  const refused: Record<string, readonly string[]> = {};
  for (const { permission, scope, version } of grants.refused(manifest.id))
    if (version === manifest.version) refused[permission] = [...(refused[permission] ?? []), scope];
  const resources = resourcesOf(record, manifest, parts);
  const given = isolationOf(record, manifest, parts);
  const cut: Cut = {
    ...(policy !== undefined && { policy }),
    ...(Object.keys(withheld).length > 0 && { extensions: withheld }),
    ...(revoked.size > 0 && { revoked: Object.fromEntries(revoked) }),
    ...(Object.keys(refused).length > 0 && { refused }),
    ...(given !== undefined &&
      given !== manifest.isolation && { isolation: { asked: manifest.isolation, given } }),
    ...(resources !== undefined && { resources }),
  };
  return Object.keys(cut).length === 0 ? undefined : cut;
}

/** What is denied and was not granted again since. */
function leftOf(denied: Denied): ReadonlyMap<PermissionName, readonly string[]> {
  const left = new Map<PermissionName, readonly string[]>();
  for (const [name, scopes] of denied) {
    const taken = scopes.flatMap(({ scope, except }) => (except.includes(scope) ? [] : [scope]));
    if (taken.length > 0) left.set(name, taken);
  }
  return left;
}

function isolationOf(
  record: PluginRecord,
  manifest: Manifest,
  parts: DetailParts,
): Isolation | undefined {
  if (record.package.exported !== undefined) return undefined;
  try {
    return parts.isolationOf({ manifest, package: record.package });
  } catch {
    // A plugin that can't be isolated as it asks doesn't run, and its failure says so.
    return undefined;
  }
}

function resourcesOf(
  { package: found }: PluginRecord,
  manifest: Manifest,
  { limitsOf }: DetailParts,
): Cut['resources'] {
  const { memory, cpu } = manifest.resources;
  const limits = limitsOf(found, manifest);
  const asked = { memory: memory === undefined ? undefined : parseSize(memory), cpu };
  const less = (['memory', 'cpu'] as const).flatMap((name) => {
    const wanted = asked[name];
    return wanted === undefined || limits[name] >= wanted
      ? []
      : [[name, { asked: wanted, given: limits[name] }] as const];
  });
  return less.length === 0 ? undefined : Object.fromEntries(less);
}

function usesOf(record: RunningPlugin, { hostContracts, registry }: DetailParts): Usage {
  const { connection, statics } = record;
  const plugins: Used[] = [];
  const absent: string[] = [];
  for (const { contract, optional } of statics.needs) {
    const base = parseContractId(contract)?.base ?? contract;
    const provider = hostContracts.has(base)
      ? undefined
      : registry.all().find((one) => one.id !== record.id && provides(one, contract));
    if (provider !== undefined) plugins.push({ ...used(provider), contract });
    else if (hostContracts.has(base)) plugins.push({ id: 'host', contract });
    else if (optional) absent.push(contract);
  }
  // What its manifest alone names is no reason not to start.
  const named = new Set(statics.needs.map(({ contract }) => parseContractId(contract)?.base));
  for (const need of record.manifest.needs) {
    const base = parseNeed(need)?.base;
    if (base === undefined || named.has(base) || hostContracts.has(base)) continue;
    if (!registry.all().some((one) => one.id !== record.id && offers(one, base))) absent.push(need);
  }
  const { dependencies, optionalDependencies } = record.manifest;
  for (const key of record.dependencies) {
    const id = idOf(key);
    // Others only give an order, and their contracts are told above.
    const range = dependencies[id] ?? optionalDependencies[id];
    if (range === undefined || plugins.some((one) => one.id === id)) continue;
    const runs = registry
      .versions(id)
      .find((one) => isRunning(one) && satisfies(one.version, range));
    const other = runs ?? registry.get(key);
    plugins.push(other === undefined ? { id } : used(other));
  }
  const { pending, serving, streams } = connection.link;
  const { memory } = connection.meter;
  return { plugins, absent, pending, requests: serving, streams, ...(memory > 0 && { memory }) };
}

function used(record: PluginRecord): Used {
  const version = versionOf(record);
  return { id: record.id, state: record.state, ...(version !== undefined && { version }) };
}

/** Whether a plugin's manifest names a contract, of any version. */
const offers = (record: PluginRecord, base: string): boolean =>
  (manifestOf(record)?.provides ?? []).some((id) => parseContractId(id)?.base === base);

function provides(record: PluginRecord, contract: string): boolean {
  return (
    (record.state === 'active' || record.state === 'suspended') &&
    record.statics.provides.includes(contract)
  );
}
