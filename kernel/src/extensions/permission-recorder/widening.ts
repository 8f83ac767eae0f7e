/** What a manifest gains over another one, or over what was observed: a comparison for CI. */
import { type Manifest, type Permissions, parseManifest } from '@plinth/sdk/contract';
import { ceilingOf, grantsOf } from '../../permissions/granted.js';
import { type Growth, growthOf, rightsBeyond } from '../../permissions/growth.js';

/** A manifest as its author writes it, or as its text. */
type Written = string | { readonly id: string; readonly version: string };

/**
 * Compares two manifests, or the permissions of two. It reads nothing but its arguments.
 *
 * @param before a manifest, its JSON text, or permissions like {@link Observation.least}.
 * @param after the same. Between two manifests everything counts that an update would have to ask
 * for: rights, needs, a weaker isolation, resources, contracts, middleware. Where one of them is
 * permissions alone, only permissions count.
 * @returns each right that `after` gains, with its new scopes. Empty when it gains none.
 * @throws PluginManifestError `manifest/invalid`.
 * @example
 * const more = widening(await readFile('released/plugin.json', 'utf8'), await readFile('plugin.json', 'utf8'));
 * if (Object.keys(more).length > 0) process.exitCode = 1;
 */
export function widening(before: Written | Permissions, after: Written | Permissions): Growth {
  const [one, other] = [read(before), read(after)];
  if (one.manifest !== undefined && other.manifest !== undefined)
    return growthOf(footprintOf(one.manifest), footprintOf(other.manifest)) ?? {};
  return rightsBeyond(withServices(one), withServices(other));
}

interface Read {
  readonly manifest: Manifest | undefined;
  readonly permissions: Permissions;
}

function read(given: Written | Permissions): Read {
  if (typeof given !== 'string' && !('id' in given))
    return { manifest: undefined, permissions: given as Permissions };
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const manifest = parseManifest(text, 'a manifest to compare');
  return { manifest, permissions: manifest.permissions };
}

const footprintOf = (manifest: Manifest) => ({
  manifest,
  permissions: grantsOf(manifest, undefined),
  isolation: manifest.isolation,
});

/** A right to a service is a right to the members of its contract. */
const withServices = ({ permissions }: Read): Permissions =>
  // The manifest is not looked at: the permissions are what it may do at most.
  ceilingOf({} as Manifest, permissions) as Permissions;
