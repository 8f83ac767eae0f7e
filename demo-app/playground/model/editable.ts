/** Whether a kept value can be edited as JSON without becoming another one, and its text. */

const MOST_VALUES = 5_000;
const MOST_CHARACTERS = 100_000;
const MOST_DEPTH = 50;

/**
 * The text of a value that JSON expresses exactly. Undefined for any other: dates, maps, bytes and
 * what else would be lost, and what is too large for a field. The work is bounded by the bounds.
 */
export function editableText(value: unknown): string | undefined {
  const left = { values: MOST_VALUES, characters: MOST_CHARACTERS };
  if (!isExact(value, left, 0)) return undefined;
  const text = JSON.stringify(value, undefined, 2);
  return text.length <= MOST_CHARACTERS ? text : undefined;
}

/**
 * Reads an edited text.
 *
 * @throws Error in the page's own words for what is no JSON.
 */
export function editedValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`the value is not JSON: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
  }
}

interface Left {
  values: number;
  characters: number;
}

function isExact(value: unknown, left: Left, depth: number): boolean {
  left.values -= 1;
  if (left.values < 0 || depth > MOST_DEPTH) return false;
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'string') return fits(value, left);
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) {
    if (value.length > left.values) return false;
    for (let index = 0; index < value.length; index++)
      if (!(index in value && isExact(value[index], left, depth + 1))) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) {
    if (!fits(key, left)) return false;
    if (!isExact((value as Readonly<Record<string, unknown>>)[key], left, depth + 1)) return false;
  }
  return true;
}

function fits(text: string, left: Left): boolean {
  left.characters -= text.length;
  return left.characters >= 0;
}
