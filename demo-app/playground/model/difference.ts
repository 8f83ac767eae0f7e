/**
 * Where two answers differ first. They are compared as JSON, because that is how an answer comes over
 * HTTP: a date is its text there, and a member without a value is absent. The work is bounded, as a
 * plugin chooses the values.
 */
import { plainText, showValue, summarise } from './show-value.ts';

/** The result of a comparison. */
export type Difference =
  /** `cut`: what came after the first values was not compared. */
  | { readonly equal: true; readonly cut: boolean }
  | { readonly equal: false; readonly path: string; readonly here: string; readonly there: string };

const MOST_VALUES = 100_000;
const MOST_DEPTH = 100;
const MOST_PATH = 300;

/** Compares two answers. The path begins with `$`, the answer itself. */
export function firstDifference(here: unknown, there: unknown): Difference {
  const walk = new Walk();
  const place = walk.find(here, there, 0);
  if (place === undefined) return { equal: true, cut: walk.cut };
  const { keys, here: one, there: other } = place;
  return { equal: false, path: pathOf(keys), here: shown(one), there: shown(other) };
}

/** Two values that differ. `keys` lead to them, the last one first. */
interface Place {
  readonly keys: (string | number)[];
  readonly here: unknown;
  readonly there: unknown;
}

class Walk {
  cut = false;
  #visited = 0;

  find(one: unknown, other: unknown, depth: number): Place | undefined {
    if (this.#visited++ >= MOST_VALUES || depth > MOST_DEPTH) {
      this.cut = true;
      return undefined;
    }
    const [here, there] = [asJson(one), asJson(other)];
    if (Object.is(here, there)) return undefined;
    if (Array.isArray(here) && Array.isArray(there)) return this.#inLists(here, there, depth);
    if (isRecord(here) && isRecord(there)) return this.#inRecords(here, there, depth);
    // Maps, sets and bytes, which come from kernels of this page alone.
    const alike = isObject(here) && isObject(there) && showValue(here) === showValue(there);
    return alike ? undefined : { keys: [], here, there };
  }

  #inLists(here: readonly unknown[], there: readonly unknown[], depth: number): Place | undefined {
    const length = Math.max(here.length, there.length);
    for (let index = 0; index < length && !this.cut; index++) {
      const place = this.find(itemOf(here, index), itemOf(there, index), depth + 1);
      if (place !== undefined) return under(index, place);
    }
    return undefined;
  }

  #inRecords(here: Fields, there: Fields, depth: number): Place | undefined {
    for (const [fields, known] of [
      [here, undefined],
      [there, here],
    ] as const)
      for (const key in fields) {
        if (this.cut) return undefined;
        if (!Object.hasOwn(fields, key) || (known !== undefined && Object.hasOwn(known, key)))
          continue;
        const place = this.find(fieldOf(here, key), fieldOf(there, key), depth + 1);
        if (place !== undefined) return under(key, place);
      }
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function under(key: string | number, place: Place): Place {
  place.keys.push(key);
  return place;
}

/** A value as JSON writes it, without what is inside of it. */
function asJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  return value instanceof Date ? value.toJSON() : value;
}

/** In a list, a missing value is null. Beyond the end of a list there is none. */
const itemOf = (list: readonly unknown[], index: number): unknown =>
  index < list.length ? (list[index] ?? null) : undefined;

const fieldOf = (fields: Fields, key: string): unknown =>
  Object.hasOwn(fields, key) ? fields[key] : undefined;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function isRecord(value: unknown): value is Fields {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const shown = (value: unknown): string => (value === undefined ? 'nothing' : summarise(value));

function pathOf(keys: readonly (string | number)[]): string {
  const parts = keys.toReversed().map((key) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^[a-zA-Z_]\w{0,60}$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 60))}]`;
  });
  return plainText(`$${parts.join('')}`, MOST_PATH);
}
