/** What an update may do that the version before might not. */
import { allows, PERMISSION_NAMES, type Permissions, scopesOf } from '@plinth/sdk/contract';

/** One permission with the scopes that are new; a permission without scopes is one scope, the empty text. */
export type Growth = Readonly<Record<string, readonly string[]>>;

/** Compares what two versions of a plugin get; undefined when the later one gets nothing new. */
export function growthOf(before: Permissions, after: Permissions): Growth | undefined {
  const growth: Record<string, readonly string[]> = {};
  for (const name of PERMISSION_NAMES) {
    const had = scopesOf(before, name);
    const added = scopesOf(after, name).filter((scope) => !allows(had, scope));
    if (added.length > 0) growth[name] = added;
  }
  return Object.keys(growth).length === 0 ? undefined : growth;
}
