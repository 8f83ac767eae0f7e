/**
 * Packed values. Structured clone writes and reads every key of every object; most objects of a link have the same few
 * shapes. So a plain object of primitives and other such objects travels as `[shape, leaf, leaf, …]`, and its keys
 * travel once, when the shape has been seen often enough to be worth a number.
 *
 * The writer's walk is also the check of the value: what it packs needs no other look.
 */
import { createError } from '../contract/errors.js';

/** Keys of a shape in order: a text for a leaf, a list `[key, …]` for an object below it. */
export type Skeleton = readonly (string | Skeleton)[];

/** Shapes of one direction of a link. */
const MAX_SHAPES = 1_024;
/** Nodes of the writer's tree: dictionaries with ever new keys must not grow it. */
const MAX_TREE = 8_192;
const MAX_DEPTH = 4;
const MAX_KEYS = 32;
/** Keys of a whole shape, nested ones included. */
const MAX_LEAVES = 128;
/** Longest text that is packed; a longer one gains nothing. */
const MAX_TEXT = 16_384;
/** Uses after which a shape gets its number. */
const WORTHWHILE = 4;

/** A place in the tree of key sequences. */
class Node {
  readonly leaves = new Map<string, Node>();
  readonly nested = new Map<string, Node>();
  after: Node | undefined = undefined;
  /** Number of the shape that ends here, 0 while there is none. */
  shape = 0;
  uses = 0;
}

/** Packs values of one direction; tells the other side of each new shape first. */
export class ShapeWriter {
  readonly #root = new Node();
  readonly #define: (shape: number, skeleton: Skeleton) => void;
  readonly #seen: object[] = [];
  #nodes = 1;
  #shapes = 0;

  constructor(define: (shape: number, skeleton: Skeleton) => void) {
    this.#define = define;
  }

  /** The packed form, or undefined when the value has to travel as it is. */
  pack(value: unknown): unknown[] | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const packed: unknown[] = [0];
    this.#seen.length = 0;
    const end = this.#walk(value as Record<string, unknown>, this.#root, packed, 0);
    if (end === undefined) return undefined;
    if (end.shape === 0) {
      end.uses += 1;
      if (end.uses < WORTHWHILE || this.#shapes === MAX_SHAPES || packed.length > MAX_LEAVES) return undefined;
      this.#shapes += 1;
      end.shape = this.#shapes;
      this.#define(end.shape, skeletonOf(value as Record<string, unknown>));
    }
    packed[0] = end.shape;
    return packed;
  }

  #walk(object: Record<string, unknown>, start: Node, packed: unknown[], depth: number): Node | undefined {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null) return undefined;
    const keys = Object.keys(object);
    if (keys.length === 0 || keys.length > MAX_KEYS) return undefined;
    let node = start;
    for (const key of keys) {
      const item = object[key];
      let next: Node | undefined;
      if (typeof item === 'object' && item !== null) {
        // The same object twice, or a cycle: the thorough check will say so by name.
        if (depth === MAX_DEPTH || Array.isArray(item) || this.#seen.includes(item)) return undefined;
        this.#seen.push(item);
        const inside = node.nested.get(key) ?? this.#grow(node.nested, key);
        const end = inside && this.#walk(item as Record<string, unknown>, inside, packed, depth + 1);
        if (end === undefined) return undefined;
        if (end.after === undefined && this.#nodes < MAX_TREE) {
          this.#nodes += 1;
          end.after = new Node();
        }
        next = end.after;
      } else {
        const type = typeof item;
        if (type === 'string' ? (item as string).length > MAX_TEXT : type !== 'number' && type !== 'boolean' && item !== undefined && item !== null) return undefined;
        packed.push(item);
        next = node.leaves.get(key) ?? this.#grow(node.leaves, key);
      }
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  #grow(children: Map<string, Node>, key: string): Node | undefined {
    // Keys that the thorough check refuses, and dictionaries without end, never get into the tree.
    if (this.#nodes >= MAX_TREE || key === '__proto__' || key.charCodeAt(0) === 1) return undefined;
    this.#nodes += 1;
    const node = new Node();
    children.set(key, node);
    return node;
  }
}

function skeletonOf(object: Record<string, unknown>): Skeleton {
  return Object.entries(object).map(([key, item]) => (typeof item === 'object' && item !== null ? [key, ...skeletonOf(item as Record<string, unknown>)] : key));
}

/** One key of a known shape: a leaf, or an object below it. */
interface Field {
  readonly key: string;
  readonly fields: readonly Field[] | undefined;
}

/** Unpacks values of one direction. What arrives is untrusted: shapes are checked once, leaves at each use. */
export class ShapeReader {
  readonly #shapes: { readonly fields: readonly Field[]; readonly leaves: number }[] = [];

  /** @throws PluginProtocolError `wire/refused` when the shape can't be honest. */
  define(shape: number, skeleton: unknown): void {
    if (shape !== this.#shapes.length + 1 || shape > MAX_SHAPES) throw refused('a shape out of turn');
    const count = { leaves: 0 };
    const fields = parse(skeleton, 0, 0, count);
    this.#shapes.push({ fields, leaves: count.leaves });
  }

  /** @throws PluginProtocolError `wire/refused`. */
  unpack(packed: unknown): unknown {
    const shape = Array.isArray(packed) && typeof packed[0] === 'number' ? this.#shapes[packed[0] - 1] : undefined;
    if (shape === undefined || (packed as unknown[]).length !== shape.leaves + 1) throw refused('a packed value of no known shape');
    cursor = 1;
    return build(shape.fields, packed as unknown[]);
  }
}

let cursor = 0;

function build(fields: readonly Field[], packed: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { key, fields: below } of fields) {
    if (below !== undefined) object[key] = build(below, packed);
    else {
      const leaf = packed[cursor++];
      if (typeof leaf === 'object' && leaf !== null) throw refused('a packed value with an object in the place of a leaf');
      object[key] = leaf;
    }
  }
  return object;
}

function parse(skeleton: unknown, from: number, depth: number, count: { leaves: number }): readonly Field[] {
  if (!Array.isArray(skeleton) || depth > MAX_DEPTH || skeleton.length <= from || skeleton.length > MAX_KEYS + from) throw refused('a shape that is not well formed');
  const seen = new Set<string>();
  const fields: Field[] = [];
  for (let index = from; index < skeleton.length; index++) {
    const entry: unknown = skeleton[index];
    const key: unknown = Array.isArray(entry) ? entry[0] : entry;
    if (typeof key !== 'string' || key.length > MAX_TEXT || key === '__proto__' || key.charCodeAt(0) === 1 || seen.has(key))
      throw refused('a shape with a key that is not allowed');
    seen.add(key);
    if (!Array.isArray(entry)) count.leaves += 1;
    if (count.leaves > MAX_LEAVES) throw refused('a shape with too many keys');
    fields.push({ key, fields: Array.isArray(entry) ? parse(entry, 1, depth + 1, count) : undefined });
  }
  return fields;
}

const refused = (reason: string) => createError('wire/refused', `refused ${reason}`, { details: { reason } });
