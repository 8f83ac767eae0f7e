/** Uses after which a shape gets its number. */
import {
  MAX_CHARACTERS,
  MAX_DEPTH,
  MAX_KEY,
  MAX_KEYS,
  MAX_LEAVES,
  MAX_SHAPES,
  MAX_TEXT,
  MAX_TREE,
  type NewShape,
  type Skeleton,
} from './shape.js';

const USES_BEFORE_NUMBER = 4;

/**
 * A node in the tree of key sequences. It caches its last step, so that a repeated one needs no
 * lookup.
 */
class Node {
  /**
   * The step that leads here: a leaf's key, the key of an object that begins, or the end of one.
   */
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
  /** Characters of the keys in the tree and in defined shapes. */
  #characters = 0;
  #told = 0;
  /**
   * A shape that has just got its number, to be sent after the current frame. The next value of
   * that shape is packed.
   */
  fresh: NewShape | undefined = undefined;

  /**
   * Appends a value's shape and leaves. Returns false, and appends nothing, when the value has to
   * travel unpacked.
   */
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
    if (end.uses < USES_BEFORE_NUMBER || this.#leaves.length > MAX_SHAPES || leaves > MAX_LEAVES)
      return;
    const { skeleton, characters } = skeletonOf(end);
    if (this.#told + characters > MAX_CHARACTERS) return;
    this.#told += characters;
    end.shape = this.#leaves.length;
    this.#leaves.push(leaves);
    this.fresh = { shape: end.shape, skeleton };
  }

  #walk(
    object: Record<string, unknown>,
    start: Node,
    out: unknown[],
    depth: number,
  ): Node | undefined {
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
        // The same object twice, or a cycle: the full check will report it by path.
        if (depth === MAX_DEPTH || Array.isArray(item) || this.#seen.includes(item))
          return undefined;
        this.#seen.push(item);
        const inside =
          node.nestedKey === key && node.nested !== undefined
            ? node.nested
            : this.#nestedOf(node, key);
        const end = inside && this.#walk(item as Record<string, unknown>, inside, out, depth + 1);
        if (end === undefined) return undefined;
        if (end.after === undefined && this.#nodes < MAX_TREE) {
          this.#nodes += 1;
          end.after = new Node(end, 'after', '');
        }
        next = end.after;
      } else {
        const type = typeof item;
        if (
          type === 'string'
            ? (item as string).length > MAX_TEXT
            : type !== 'number' && type !== 'boolean' && item !== undefined && item !== null
        )
          return undefined;
        out.push(item);
        next =
          node.leafKey === key && node.leaf !== undefined ? node.leaf : this.#leafOf(node, key);
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

  #grow(
    before: Node,
    step: 'leaf' | 'nested',
    children: Map<string, Node>,
    key: string,
  ): Node | undefined {
    // Keys that the full check refuses, and very large dictionaries, never get into the tree.
    if (
      this.#nodes >= MAX_TREE ||
      key.length > MAX_KEY ||
      this.#characters + key.length > MAX_CHARACTERS ||
      key === '__proto__' ||
      key.charCodeAt(0) === 1
    )
      return undefined;
    this.#nodes += 1;
    this.#characters += key.length;
    const node = new Node(before, step, key);
    children.set(key, node);
    return node;
  }
}

/**
 * The keys on the way to a node. Taken from the tree, not from the value, because a value may
 * answer differently each time.
 */
function skeletonOf(end: Node): { readonly skeleton: Skeleton; readonly characters: number } {
  let characters = 0;
  const steps: Node[] = [];
  for (
    let node: Node | undefined = end;
    node !== undefined && node.step !== 'root';
    node = node.before
  )
    steps.unshift(node);
  const root: (string | Skeleton)[] = [];
  const open: (string | Skeleton)[][] = [root];
  for (const { step, key } of steps) {
    characters += key.length;
    const inside = open.at(-1) as (string | Skeleton)[];
    if (step === 'leaf') inside.push(key);
    else if (step === 'after') open.pop();
    else {
      const nested: (string | Skeleton)[] = [key];
      inside.push(nested);
      open.push(nested);
    }
  }
  return { skeleton: root, characters };
}
