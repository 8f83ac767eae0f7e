/** Finds keys that reach an object's prototype, and values that are nested too deep. */
import type { Issue } from './schema.js';

/** Most problems of one kind that are reported. */
export const MAX_PROBLEMS = 50;

/** Deepest nesting of a manifest. */
export const MAX_DEPTH = 64;
/** The message for a value that is nested deeper. */
export const TOO_DEEP = `is nested deeper than ${MAX_DEPTH} levels`;

/**
 * Keys that reach an object's prototype: never allowed. Near the top, keys that look like them are
 * refused too.
 */
export function unsafeKeys(value: unknown): Issue[] {
  const problems: Issue[] = [];
  const queue: { readonly value: unknown; readonly path: readonly string[] }[] = [
    { value, path: [] },
  ];
  for (
    let next = queue.pop();
    next !== undefined && problems.length < MAX_PROBLEMS;
    next = queue.pop()
  ) {
    if (next.value === null || typeof next.value !== 'object') continue;
    if (next.path.length > MAX_DEPTH)
      return [{ path: next.path.slice(0, 4).join('.'), message: TOO_DEEP }];
    for (const key of Object.keys(next.value)) {
      const path = [...next.path, key];
      if (
        key === '__proto__' ||
        (path.length <= 2 && (key === 'constructor' || key === 'prototype'))
      )
        problems.push({ path: path.join('.'), message: `'${key}' is not allowed as a key` });
      else queue.push({ value: (next.value as Record<string, unknown>)[key], path });
    }
  }
  return problems;
}
