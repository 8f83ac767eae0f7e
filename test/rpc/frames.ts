/**
 * Takes messages of a link apart, so that tests can change frames in ways that no honest wire does.
 */
import { FIXED, Form, Kind } from '@plinth/sdk/rpc';

/** One frame: its head and slots, as they stand in the message. */
export type Frame = readonly unknown[];

export const kindOf = (frame: Frame): number => (frame[0] as number) % 16;
export const formOf = (frame: Frame): number => (((frame[0] as number) % 64) - kindOf(frame)) / 16;

const VALUED: ReadonlySet<number> = new Set([
  Kind.request,
  Kind.reply,
  Kind.note,
  Kind.progress,
  Kind.item,
]);

/** Reads the messages of one direction, in order: a packed value is as long as its shape says. */
export class FrameReader {
  readonly #leaves = new Map<number, number>();

  split(message: readonly unknown[]): Frame[] {
    const frames: Frame[] = [];
    for (let index = 0; index < message.length; ) {
      const end = index + this.#lengthAt(message, index);
      const frame = message.slice(index, end);
      if (kindOf(frame) === Kind.shape)
        this.#leaves.set(
          Math.floor((frame[0] as number) / 64),
          leavesOf(frame[1] as readonly unknown[]),
        );
      frames.push(frame);
      index = end;
    }
    return frames;
  }

  #lengthAt(message: readonly unknown[], index: number): number {
    const head = message.slice(index, index + 1);
    const fixed = FIXED[kindOf(head)] as number;
    if (!VALUED.has(kindOf(head))) return fixed;
    return (
      fixed +
      1 +
      (formOf(head) === Form.packed
        ? (this.#leaves.get(message[index + fixed] as number) as number)
        : 0)
    );
  }
}

/** Number of leaves of a skeleton: a string is a leaf, a list is a key and what is below it. */
function leavesOf(skeleton: readonly unknown[]): number {
  return skeleton.reduce<number>(
    (sum, entry) => sum + (Array.isArray(entry) ? leavesOf(entry.slice(1)) : 1),
    0,
  );
}
