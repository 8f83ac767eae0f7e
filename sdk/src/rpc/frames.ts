/**
 * The shape of a message: a flat array of frames. Each frame is a head, `sequence * 32 + packed * 16 + kind`, followed by
 * the slots of its kind; `packed` says how the frame's value travels, see `shapes.ts`. Flat, because an array of small objects costs a structured clone three times as much.
 */

/** What a frame is. */
export const Kind = {
  /** sequence, target, input, meta */
  request: 0,
  /** sequence, value */
  reply: 1,
  /** sequence, error record */
  error: 2,
  /** 0, target, payload, meta: one way */
  note: 3,
  /** sequence: the caller gave up */
  cancel: 4,
  /** sequence, value: how far a call is */
  progress: 5,
  /** a Comlink request */
  control: 6,
  /** a Comlink reply */
  controlReply: 7,
  /** how many requests and notes have been taken so far */
  credit: 8,
  /** number of the shape in place of a sequence, its keys */
  shape: 9,
} as const;

/** Added to the kind of a frame whose value is packed. */
export const PACKED = 16;

/** Slots of each kind, head included. */
export const SLOTS: readonly number[] = [4, 2, 2, 4, 1, 2, 2, 2, 1, 2];

/** Makes a head; the kind may have {@link PACKED} added. */
export const headOf = (sequence: number, kind: number): number => sequence * 32 + kind;
/** The kind of a head. */
export const kindOf = (head: number): number => head % 16;
/** The sequence of a head. */
export const sequenceOf = (head: number): number => Math.floor(head / 32);
/** Whether a frame's value is packed. */
export const isPacked = (head: number): boolean => head % 32 >= PACKED;
