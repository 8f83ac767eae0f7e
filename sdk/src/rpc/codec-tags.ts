/** How a message is written in bytes: the tags of values, and what a message may weigh. */
import type { ValueBounds } from './bounds.js';

/** Bounds of a message, derived from those of a value. */
export interface MessageBounds {
  /**
   * Longest message in bytes: a value of the largest size, whose characters may take half as much
   * again, plus what surrounds it.
   */
  readonly bytes: number;
  /** Most memory that its values may take: small values take more room in memory than as bytes. */
  readonly weight: number;
  /** Deepest nesting: that of a value, plus the message around it. */
  readonly depth: number;
}

/** The bounds of messages that carry values within bounds. */
export const messageBounds = ({ bytes, depth }: ValueBounds): MessageBounds => ({
  bytes: bytes * 1.5 + AROUND_BYTES,
  weight: bytes + AROUND_WEIGHT,
  depth: depth + AROUND_DEPTH,
});

/** What a message may hold beside its largest value. */
const AROUND_BYTES = 4 * 1_024 * 1_024;
const AROUND_WEIGHT = 16 * 1_024 * 1_024;
const AROUND_DEPTH = 32;

/** What stands in front of a value. */
export const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  byte: 4,
  int: 5,
  float: 6,
  bigint: 7,
  /** Latin letters, one byte each. */
  latin: 8,
  utf8: 9,
  /** With unpaired surrogates, which UTF-8 can't represent. */
  utf16: 10,
  array: 11,
  object: 12,
  date: 13,
  map: 14,
  set: 15,
  regexp: 16,
  buffer: 17,
  view: 18,
} as const;

/** Longest text, in characters, that is written one by one. */
export const SHORT = 64;
/** No bytes. */
export const NOTHING = new Uint8Array(0);
/** Writes texts as UTF-8. */
export const utf8 = new TextEncoder();
/** Reads UTF-8, and refuses what is none. */
export const text8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
