/**
 * Is anybody there? Messages of a guest prove life; one that sends nothing is asked, by a request that its link answers
 * before any plugin code runs. A guest is blamed only for silence that this thread was free to hear: when the host's own
 * loop was blocked, or nobody at all answers, that says nothing about one guest.
 */
import { FENCE } from '@plinth/sdk/contract';
import type { Link, Reply } from '@plinth/sdk/rpc';

/** A guest as the heartbeat sees it. */
export interface Watched {
  readonly link: Link;
  /** Called once when it counts as hung; `silent` is in milliseconds. */
  onHung(silent: number): void;
}

interface Beat {
  readonly watched: Watched;
  /** Messages of its link when it was last looked at. */
  seen: number;
  /** Milliseconds of silence that count. */
  silent: number;
  asked: boolean;
}

/** When nobody answers, patience is this many times longer. */
const PATIENCE = 3;

/** Owns one timer, which runs only while there is somebody to watch. */
export class Heartbeat {
  readonly #interval: number;
  readonly #timeout: number;
  readonly #beats = new Set<Beat>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expected = 0;

  /** Both in milliseconds. */
  constructor(interval: number, timeout: number) {
    this.#interval = interval;
    this.#timeout = timeout;
  }

  /** Watches a guest; the answer ends that. */
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
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#beats.clear();
  }

  #arm(): void {
    this.#expected = performance.now() + this.#interval;
    this.#timer = setTimeout(() => this.#look(), this.#interval);
  }

  #look(): void {
    // What the guests have sent meanwhile is taken only after this.
    const blocked = performance.now() - this.#expected > this.#interval / 2;
    const silent: Beat[] = [];
    for (const beat of this.#beats) {
      const { received, untaken, waiting } = beat.watched.link;
      // Who is kept waiting here can't be asked either: the credit for a question is among what wasn't taken.
      if (received !== beat.seen || (untaken && waiting > 0)) {
        beat.seen = received;
        beat.silent = 0;
        // A question that a full link refused was never sent: the next silence needs one of its own.
        beat.asked = false;
      } else silent.push(beat);
    }
    const nobody = this.#beats.size > 1 && silent.length === this.#beats.size;
    this.#arm();
    if (blocked) return;
    for (const beat of silent) this.#doubt(beat, nobody);
  }

  #doubt(beat: Beat, nobody: boolean): void {
    if (!beat.asked) {
      this.#ask(beat);
      return;
    }
    beat.silent += this.#interval;
    if (beat.silent < this.#timeout * (nobody ? PATIENCE : 1)) return;
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
      // A full link: what waits there is question enough.
    }
  }
}
