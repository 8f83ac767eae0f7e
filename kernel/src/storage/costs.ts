/** The bytes that kept values take, by key. Quotas count them. */
import type { StorageAdapter } from '../host.js';

/**
 * Bytes of every value under a prefix. Values are read only when the adapter can't tell their size.
 */
export async function costsOf(
  adapter: StorageAdapter,
  prefix: string,
): Promise<ReadonlyMap<string, number>> {
  const told = await adapter.sizes?.(prefix);
  if (told !== undefined) return told;
  const costs = new Map<string, number>();
  for (const key of await adapter.keys(prefix)) {
    const { size } = ((await adapter.get(key)) ?? {}) as { readonly size?: unknown };
    costs.set(key, typeof size === 'number' ? size : 0);
  }
  return costs;
}
