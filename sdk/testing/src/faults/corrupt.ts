/** Damages a value, as a faulty provider would. */
import type { Random } from '../random.js';

const WRONG = [null, 'corrupt', -1, [], {}] as const;

/**
 * A damaged copy: one of its parts is missing or something else. A value without parts becomes
 * another value.
 */
export function corrupted(value: unknown, random: Random): unknown {
  if (Array.isArray(value) && value.length > 0) {
    const at = random.below(value.length);
    return value.map((part, index) => (index === at ? corrupted(part, random) : part));
  }
  if (isPlain(value)) {
    const [first, ...rest] = Object.keys(value);
    if (first !== undefined) {
      const key = random.pick([first, ...rest]);
      const { [key]: part, ...others } = value;
      return random.below(2) === 0 ? others : { ...others, [key]: another(part, random) };
    }
  }
  return another(value, random);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** A value of another kind. */
function another(value: unknown, random: Random): unknown {
  const kind = kindOf(value);
  const [first = null, ...rest] = WRONG.filter((one) => kindOf(one) !== kind);
  return random.pick<unknown>([first, ...rest]);
}

const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
