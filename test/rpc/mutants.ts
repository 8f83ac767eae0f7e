/**
 * Links and wires that are broken deliberately, each in one way: the model must detect every one.
 */
import {
  type Endpoint,
  endpointPair,
  Form,
  Kind,
  Link,
  type LinkOptions,
  type Reply,
} from '@plinth/sdk/rpc';
import { type Frame, FrameReader, formOf, kindOf } from './frames.ts';
import { linked, type MakePair, type SideOptions } from './pairs.ts';

/** Rewrites what one side posts, message by message. */
type Change = (frames: Frame[]) => readonly Frame[];

/** An endpoint whose messages are taken apart, changed and put together again. */
function changed(endpoint: Endpoint, change: Change, dropsTransfers = false): Endpoint {
  const reader = new FrameReader();
  return {
    postMessage(message, transfer) {
      const frames = change(reader.split(message as readonly unknown[]));
      if (frames.length > 0)
        endpoint.postMessage(frames.flat(), dropsTransfers ? undefined : transfer);
    },
    addEventListener: (type, listener) => endpoint.addEventListener(type, listener),
    removeEventListener: (type, listener) => endpoint.removeEventListener(type, listener),
  };
}

/** Both directions over a broken wire; each has its own state. */
const wire =
  (makeChange: () => Change, dropsTransfers = false): MakePair =>
  (left, right) => {
    const [a, b] = endpointPair();
    return linked(
      [changed(a, makeChange(), dropsTransfers), changed(b, makeChange(), dropsTransfers)],
      left,
      right,
    );
  };

/** Both ends of a custom class. */
const ends =
  (End: new (options: LinkOptions) => Link): MakePair =>
  (left: SideOptions, right: SideOptions) => {
    const [a, b] = endpointPair();
    return {
      left: new End({ endpoint: a, ...left }),
      right: new End({ endpoint: b, ...right }),
      dispose() {},
    };
  };

/**
 * True for the third of a kind and every third after it: rare enough that most things work,
 * frequent enough to be detected.
 */
function everyThird(...kinds: readonly number[]): (frame: Frame) => boolean {
  let seen = 0;
  return (frame) => kinds.includes(kindOf(frame)) && ++seen % 3 === 0;
}

const losing = (...kinds: readonly number[]): MakePair =>
  wire(() => {
    const hit = everyThird(...kinds);
    return (frames) => frames.filter((frame) => !hit(frame));
  });

const losingAll = (kind: number): MakePair =>
  wire(() => (frames) => frames.filter((frame) => kindOf(frame) !== kind));

/** Swaps the first two consecutive requests or notes of a message. */
function swapped(frames: Frame[]): Frame[] {
  const isOrdered = (frame: Frame | undefined) =>
    frame !== undefined && (kindOf(frame) === Kind.request || kindOf(frame) === Kind.note);
  const at = frames.findIndex((frame, index) => isOrdered(frame) && isOrdered(frames[index + 1]));
  return at === -1
    ? frames
    : [
        ...frames.slice(0, at),
        frames[at + 1] as Frame,
        frames[at] as Frame,
        ...frames.slice(at + 2),
      ];
}

function reversed(value: unknown): unknown {
  if (
    value === null ||
    typeof value !== 'object' ||
    Object.getPrototypeOf(value) !== Object.prototype
  )
    return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

/** A wire that doesn't keep the order of keys, as another format might not. */
const reversing = (frame: Frame): Frame =>
  kindOf(frame) === Kind.reply && formOf(frame) === Form.plain
    ? [...frame.slice(0, -1), reversed(frame.at(-1))]
    : frame;

/** A shape whose keys are swapped: leaves end up under the wrong ones. */
const reshaping = (frame: Frame): Frame =>
  kindOf(frame) === Kind.shape
    ? [frame[0], [...(frame[1] as readonly unknown[])].reverse()]
    : frame;

class SettlesNothingAtTheEnd extends Link {
  #ended = false;

  override request(
    target: number,
    input: unknown,
    meta: unknown,
    reply: Reply,
    move?: boolean,
  ): void {
    const { settle } = reply;
    reply.settle = (ok, value) => {
      if (!this.#ended) settle(ok, value);
    };
    super.request(target, input, meta, reply, move);
  }

  override close(error: Error): void {
    this.#ended = true;
    super.close(error);
  }
}

class NeverEnds extends Link {
  override close(): void {}
}

class SettlesTwice extends Link {
  override request(
    target: number,
    input: unknown,
    meta: unknown,
    reply: Reply,
    move?: boolean,
  ): void {
    const { settle } = reply;
    reply.settle = (ok, value) => {
      settle(ok, value);
      settle(ok, value);
    };
    super.request(target, input, meta, reply, move);
  }
}

class NeverCancels extends Link {
  override cancel(): void {}
}

/** Healthy pairs for comparison, with the wrapping and without. */
export const healthy: readonly (readonly [string, MakePair])[] = [
  ['a wire that takes messages apart and changes nothing', wire(() => (frames) => frames)],
  ['links of a subclass that changes nothing', ends(class extends Link {})],
];

export const mutants: readonly (readonly [string, MakePair])[] = [
  ['the end settles nothing', ends(SettlesNothingAtTheEnd)],
  ['the end does nothing', ends(NeverEnds)],
  ['two frames change places', wire(() => swapped)],
  ['an answer is settled twice', ends(SettlesTwice)],
  [
    'a reply comes twice',
    wire(
      () => (frames) =>
        frames.flatMap((frame) => (kindOf(frame) === Kind.reply ? [frame, frame] : [frame])),
    ),
  ],
  ['cancelling does nothing', ends(NeverCancels)],
  ['cancels are lost', losingAll(Kind.cancel)],
  ['notes are lost', losing(Kind.note)],
  ['requests are lost', losing(Kind.request)],
  ['replies are lost', losing(Kind.reply)],
  ['errors are lost', losing(Kind.error)],
  ['progress is lost', losing(Kind.progress)],
  ["a stream's items are lost", losing(Kind.item)],
  ["a stream's end is lost", losing(Kind.end)],
  ["a reader's grant is lost", losing(Kind.pull)],
  ["a reader's stop is lost", losingAll(Kind.stop)],
  ['credit is never acknowledged', losingAll(Kind.credit)],
  ['keys change their order', wire(() => (frames) => frames.map(reversing))],
  ["a shape's keys change places", wire(() => (frames) => frames.map(reshaping))],
  ['the list of what to move is dropped', wire(() => (frames) => frames, true)],
];
