/** The one timer of a tenant's jobs: it runs what is due, and sleeps until the next thing is. */
import type { JobsPort } from './port.js';

/** Something with due times. */
export interface Beating {
  /** The next time that {@link tick} is of use. Undefined: not before something changes. */
  nextDue(): number | undefined;
  /** Begins what is due. */
  tick(now: number): void;
}

/** The longest sleep, in milliseconds: the clock of the machine may be set meanwhile. */
const SLEEP = 60_000;

/** Owns the timer. */
export class Pulse {
  readonly #port: Pick<JobsPort, 'after'>;
  readonly #parts: Beating[] = [];
  #timer: { dispose(): void } | undefined;
  #asked = false;
  #running = false;

  constructor(port: Pick<JobsPort, 'after'>) {
    this.#port = port;
  }

  add(part: Beating): void {
    this.#parts.push(part);
  }

  start(): void {
    this.#running = true;
    this.wake();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.dispose();
    this.#timer = undefined;
  }

  /** Something has changed. What is due is begun in a turn of its own, once for many changes. */
  wake(): void {
    if (this.#asked || !this.#running) return;
    this.#asked = true;
    queueMicrotask(() => {
      this.#asked = false;
      this.#beat();
    });
  }

  #beat(): void {
    if (!this.#running) return;
    this.#timer?.dispose();
    this.#timer = undefined;
    const now = Date.now();
    for (const part of this.#parts) part.tick(now);
    const due = this.#parts.flatMap((part) => part.nextDue() ?? []);
    if (due.length === 0) return;
    const wait = Math.min(Math.max(1, Math.min(...due) - Date.now()), SLEEP);
    this.#timer = this.#port.after(wait, () => this.#beat());
  }
}
