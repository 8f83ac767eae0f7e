/** Reads the list of plugins that may not run any more. */
import { covers, isRange, type Manifest, satisfies } from '@plinth/sdk/contract';

/**
 * Whether an entry of `policy.revoked` covers a plugin. An entry is `com.acme.notes`, `com.acme.*`,
 * or `com.acme.notes@<1.2.0`.
 */
export function isRevoked(
  entry: string,
  { id, version }: Pick<Manifest, 'id' | 'version'>,
): boolean {
  const at = entry.indexOf('@');
  if (at === -1) return covers(entry, id);
  const range = entry.slice(at + 1);
  return covers(entry.slice(0, at), id) && isRange(range) && satisfies(version, range);
}
