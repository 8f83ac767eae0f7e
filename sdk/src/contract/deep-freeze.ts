/** Plain data that nothing can change any more, at any depth. */

/** Freezes plain data and all that is in it. Answers the same value. */
export function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) {
    const inner: unknown = value[key];
    if (inner !== null && typeof inner === 'object') deepFreeze(inner);
  }
  return value;
}
