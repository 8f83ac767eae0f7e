/**
 * The format of a message: one flat array of frames, because an array of small arrays costs a
 * structured clone three times as much. A frame is a head, `sequence * 64 + form * 16 + kind`, then
 * the fixed slots of its kind, then, for kinds that carry one, a value in one of four
 * {@link Form}s.
 */

/** The kinds of frames. */
export const Kind = {
  /** sequence; target, meta, value */
  request: 0,
  /** sequence; value */
  reply: 1,
  /** sequence; error record */
  error: 2,
  /** target, meta, value: one way */
  note: 3,
  /** sequence: the caller gave up; with form 1, the deadline has passed */
  cancel: 4,
  /** sequence; value: how far a call is */
  progress: 5,
  /** a Comlink request */
  control: 6,
  /** a Comlink reply */
  controlReply: 7,
  /** in place of a sequence: how many counted frames have been taken so far */
  credit: 8,
  /** in place of a sequence: number of a shape; its keys */
  shape: 9,
  /** in place of a sequence: number of a name; its text */
  name: 10,
  /** in place of a sequence: number of a stream; value: its next item */
  item: 11,
  /** number of a stream; error record, or undefined when it is complete */
  end: 12,
  /** number of a stream; how many of its items may be sent in total */
  pull: 13,
  /** number of a stream that is no longer read */
  stop: 14,
  /** number of a direct lane; its event, see `protocol.ts`; a port or undefined */
  lane: 15,
} as const;

/** How a value travels. */
export const Form = {
  /** unchanged */
  plain: 0,
  /** a shape's number and its leaves, see `shapes.ts` */
  packed: 1,
  /** with records that stand for errors or streams */
  marked: 2,
  /**
   * notes only: a list of values as JSON text, their number in place of a sequence; one encoding
   * serves many links
   */
  text: 3,
} as const;

/** Slots of each kind before its value, head included. */
export const FIXED: readonly number[] = [3, 1, 2, 3, 1, 1, 2, 2, 1, 2, 2, 1, 2, 2, 1, 3];
/** Kinds that end with a value. */
export const VALUED: readonly boolean[] = [
  true,
  true,
  false,
  true,
  false,
  true,
  false,
  false,
  false,
  false,
  false,
  true,
  false,
  false,
  false,
  false,
];
/**
 * Kinds that need credit: those that make the other side work and are not bounded by anything else.
 */
export const COUNTED: readonly boolean[] = [
  true,
  false,
  false,
  true,
  false,
  true,
  false,
  false,
  false,
  false,
  false,
  false,
  false,
  false,
  false,
  false,
];

/** Builds a head. */
export const headOf = (sequence: number, kind: number, form = 0): number =>
  sequence * 64 + form * 16 + kind;
/** The kind of a head. */
export const kindOf = (head: number): number => head % 16;
/** The form of a head. */
export const formOf = (head: number): number => ((head % 64) - (head % 16)) / 16;
/** The sequence of a head. */
export const sequenceOf = (head: number): number => Math.floor(head / 64);
