/**
 * Packed values. Structured clone writes and reads every key of every object; most objects of a link have the same few
 * shapes. So a plain object of primitives and other such objects travels as its shape's number and its leaves, right
 * among the slots of its frame, and its keys travel once, when the shape has been seen often enough to be worth a number.
 *
 * The writer's walk is also the check of the value: what it packs needs no other look.
 */
import { createSharedError } from '../contract/errors.js';

/** Keys of a shape in order: a text for a leaf, a list `[key, …]` for an object below it. */
export type Skeleton = readonly (string | Skeleton)[];

/** A shape that the other side must be told of before it is used. */
export interface NewShape {
  readonly shape: number;
  readonly skeleton: Skeleton;
}

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

/** A place in the tree of key sequences: what was seen here last is found without looking it up. */
class Node {
  /** The step that leads here: a leaf's key, the key of an object that begins, or the end of one. */
  readonly before: Node | undefined;
  readonly step: 'leaf' | 'nested' | 'after' | 'root';
  readonly key: string;
  leafKey = '';
  leaf: Node | undefined = undefined;
  nestedKey = '';
  nested: Node | undefined = undefined;
  after: Node | undefined = undefined;
  leaves: Map<string, Node> | undefined = undefined;
  nests: Map<string, Node> | undefined = undefined;
  /** Number of the shape that ends here, 0 while there is none. */
  shape = 0;
  uses = 0;

  constructor(before: Node | undefined, step: Node['step'], key: string) {
    this.before = before;
    this.step = step;
    this.key = key;
  }
}

/** Packs values of one direction. */
export class ShapeWriter {
  readonly #root = new Node(undefined, 'root', '');
  readonly #seen: object[] = [];
  readonly #leaves: number[] = [0];
  #nodes = 1;
  /** A shape that has just got its number: to be sent after the frame in hand. The next value of that shape is packed. */
  fresh: NewShape | undefined = undefined;

  /** Appends a value's shape and leaves; false when it has to travel as it is, and nothing was appended then. */
  write(value: object, out: unknown[]): boolean {
    if (Array.isArray(value)) return false;
    const start = out.length;
    out.push(0);
    this.#seen.length = 0;
    const end = this.#walk(value as Record<string, unknown>, this.#root, out, 0);
    if (end !== undefined && end.shape > 0) {
      out[start] = end.shape;
      return true;
    }
    if (end !== undefined) this.#consider(end, out.length - start - 1);
    out.length = start;
    return false;
  }

  /** Leaves of a shape that has a number. */
  leavesOf(shape: number): number {
    return this.#leaves[shape] ?? 0;
  }

  #consider(end: Node, leaves: number): void {
    end.uses += 1;
    if (end.uses < WORTHWHILE || this.#leaves.length > MAX_SHAPES || leaves > MAX_LEAVES) return;
    end.shape = this.#leaves.length;
    this.#leaves.push(leaves);
    this.fresh = { shape: end.shape, skeleton: skeletonOf(end) };
  }

  #walk(object: Record<string, unknown>, start: Node, out: unknown[], depth: number): Node | undefined {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null) return undefined;
    const keys = Object.keys(object);
    if (keys.length === 0 || keys.length > MAX_KEYS) return undefined;
    let node = start;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string;
      const item = object[key];
      let next: Node | undefined;
      if (typeof item === 'object' && item !== null) {
        // The same object twice, or a cycle: the thorough check will say so by name.
        if (depth === MAX_DEPTH || Array.isArray(item) || this.#seen.includes(item)) return undefined;
        this.#seen.push(item);
        const inside = node.nestedKey === key && node.nested !== undefined ? node.nested : this.#nestedOf(node, key);
        const end = inside && this.#walk(item as Record<string, unknown>, inside, out, depth + 1);
        if (end === undefined) return undefined;
        if (end.after === undefined && this.#nodes < MAX_TREE) {
          this.#nodes += 1;
          end.after = new Node(end, 'after', '');
        }
        next = end.after;
      } else {
        const type = typeof item;
        if (type === 'string' ? (item as string).length > MAX_TEXT : type !== 'number' && type !== 'boolean' && item !== undefined && item !== null) return undefined;
        out.push(item);
        next = node.leafKey === key && node.leaf !== undefined ? node.leaf : this.#leafOf(node, key);
      }
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  #leafOf(node: Node, key: string): Node | undefined {
    node.leaves ??= new Map();
    const child = node.leaves.get(key) ?? this.#grow(node, 'leaf', node.leaves, key);
    if (child !== undefined) {
      node.leafKey = key;
      node.leaf = child;
    }
    return child;
  }

  #nestedOf(node: Node, key: string): Node | undefined {
    node.nests ??= new Map();
    const child = node.nests.get(key) ?? this.#grow(node, 'nested', node.nests, key);
    if (child !== undefined) {
      node.nestedKey = key;
      node.nested = child;
    }
    return child;
  }

  #grow(before: Node, step: 'leaf' | 'nested', children: Map<string, Node>, key: string): Node | undefined {
    // Keys that the thorough check refuses, and dictionaries without end, never get into the tree.
    if (this.#nodes >= MAX_TREE || key === '__proto__' || key.charCodeAt(0) === 1) return undefined;
    this.#nodes += 1;
    const node = new Node(before, step, key);
    children.set(key, node);
    return node;
  }
}

/** The keys on the way to a node. From the tree and not from the value: a value may answer differently each time. */
function skeletonOf(end: Node): Skeleton {
  const steps: Node[] = [];
  for (let node: Node | undefined = end; node !== undefined && node.step !== 'root'; node = node.before) steps.unshift(node);
  const root: (string | Skeleton)[] = [];
  const open: (string | Skeleton)[][] = [root];
  for (const { step, key } of steps) {
    const inside = open.at(-1) as (string | Skeleton)[];
    if (step === 'leaf') inside.push(key);
    else if (step === 'after') open.pop();
    else {
      const nested: (string | Skeleton)[] = [key];
      inside.push(nested);
      open.push(nested);
    }
  }
  return root;
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

  /** Slots that a packed value takes, its number included; undefined when there is no such shape. */
  slots(shape: unknown): number | undefined {
    if (typeof shape !== 'number') return undefined;
    const known = this.#shapes[shape - 1];
    return known === undefined ? undefined : known.leaves + 1;
  }

  /**
   * Rebuilds the value at a place of a message that {@link slots} has found to be there.
   *
   * @throws PluginProtocolError `wire/refused`.
   */
  read(message: readonly unknown[], at: number): unknown {
    cursor = at + 1;
    return build((this.#shapes[(message[at] as number) - 1] as { fields: readonly Field[] }).fields, message);
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
  return type === 'string' ? (value as string).length <= MAX_TEXT : type === 'number' || type === 'boolean' || value === undefined || value === null;
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

const refused = (reason: string) => createSharedError('wire/refused', `refused ${reason}`, { details: { reason } });
