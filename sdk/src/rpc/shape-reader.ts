/** Reads packed objects: a number of a shape, and its leaves. */
import { createSharedError } from '../contract/errors.js';
import {
  MAX_CHARACTERS,
  MAX_DEPTH,
  MAX_KEY,
  MAX_KEYS,
  MAX_LEAVES,
  MAX_SHAPES,
  MAX_TEXT,
} from './shape.js';

/** One key of a known shape: a leaf, or a nested object. */
interface Field {
  readonly key: string;
  readonly fields: readonly Field[] | undefined;
}

/**
 * Unpacks values of one direction. The input is untrusted: shapes are checked once, leaves at each
 * use.
 */
export class ShapeReader {
  readonly #shapes: { readonly fields: readonly Field[]; readonly leaves: number }[] = [];
  #characters = 0;

  /** @throws PluginProtocolError `wire/refused` when the shape is invalid. */
  define(shape: number, skeleton: unknown): void {
    if (shape !== this.#shapes.length + 1 || shape > MAX_SHAPES)
      throw refused('a shape out of turn');
    const count = { leaves: 0, characters: this.#characters };
    const fields = parse(skeleton, 0, 0, count);
    this.#characters = count.characters;
    this.#shapes.push({ fields, leaves: count.leaves });
  }

  /** Slots of a packed value, its number included; undefined when the shape is unknown. */
  slots(shape: unknown): number | undefined {
    if (typeof shape !== 'number') return undefined;
    const known = this.#shapes[shape - 1];
    return known === undefined ? undefined : known.leaves + 1;
  }

  /**
   * Rebuilds the value at a position of a message. {@link slots} must have found it complete.
   *
   * @throws PluginProtocolError `wire/refused`.
   */
  read(message: readonly unknown[], at: number): unknown {
    cursor = at + 1;
    return build(
      (this.#shapes[(message[at] as number) - 1] as { fields: readonly Field[] }).fields,
      message,
    );
  }
}

let cursor = 0;

function build(fields: readonly Field[], message: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let index = 0; index < fields.length; index++) {
    const { key, fields: below } = fields[index] as Field;
    if (below !== undefined) object[key] = build(below, message);
    else {
      const leaf = message[cursor++];
      if (!isLeaf(leaf)) throw refused('a packed value with something else in the place of a leaf');
      object[key] = leaf;
    }
  }
  return object;
}

function isLeaf(value: unknown): boolean {
  const type = typeof value;
  return type === 'string'
    ? (value as string).length <= MAX_TEXT
    : type === 'number' || type === 'boolean' || value === undefined || value === null;
}

function parse(
  skeleton: unknown,
  from: number,
  depth: number,
  count: { leaves: number; characters: number },
): readonly Field[] {
  if (
    !Array.isArray(skeleton) ||
    depth > MAX_DEPTH ||
    skeleton.length <= from ||
    skeleton.length > MAX_KEYS + from
  )
    throw refused('a shape that is not well formed');
  const seen = new Set<string>();
  const fields: Field[] = [];
  for (let index = from; index < skeleton.length; index++) {
    const entry: unknown = skeleton[index];
    const key: unknown = Array.isArray(entry) ? entry[0] : entry;
    if (
      typeof key !== 'string' ||
      key.length > MAX_KEY ||
      key === '__proto__' ||
      key.charCodeAt(0) === 1 ||
      seen.has(key)
    )
      throw refused('a shape with a key that is not allowed');
    seen.add(key);
    if (!Array.isArray(entry)) count.leaves += 1;
    count.characters += key.length;
    if (count.leaves > MAX_LEAVES || count.characters > MAX_CHARACTERS)
      throw refused('a shape with too many keys');
    fields.push({
      key,
      fields: Array.isArray(entry) ? parse(entry, 1, depth + 1, count) : undefined,
    });
  }
  return fields;
}

const refused = (reason: string) =>
  createSharedError('wire/refused', `refused ${reason}`, { details: { reason } });
