/** What a plugin says about itself, and values that it may not change. */
import type { AnyContract } from '../contract/contract.js';
import type { Plugin } from '../plugin.js';

/** The contracts that a plugin needs, by name. */
export function contractsOf(
  plugin: Plugin,
): ReadonlyMap<string, { readonly contract: AnyContract; readonly optional: boolean }> {
  return new Map(
    Object.entries(plugin.needs ?? {}).map(([name, need]) => {
      const optional = 'optional' in need && !('$id' in need);
      return [name, { contract: (optional ? need.optional : need) as AnyContract, optional }];
    }),
  );
}

/** Freezes a value at every depth. The bytes under a view can't be frozen. */
export function deepFreeze<T>(value: T): T {
  if (
    value !== null &&
    typeof value === 'object' &&
    !Object.isFrozen(value) &&
    !ArrayBuffer.isView(value)
  ) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
