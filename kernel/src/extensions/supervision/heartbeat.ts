/**
 * Detects guests that hang. Messages of a guest prove that it works. A silent guest is sent a
 * request that its link answers before any plugin code runs. Only silence that this thread was free
 * to hear counts against a guest. Silence proves nothing about one guest when the host's own loop
 * was blocked, or when no guest answers.
 */
import { type Alarm, alarm, FENCE } from '@plinth/sdk/contract';
import type { Link, Reply } from '@plinth/sdk/rpc';

/** A guest as the heartbeat sees it. */
export interface Watched {
  readonly link: Link;
  /** Called once when the guest counts as hung. `silent` is in milliseconds. */
  onHung(silent: number): void;
}

interface Beat {
  readonly watched: Watched;
  /** Messages of its link at the last look. */
  seen: number;
  /** Milliseconds of silence that count against it. */
  silent: number;
  asked: boolean;
}

/** When no guest answers, the time-out is this many times longer. */
const PATIENCE = 3;

/** Owns one timer, which runs only while a guest is watched. */
export class Heartbeat {
  readonly #interval: number;
  readonly #timeout: number;
  readonly #beats = new Set<Beat>();
  #timer: Alarm | undefined;
  #expected = 0;

  readonly #debugged: () => boolean;

  /**
   * Both times are in milliseconds.
   *
   * @param debugged whether a debugger may hold guests at a breakpoint. Their silence then means
   * nothing.
   */
  constructor(interval: number, timeout: number, debugged: () => boolean = () => false) {
    this.#interval = interval;
    this.#timeout = timeout;
    this.#debugged = debugged;
  }

  /** Watches a guest. Returns a function that stops watching. */
  watch(watched: Watched): () => void {
    if (this.#timeout === Number.POSITIVE_INFINITY) return () => {};
    const beat: Beat = { watched, seen: watched.link.received, silent: 0, asked: false };
    this.#beats.add(beat);
    if (this.#timer === undefined) this.#arm();
    return () => {
      this.#beats.delete(beat);
      if (this.#beats.size === 0) this.close();
    };
  }

  close(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    this.#beats.clear();
  }

  #arm(): void {
    this.#expected = performance.now() + this.#interval;
    this.#timer = alarm(() => this.#look(), this.#interval);
  }

  #look(): void {
    // Messages that arrived meanwhile are handled only after this tick.
    const blocked = performance.now() - this.#expected > this.#interval / 2;
    const silent: Beat[] = [];
    for (const beat of this.#beats) {
      const { received, untaken, waiting } = beat.watched.link;
      // A guest whose messages wait here can't be asked: the credit for a question is among the
      // waiting messages.
      if (received !== beat.seen || (untaken && waiting > 0)) {
        beat.seen = received;
        beat.silent = 0;
        // A question that a full link refused was never sent. The next silence needs its own
        // question.
        beat.asked = false;
      } else silent.push(beat);
    }
    const allSilent = this.#beats.size > 1 && silent.length === this.#beats.size;
    this.#arm();
    if (blocked) return;
    if (silent.length > 0 && this.#debugged()) for (const beat of silent) beat.silent = 0;
    else for (const beat of silent) this.#doubt(beat, allSilent);
  }

  #doubt(beat: Beat, allSilent: boolean): void {
    if (!beat.asked) {
      this.#ask(beat);
      return;
    }
    beat.silent += this.#interval;
    if (beat.silent < this.#timeout * (allSilent ? PATIENCE : 1)) return;
    this.#beats.delete(beat);
    beat.watched.onHung(beat.silent);
  }

  #ask(beat: Beat): void {
    const reply: Reply = {
      sequence: 0,
      settle() {
        beat.asked = false;
      },
    };
    beat.asked = true;
    try {
      beat.watched.link.request(FENCE, undefined, 0, reply);
    } catch {
      // The link is full. The frames that wait there already act as a question.
    }
  }
}
