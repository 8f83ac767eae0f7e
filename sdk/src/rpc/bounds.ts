/** Limits on the size of a value: the same for every isolation and every boundary. */

/** The bounds of one value; see {@link boundsOf}. */
export interface ValueBounds {
  /** Approximate bytes, as {@link PART_BYTES} and {@link OBJECT_BYTES} count them. */
  readonly bytes: number;
  /** Levels of nesting. */
  readonly depth: number;
  /**
   * Whether every packed value, and every value small enough for the quick check, is certainly
   * within the bounds.
   */
  readonly wide: boolean;
}

/** What each part of a value counts for: the memory of one primitive in a list. */
export const PART_BYTES = 8;
/** What an object or list counts for in addition: the memory of an empty one. */
export const OBJECT_BYTES = 56;
/** What a map, set, pattern or buffer counts for: an empty one takes hundreds of bytes. */
export const HEAVY_BYTES = 248;

/** Deepest nesting that may be allowed, because values are walked recursively. */
export const MAX_VALUE_DEPTH = 1_000;
/** Largest value that may be allowed, in bytes: a process message has a 32-bit length. */
export const MAX_VALUE_BYTES = 1_024 * 1_024 * 1_024;

/**
 * The most a packed value takes: a shape has 128 leaves, each a text of 16 384 characters, and as
 * many keys.
 */
const WIDE_BYTES = 8_454_144;
/** At least the nesting that the quick check covers. */
const WIDE_DEPTH = 8;

/** Creates bounds. */
export const boundsOf = (bytes: number, depth: number): ValueBounds => ({
  bytes,
  depth,
  wide: bytes >= WIDE_BYTES && depth >= WIDE_DEPTH,
});

/** The default bounds. */
export const DEFAULT_BOUNDS: ValueBounds = boundsOf(64 * 1_024 * 1_024, 100);
/** For values that were checked before. */
export const NO_BOUNDS: ValueBounds = boundsOf(Number.POSITIVE_INFINITY, MAX_VALUE_DEPTH);
