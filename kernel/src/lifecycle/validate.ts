/**
 * Stage 2: reads the manifest, and checks that it fits this kernel, this runtime and the embedder's
 * policy. Pure.
 */
import {
  checkProvides,
  covers,
  createError,
  type Manifest,
  type PluginError,
  parseManifest,
  satisfies,
} from '@plinth/sdk/contract';
import type { IsOpen } from '../calls/open-contracts.js';
import type { PluginPackage } from '../host.js';
import type { DiscoveredPlugin, ValidatedPlugin } from '../plugin/record.js';
import { keyOf } from '../registry/key.js';
import { isRevoked } from './revoked.js';

/** Which plugins may run, by id or prefix. */
export interface RunPolicy {
  /** Everything may when absent. */
  readonly allow?: readonly string[];
  /** Overrides everything else. */
  readonly deny?: readonly string[];
  /** Versions that may not run any more. */
  readonly revoked?: readonly string[];
}

/** What a manifest must fit. */
export interface Surroundings {
  /** The kernel's version. */
  readonly version: string;
  /** Runtimes of the hosts. Empty when no host names one, and then every plugin fits. */
  readonly runtimes: readonly string[];
  readonly policy: RunPolicy;
  /** What extensions add to {@link FEATURES}. */
  readonly features: readonly string[];
  readonly isOpen: IsOpen;
}

/**
 * What a manifest may require of a kernel: parts of `ctx` and of `permissions` by their names
 * there, and other features for plugins.
 */
export const FEATURES: ReadonlySet<string> = new Set([
  ...[
    'commands',
    'events',
    'hooks',
    'middleware',
    'messaging',
    'services',
    'storage',
    'config',
    'secrets',
    'logger',
    'metrics',
    'permissions',
  ],
  ...['network', 'fetch', 'fs', 'env', 'streams', 'tenants', 'hibernation'],
]);

/** A manifest is read once for each package, for all tenants together. */
const parsed = new WeakMap<PluginPackage, Manifest>();

/** The id of a package, whether or not its manifest fits. Undefined when it can't be read. */
export function idOfPackage(found: PluginPackage): string | undefined {
  if (found.problem !== undefined) return undefined;
  try {
    return read(found).id;
  } catch {
    return undefined;
  }
}

/** The manifest of a package. It is parsed once. @throws PluginManifestError. */
function read(found: PluginPackage): Manifest {
  const known = parsed.get(found);
  if (known !== undefined) return known;
  const manifest = parseManifest(found.manifest, manifestOrigin(found), { open: () => true });
  parsed.set(found, manifest);
  return manifest;
}

/** The result of reading a package's manifest, whether or not it fits. */
export function parsedManifest(found: PluginPackage): Manifest | undefined {
  return parsed.get(found);
}

/**
 * @throws PluginManifestError, PluginResolutionError `plugin/incompatible`. Doesn't throw when
 * policy refuses the plugin, because that isn't its fault.
 */
export function validate(record: DiscoveredPlugin, surroundings: Surroundings): ValidatedPlugin {
  const { package: found, origin } = record;
  if (found.problem !== undefined) throw unreadable(origin, found.problem);
  const manifest = read(found);
  checkProvides(manifest, manifestOrigin(found), surroundings.isOpen);
  if (refusalOf(manifest, surroundings.policy, origin) === undefined)
    checkFit(manifest, surroundings, origin);
  return {
    ...record,
    state: 'validated',
    key: keyOf(manifest.id, manifest.version),
    id: manifest.id,
    version: manifest.version,
    manifest,
  };
}

function manifestOrigin(found: DiscoveredPlugin['package']): string {
  return typeof found.manifest === 'string' && !found.origin.endsWith('.json')
    ? `${found.origin}/plugin.json`
    : found.origin;
}

function unreadable(origin: string, problem: unknown): PluginError {
  if (
    typeof (problem as Partial<PluginError>).code === 'string' &&
    String((problem as PluginError).code).includes('/')
  )
    return problem as PluginError;
  return createError('manifest/missing', `cannot read ${origin}: ${(problem as Error).message}`, {
    details: { origin },
    cause: problem,
  });
}

/**
 * Which decision of the application keeps a plugin from running: PluginUnavailableError
 * `plugin/disabled`.
 */
export function refusalOf(
  { id, version }: Pick<Manifest, 'id' | 'version'>,
  { allow, deny, revoked }: RunPolicy,
  origin: string,
): PluginError | undefined {
  const by = (option: string, what: string) =>
    createError(
      'plugin/disabled',
      `${id} ${version} may not run: the policy of this application refuses it (${what})`,
      { plugin: id, details: { origin, option } },
    );
  const denied = deny?.find((pattern) => covers(pattern, id));
  if (denied !== undefined) return by('policy.deny', `'policy.deny' has '${denied}'`);
  const withdrawn = revoked?.find((entry) => isRevoked(entry, { id, version }));
  if (withdrawn !== undefined) return by('policy.revoked', `'policy.revoked' has '${withdrawn}'`);
  return allow === undefined || allow.some((pattern) => covers(pattern, id))
    ? undefined
    : by('policy.allow', "'policy.allow' doesn't name it");
}

function checkFit(
  manifest: Manifest,
  { version, runtimes, features }: Surroundings,
  origin: string,
): void {
  const { id, engines, requiredFeatures = [] } = manifest;
  const incompatible = (message: string, details: Readonly<Record<string, unknown>>) =>
    createError('plugin/incompatible', `${id} (${origin}) ${message}`, {
      plugin: id,
      details: { origin, ...details },
    });
  if (!satisfies(version, engines.plinth)) {
    throw incompatible(
      `needs plinth ${engines.plinth}, this is ${version}: install a version of the plugin for this kernel`,
      { wanted: engines.plinth, found: version },
    );
  }
  const wanted = manifest.runtimes;
  if (
    wanted !== undefined &&
    runtimes.length > 0 &&
    !runtimes.some((runtime) => (wanted as readonly string[]).includes(runtime))
  ) {
    throw incompatible(`runs in ${wanted.join(' and ')} only, this is ${runtimes.join(' and ')}`, {
      wanted,
      found: runtimes,
      runtimes: wanted,
    });
  }
  const missing = requiredFeatures.filter(
    (feature) => !FEATURES.has(feature) && !features.includes(feature),
  );
  if (missing.length > 0)
    throw incompatible(`requires features this kernel doesn't have: ${missing.join(', ')}`, {
      missing,
    });
}
