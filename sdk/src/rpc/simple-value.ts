/**
 * Small values of primitives, plain objects and arrays. Most values are of this kind, and they may
 * be posted or taken unchanged: one short look replaces the full check.
 */

/** Objects of a small value; a larger one takes the full check. */
const SMALL = 12;
/** Characters of a small value. */
const SHORT = 16_384;
const smallSeen: unknown[] = new Array(SMALL).fill(undefined);
let smallCount = 0;
let smallLength = 0;
/** Whether JSON would preserve the last simple value. */
let smallIsJson = true;

/**
 * Whether a value is small and holds only primitives, plain objects and arrays. Most values do, and
 * they may be posted or taken unchanged. False only means that the full check must run.
 */
export function isSimple(value: unknown): boolean {
  smallIsJson = true;
  if (typeof value !== 'object' || value === null) return isSimplePrimitive(value);
  smallCount = 0;
  smallLength = 0;
  const simple = isSimpleObject(value, 0);
  smallSeen.fill(undefined, 0, smallCount);
  return simple;
}

function isSimplePrimitive(value: unknown): boolean {
  const type = typeof value;
  if (type === 'string') {
    smallLength += (value as string).length;
    return (value as string).length < SHORT;
  }
  if (type === 'number') {
    if (!Number.isFinite(value) || Object.is(value, -0)) smallIsJson = false;
    return true;
  }
  if (value === undefined) smallIsJson = false;
  return type === 'boolean' || value === undefined || value === null;
}

/** The JSON text of a simple value that JSON preserves; undefined for every other. */
export function textOf(value: unknown): string | undefined {
  return isSimple(value) && smallIsJson ? JSON.stringify(value) : undefined;
}

/** A copy of a value for which {@link isSimple} is true. */
export function copySimple(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copySimple);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    copy[key] = typeof item === 'object' && item !== null ? copySimple(item) : item;
  }
  return copy;
}

function isSimpleObject(value: object, depth: number): boolean {
  if (depth > 6 || smallCount === SMALL) return false;
  for (let index = 0; index < smallCount; index++) if (smallSeen[index] === value) return false;
  smallSeen[smallCount++] = value;
  if (Array.isArray(value)) {
    if (value.length > 64) return false;
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (
        typeof item === 'object' && item !== null
          ? !isSimpleObject(item, depth + 1)
          : !isSimplePrimitive(item) || (item === undefined && !(index in value))
      )
        return false;
    }
    return smallLength < SHORT;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const keys = Object.keys(value);
  // An object without visible keys may keep everything behind a symbol, like an iterable.
  if (keys.length > 64 || (keys.length === 0 && Object.getOwnPropertySymbols(value).length > 0))
    return false;
  for (const key of keys) {
    // Reserved keys begin with a control character.
    if (key === '__proto__' || key.charCodeAt(0) === 1) return false;
    smallLength += key.length;
    const item = (value as Record<string, unknown>)[key];
    if (
      typeof item === 'object' && item !== null
        ? !isSimpleObject(item, depth + 1)
        : !isSimplePrimitive(item)
    )
      return false;
  }
  return smallLength < SHORT;
}
