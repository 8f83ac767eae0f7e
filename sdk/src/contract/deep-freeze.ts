/** Plain data that nothing can change any more, at any depth. */

const NO_ITEMS: readonly never[] = Object.freeze([]);
const NO_KEYS: Readonly<Record<string, never>> = Object.freeze({});

/**
 * Freezes plain data and all that is in it, and takes no more memory for it than it needs: what is
 * empty is shared, and lists have no room to grow. The data must be the caller's own, without
 * circles. Answers it, or what stands for it.
 */
export function deepFreeze<T>(value: T): T {
  return (value !== null && typeof value === 'object' ? frozen(value) : value) as T;
}

function frozen(value: object): object {
  if (Object.isFrozen(value)) return value;
  if (Array.isArray(value))
    return value.length === 0 ? NO_ITEMS : Object.freeze(value.map((item) => deepFreeze(item)));
  let isEmpty = true;
  const data = value as Record<string, unknown>;
  for (const key in data) {
    isEmpty = false;
    const inner = data[key];
    if (inner !== null && typeof inner === 'object') data[key] = frozen(inner);
  }
  return isEmpty ? NO_KEYS : Object.freeze(data);
}
