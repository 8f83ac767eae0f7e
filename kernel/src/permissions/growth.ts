/** What an update may do that the version before might not. */
import { PERMISSION_NAMES, type Permissions, parseSize, scopeCovers, scopesOf } from '@plinth/sdk/contract';
import { DEFAULT_QUOTA } from './broker.js';

/** Permissions with the scopes that are new, `*` for one without scopes; a larger quota counts as `storage.quota`. */
export type Growth = Readonly<Record<string, readonly string[]>>;

/** Compares what two versions of a plugin get; undefined when the later one gets nothing new. */
export function growthOf(before: Permissions, after: Permissions): Growth | undefined {
  const growth: Record<string, readonly string[]> = {};
  for (const name of PERMISSION_NAMES) {
    const had = scopesOf(before, name);
    const added = scopesOf(after, name).filter((scope) => !had.some((one) => scopeCovers(name, one, scope)));
    if (added.length > 0) growth[name] = added;
  }
  const quota = quotaOf(after);
  if (quota > quotaOf(before)) growth['storage.quota'] = [String(quota)];
  return Object.keys(growth).length === 0 ? undefined : growth;
}

function quotaOf({ storage }: Permissions): number {
  if (storage?.write === undefined || storage.write === false) return 0;
  return storage.quota === undefined ? DEFAULT_QUOTA : (parseSize(storage.quota) ?? 0);
}
