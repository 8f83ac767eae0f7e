/** Stage 2: read the manifest, and check that it fits this kernel, this runtime and the embedder's policy. Pure. */
import { covers, createError, type Manifest, type PluginError, parseManifest, satisfies } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { Policy } from '../parts.js';
import type { DiscoveredPlugin, ValidatedPlugin } from '../record.js';
import { keyOf } from '../registry/key.js';

/** What a manifest has to fit. */
export interface Surroundings {
  /** The kernel's version. */
  readonly version: string;
  /** Runtimes of the hosts; empty when no host names one, and then every plugin fits. */
  readonly runtimes: readonly string[];
  readonly policy: Policy;
}

/** What a manifest may require of a kernel: parts of `ctx` and of `permissions` by their names there, and what else it does for plugins. */
export const FEATURES: ReadonlySet<string> = new Set([
  ...['commands', 'events', 'hooks', 'middleware', 'messaging', 'services', 'storage', 'config', 'secrets', 'logger', 'permissions'],
  ...['network', 'fetch', 'fs', 'env', 'streams', 'tenants', 'hibernation'],
]);

/** Manifests are read once a package, however many tenants have it. */
const parsed = new WeakMap<PluginPackage, Manifest>();

/** @throws PluginManifestError, PluginResolutionError `plugin/incompatible`, PluginUnavailableError `plugin/disabled`. */
export function validate(record: DiscoveredPlugin, surroundings: Surroundings): ValidatedPlugin {
  const { package: found, origin } = record;
  if (found.problem !== undefined) throw unreadable(origin, found.problem);
  const manifest = parsed.get(found) ?? parseManifest(found.manifest, manifestOrigin(found));
  parsed.set(found, manifest);
  checkFit(manifest, surroundings, origin);
  return { ...record, state: 'validated', key: keyOf(manifest.id, manifest.version), id: manifest.id, version: manifest.version, manifest };
}

function manifestOrigin(found: DiscoveredPlugin['package']): string {
  return typeof found.manifest === 'string' && !found.origin.endsWith('.json') ? `${found.origin}/plugin.json` : found.origin;
}

function unreadable(origin: string, problem: unknown): PluginError {
  if (typeof (problem as Partial<PluginError>).code === 'string' && String((problem as PluginError).code).includes('/')) return problem as PluginError;
  return createError('manifest/missing', `cannot read ${origin}: ${(problem as Error).message}`, { details: { origin }, cause: problem });
}

function checkFit(manifest: Manifest, { version, runtimes, policy }: Surroundings, origin: string): void {
  const { id, engines, requiredFeatures = [] } = manifest;
  const incompatible = (message: string, details: Readonly<Record<string, unknown>>) =>
    createError('plugin/incompatible', `${id} (${origin}) ${message}`, { plugin: id, details: { origin, ...details } });
  if (!satisfies(version, engines.plinth)) {
    throw incompatible(`needs plinth ${engines.plinth}, this is ${version}: install a version of the plugin for this kernel`, { wanted: engines.plinth, found: version });
  }
  const wanted = manifest.runtimes;
  if (wanted !== undefined && runtimes.length > 0 && !runtimes.some((runtime) => (wanted as readonly string[]).includes(runtime))) {
    throw incompatible(`runs in ${wanted.join(' and ')} only, this is ${runtimes.join(' and ')}`, { wanted, found: runtimes });
  }
  const missing = requiredFeatures.filter((feature) => !FEATURES.has(feature));
  if (missing.length > 0) throw incompatible(`requires features this kernel doesn't have: ${missing.join(', ')}`, { missing });
  const refused = policy.deny?.some((pattern) => covers(pattern, id)) || (policy.allow !== undefined && !policy.allow.some((pattern) => covers(pattern, id)));
  if (refused) throw createError('plugin/disabled', `${id} may not run: the policy of this application refuses it`, { plugin: id, details: { origin } });
}
