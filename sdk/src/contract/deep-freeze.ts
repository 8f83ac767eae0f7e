/** Plain data that nothing can change any more, at any depth. */

/**
 * Freezes plain data and all that is in it. Lists are replaced by copies without room to grow. The
 * data must be the caller's own, without circles. Answers it, or what stands for it. What is empty
 * is not shared: a value with the same object twice can't cross to a plugin.
 */
export function deepFreeze<T>(value: T): T {
  return (value !== null && typeof value === 'object' ? frozen(value) : value) as T;
}

function frozen(value: object): object {
  if (Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => deepFreeze(item)));
  const data = value as Record<string, unknown>;
  for (const key in data) {
    const inner = data[key];
    if (inner !== null && typeof inner === 'object') data[key] = frozen(inner);
  }
  return Object.freeze(data);
}
