/** Batches that a host takes. */
import type { ViewOp, WireNode } from './wire.js';

/** Characters of a batch. A host takes 2 000 000. */
const MOST = 1_900_000;
/** Changes of a batch: as many as a host takes. */
const CHANGES = 20_000;
/** Characters of an image that travels by itself. */
const LARGE = 10_000;

/**
 * The changes as JSON, in their order, in one batch if they fit. Images that come together, like
 * those of a view that is shown again, can be too much for one, and so can the changes that a page
 * has not asked for while it stood still.
 */
export function batchesOf(ops: readonly ViewOp[]): readonly string[] {
  if (ops.length <= CHANGES) {
    const whole = JSON.stringify(ops);
    if (whole.length <= MOST) return [whole];
  }
  const batches: string[] = [];
  let part: string[] = [];
  let length = 0;
  for (const op of ops.flatMap(apart)) {
    const text = JSON.stringify(op);
    if (part.length === CHANGES || (part.length > 0 && length + text.length > MOST)) {
      batches.push(`[${part.join()}]`);
      part = [];
      length = 0;
    }
    part.push(text);
    length += text.length + 1;
  }
  return [...batches, `[${part.join()}]`];
}

/** A new node, and each of its images as a change of its own behind it. */
function apart(op: ViewOp): readonly ViewOp[] {
  if (op[0] !== 0) return [op];
  const images: ViewOp[] = [];
  const [kind, parent, at, node] = op;
  return [[kind, parent, at, withoutImages(node, images)], ...images];
}

function withoutImages(node: WireNode, images: ViewOp[]): WireNode {
  if (node.length === 2) return node;
  const [id, type, props, events, kids] = node;
  const { data, ...others } = props ?? {};
  const isLarge = typeof data === 'string' && data.length > LARGE;
  if (isLarge) images.push([3, id, { data }]);
  const inside = kids.map((kid) => withoutImages(kid, images));
  return [id, type, isLarge ? others : props, events, inside];
}
