/** Follows the log of a kernel elsewhere, over connections that break and kernels that start again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LogEntry } from '@plinth/host-node';
import { CliError } from '../terminal/cli-error.js';
import type { AdminClient } from './admin-client.js';
import { eventsIn, NoEvents, type SentEvent, StreamLost } from './event-stream.js';
import { isEntry } from './log-entry.js';

/** What is told of a log. */
export interface LogReader {
  /** The latest entries, for the start. */
  latest(): Promise<readonly LogEntry[]>;
  entry(entry: LogEntry): void;
  /** Says that entries were missed, or that the kernel is asked again. */
  note(text: string): void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** A kernel sends something every 15 seconds. */
const SILENCE = 45_000;
/** Milliseconds between two attempts: the first ones, and at most. */
const [FIRST_WAIT, LONGEST_WAIT] = [250, 5_000];
/** Milliseconds for which a kernel that is gone is asked again. */
const PATIENCE = 60_000;
/** Failures that may pass: a kernel that starts again, or has no room now. */
const PASSING: readonly string[] = [
  'remote/unreachable',
  'remote/timeout',
  'kernel/stopped',
  'http/overloaded',
  'http/rate',
];

/** Owns the place in the log. */
export class LogFollower {
  readonly #admin: AdminClient;
  readonly #reader: LogReader;
  /** Whether the latest entries are still to be told. */
  #fresh = true;
  #cursor: string | undefined;
  #since = Date.now();
  #wait = FIRST_WAIT;

  constructor(admin: AdminClient, reader: LogReader) {
    this.#admin = admin;
    this.#reader = reader;
  }

  /**
   * Resolves when the signal ends it. Each entry is told once, in the order in which they came.
   *
   * @throws CliError `remote/…`, when the kernel refuses, or is gone for a minute.
   */
  async run(): Promise<void> {
    const { signal, note } = this.#reader;
    while (!signal.aborted) {
      try {
        await this.#connection();
      } catch (error) {
        if (!signal.aborted) this.#check(error);
      }
      if (signal.aborted) return;
      if (this.#wait === FIRST_WAIT) note('the connection to the kernel is lost; asking again');
      await delay(this.#wait, undefined, { signal }).catch(() => {});
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    }
  }

  /** Tells what one connection brings. */
  async #connection(): Promise<void> {
    const { signal } = this.#reader;
    const body = await this.#admin.events({ topic: 'log', cursor: this.#cursor }, signal);
    const known = new Set<string>();
    for await (const event of eventsIn(body, SILENCE)) {
      if (signal.aborted) return;
      this.#cursor = event.id ?? this.#cursor;
      this.#since = Date.now();
      this.#wait = FIRST_WAIT;
      if (event.event === 'log' && known.delete(event.data)) continue;
      this.#tell(event);
      if (!this.#fresh) continue;
      // The first event says that entries are sent from now on. Those before it are read then, so
      // that none is between them. One that is in both is known.
      for (const entry of await this.#reader.latest()) {
        known.add(JSON.stringify(entry));
        this.#reader.entry(entry);
      }
      this.#fresh = false;
    }
  }

  #tell({ event, data }: SentEvent): void {
    if (event === 'gap') this.#reader.note('some entries were missed meanwhile');
    if (event !== 'log') return;
    const entry = jsonIn(data);
    if (!isEntry(entry)) throw new NoEvents('an event is no entry of a log');
    this.#reader.entry(entry);
  }

  /** @throws CliError for a failure that does not pass. */
  #check(error: unknown): void {
    const lost = error instanceof StreamLost;
    const passes = lost || (error instanceof CliError && PASSING.includes(error.code));
    // What fails before anything came is told, as it is without `--follow`.
    if (passes && this.#cursor !== undefined && Date.now() - this.#since <= PATIENCE) return;
    if (lost)
      throw new CliError('remote/unreachable', `the log of the kernel ended: ${error.message}`, {
        cause: error,
        cure: 'Check that the kernel runs, and that nothing on the way ends long answers.',
      });
    if (error instanceof NoEvents)
      throw new CliError('remote/unexpected', `what comes is no log: ${error.message}`, {
        cause: error,
        cure: 'Check that --url names a kernel with @plinth/http, of the version of this plinth.',
      });
    throw error;
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
