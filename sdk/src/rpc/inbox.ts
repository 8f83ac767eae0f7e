/**
 * The receiving half of a link: walks messages frame by frame, a limited number per turn, and
 * passes each on. Input is untrusted: a malformed frame ends the walk, and what a guest may pile up
 * here is bounded.
 */
import { COUNTED, FIXED, Form, formOf, Kind, kindOf, sequenceOf, VALUED } from './frames.js';
import { MAX_FRAME, MAX_SLOTS, WINDOW } from './send-limits.js';
import type { ShapeReader } from './shape-reader.js';

/**
 * More messages per {@link WINDOW_TIME} than an honest sender can post: it posts one a turn and has
 * credit for a thousand frames.
 */
const MAX_MESSAGES = 20_000;
/** Milliseconds. */
const WINDOW_TIME = 100;
const MAX_NAMES = 4_095;
const MAX_NAME = 512;
/**
 * Most slots kept for a later turn: room for the answers to every call that may be open, each as
 * large as a packed one can be.
 */
const MAX_BACKLOG = 2_097_152;

/** The consumer of an inbox. */
export interface Taker {
  /**
   * A complete frame. A value starts at `value`; a packed one is read with the
   * shapes that the sender has defined.
   *
   * @param received when its message arrived, in milliseconds of the monotonic clock.
   */
  take(
    kind: number,
    sequence: number,
    form: number,
    message: readonly unknown[],
    index: number,
    value: number,
    received: number,
  ): void;
  /** A message that is no list of frames. */
  foreign(message: unknown): void;
  /** The sender broke the protocol. */
  breach(reason: string): void;
  /** This many counted frames have been taken: time to acknowledge them. */
  credit(taken: number): void;
}

/** A message, or the rest of one, kept for a later turn. */
interface HeldMessage {
  readonly message: readonly unknown[];
  readonly from: number;
  /** Counted frames in it. */
  readonly frames: number;
}

/** Taken frames that are acknowledged together. */
const ACKNOWLEDGE = 256;

/** Owns what has arrived but was not taken yet. */
export class Inbox {
  readonly #shapes: ShapeReader;
  readonly #taker: Taker;
  readonly #budget: number;
  readonly #defer: (task: () => void) => void;
  readonly #walked: (() => void) | undefined;
  readonly #names: string[] = [''];
  #backlog: HeldMessage[] = [];
  /** Counted frames in the backlog. */
  #backlogged = 0;
  #backloggedSlots = 0;
  #draining = false;
  /** Whether reading is paused. Messages queue in order, limited by the sender's credit. */
  #held = false;
  /** Messages being walked: a handler may send, and must not overtake the rest. */
  #inHand = 0;
  #taken = 0;
  #credited = 0;
  #windowStart = 0;
  #messages = 0;
  #closed = false;
  /** Messages received so far. */
  received = 0;
  /** When the current message arrived, in milliseconds of the monotonic clock. */
  #messageTime = 0;

  constructor(
    taker: Taker,
    shapes: ShapeReader,
    budget: number,
    defer: (task: () => void) => void,
    walked?: () => void,
  ) {
    this.#taker = taker;
    this.#shapes = shapes;
    this.#budget = budget;
    this.#defer = defer;
    this.#walked = walked;
  }

  /** Whether everything that has arrived was taken. */
  get empty(): boolean {
    return this.#backlog.length === 0 && this.#inHand === 0 && !this.#held;
  }

  /** Whether something waits for a later turn. */
  get waiting(): boolean {
    return this.#backlog.length > 0;
  }

  /** The text of a name; undefined when the sender never defined it. */
  nameOf(number: number): string | undefined {
    return number > 0 ? this.#names[number] : undefined;
  }

  receive(message: unknown): void {
    if (this.#closed) return;
    this.received += 1;
    this.#messageTime = performance.now();
    if (this.#isFlood()) return this.#taker.breach('more messages than can be answered');
    if (!Array.isArray(message)) return this.#taker.foreign(message);
    if (message.length > MAX_SLOTS + MAX_FRAME)
      return this.#taker.breach('a message with too many frames');
    if (this.#backlog.length > 0) this.#keep(message, 0, 'push');
    else this.#run(message, 0, this.#budget);
  }

  /** Pauses reading until {@link release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#backlog.length > 0) this.#drainLater();
  }

  close(): void {
    this.#closed = true;
    this.#backlog = [];
  }

  #isFlood(): boolean {
    this.#messages += 1;
    if (
      this.#messageTime - this.#windowStart >= WINDOW_TIME ||
      this.#messageTime < this.#windowStart
    ) {
      this.#windowStart = this.#messageTime;
      this.#messages = 0;
    }
    return this.#messages > MAX_MESSAGES;
  }

  #run(message: readonly unknown[], from: number, budget: number): number {
    this.#inHand += 1;
    try {
      return this.#walk(message, from, budget);
    } finally {
      this.#inHand -= 1;
      this.#walked?.();
    }
  }

  /** Walks a message. Returns the remaining budget, or -1 when the rest has to wait. */
  #walk(message: readonly unknown[], from: number, budget: number): number {
    let left = budget;
    for (let index = from; index < message.length; ) {
      if (this.#closed) return -1;
      const head = message[index];
      if (typeof head !== 'number' || !Number.isSafeInteger(head) || head < 0)
        return this.#stop('a frame without a head');
      const kind = kindOf(head);
      const form = formOf(head);
      const value = index + (FIXED[kind] as number);
      const end = VALUED[kind] ? this.#valueEnd(form, message, value) : value;
      if (end > message.length)
        return this.#stop('a frame that is cut short, or of no known shape');
      if (COSTLY[kind]) {
        if (left === 0 || this.#held) {
          this.#keep(message, index, 'unshift');
          if (!this.#held) this.#drainLater();
          return -1;
        }
        left -= 1;
      }
      if (kind !== Kind.request && kind !== Kind.note) this.#walked?.();
      if (kind === Kind.shape) this.#defineShape(sequenceOf(head), message[index + 1]);
      else if (kind === Kind.name) this.#defineName(sequenceOf(head), message[index + 1]);
      else this.#taker.take(kind, sequenceOf(head), form, message, index, value, this.#messageTime);
      if (COUNTED[kind]) this.#count(form === Form.text ? Math.min(sequenceOf(head), WINDOW) : 1);
      index = end;
    }
    return left;
  }

  #valueEnd(form: number, message: readonly unknown[], value: number): number {
    return form === Form.packed
      ? value + (this.#shapes.slots(message[value]) ?? Number.POSITIVE_INFINITY)
      : value + 1;
  }

  #defineShape(shape: number, skeleton: unknown): void {
    try {
      this.#shapes.define(shape, skeleton);
    } catch (error) {
      this.#taker.breach((error as Error).message);
    }
  }

  #defineName(number: number, text: unknown): void {
    if (
      number !== this.#names.length ||
      number > MAX_NAMES ||
      typeof text !== 'string' ||
      text.length > MAX_NAME
    )
      this.#taker.breach('a name out of turn or too long');
    else this.#names.push(text);
  }

  #count(frames: number): void {
    this.#taken += frames;
    if (this.#taken - this.#credited < ACKNOWLEDGE) return;
    this.#credited = this.#taken;
    this.#taker.credit(this.#taken);
  }

  /**
   * An honest sender never has more on its way than its credit; only a forger fills the backlog.
   */
  #keep(message: readonly unknown[], from: number, where: 'push' | 'unshift'): void {
    const frames = this.#countedFrames(message, from);
    this.#backlogged += frames;
    this.#backloggedSlots += message.length - from;
    this.#backlog[where]({ message, from, frames });
    if (
      this.#backlogged + this.#taken - this.#credited > WINDOW ||
      this.#backloggedSlots > MAX_BACKLOG
    )
      this.#taker.breach('more requests than credit allows');
  }

  #drainLater(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#defer(() => {
      this.#draining = false;
      let left = this.#budget;
      while (left >= 0 && this.#backlog.length > 0 && !this.#closed && !this.#held) {
        const { message, from, frames } = this.#backlog.shift() as HeldMessage;
        this.#backlogged -= frames;
        this.#backloggedSlots -= message.length - from;
        left = this.#run(message, from, left);
      }
    });
  }

  /** Counted frames from a place in a message on. Malformed ones are found when they are walked. */
  #countedFrames(message: readonly unknown[], from: number): number {
    let frames = 0;
    for (let index = from; index < message.length; ) {
      const head = message[index];
      if (typeof head !== 'number' || !Number.isSafeInteger(head) || head < 0) break;
      const kind = kindOf(head);
      if (COUNTED[kind]) frames += 1;
      const value = index + (FIXED[kind] as number);
      index = VALUED[kind] ? this.#valueEnd(formOf(head), message, value) : value;
    }
    return frames;
  }

  #stop(reason: string): -1 {
    this.#taker.breach(reason);
    return -1;
  }
}

/** Kinds that use the budget of a turn: those that cause work, with or without credit. */
const COSTLY: readonly boolean[] = [
  true,
  false,
  false,
  true,
  false,
  true,
  true,
  false,
  false,
  true,
  true,
  true,
  false,
  true,
  false,
  false,
];
