/** What a shape is, and its limits. */

/** Keys of a shape in order: a string for a leaf, a list `[key, …]` for a nested object. */
export type Skeleton = readonly (string | Skeleton)[];

/** A shape that must be sent to the other side before it is used. */
export interface NewShape {
  readonly shape: number;
  readonly skeleton: Skeleton;
}

/** Shapes of one direction of a link. */
export const MAX_SHAPES = 1_024;
/** Nodes of the writer's tree: dictionaries with ever new keys must not grow it. */
export const MAX_TREE = 8_192;
/** Deepest nesting of a shape. */
export const MAX_DEPTH = 4;
/** Most keys of one object in a shape. */
export const MAX_KEYS = 32;
/** Keys of a whole shape, nested ones included. */
export const MAX_LEAVES = 128;
/** Longest key, in characters. */
export const MAX_KEY = 128;
/** Most characters of all shapes' keys: they are kept as long as the link. */
export const MAX_CHARACTERS = 262_144;
/** Longest text that is packed; packing a longer one gains nothing. */
export const MAX_TEXT = 16_384;
