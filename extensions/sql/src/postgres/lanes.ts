/** Does work on connections in one order each, and ends what takes too long. */
import { type Terms, WorkError } from '../backend/backend.js';
import { failureOf, isLost } from './failure.js';
import { inTime, PATIENCE } from './in-time.js';
import type { Owner } from './owner.js';
import type { Connection } from './pg-client.js';

/** Milliseconds that a cancelled statement has to end. A plugin can catch a cancel. */
const GRACE = 1_000;
/** The longest time of a timer, and of the server's own clocks. */
export const MOST_TIME = 2 ** 31 - 1;

const WHY = {
  timeout: 'it took too long',
  aborted: 'it was given up',
  stopped: 'the kernel has stopped',
} as const;

/** Work that has one order. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Owns the work in progress on the connections of one role. */
export class Clock {
  readonly #owner: Owner;
  readonly #role: string;
  readonly #running = new Set<(why: keyof typeof WHY) => Promise<void>>();

  constructor(owner: Owner, role: string) {
    this.#owner = owner;
    this.#role = role;
  }

  /**
   * Does work on a connection for a bounded time. It is over when this is.
   *
   * @throws WorkError.
   */
  async within<T>(
    { time, signal }: Terms,
    connection: Connection,
    work: () => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) throw new WorkError('aborted', WHY.aborted);
    let why: keyof typeof WHY | undefined;
    let ending: Promise<void> | undefined;
    const over = Promise.withResolvers<void>();
    const stop = (reason: keyof typeof WHY): Promise<void> => {
      why ??= reason;
      ending ??= this.#end(connection, over.promise);
      return ending;
    };
    const timer = setTimeout(() => void stop('timeout'), Math.min(time, MOST_TIME));
    const aborted = () => void stop('aborted');
    signal?.addEventListener('abort', aborted);
    this.#running.add(stop);
    try {
      return await work();
    } catch (error) {
      if (isLost(error)) connection.destroy();
      if (why !== undefined) throw new WorkError(why, WHY[why], { cause: error });
      throw error instanceof WorkError ? error : failureOf(error);
    } finally {
      over.resolve();
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      this.#running.delete(stop);
      // A cancel that comes late must not hit what is next.
      await ending;
    }
  }

  /** Ends all work in progress. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((stop) => stop('stopped')));
  }

  async #end(connection: Connection, over: Promise<void>): Promise<void> {
    const end = (how: 'cancel' | 'terminate') =>
      this.#owner.end(how, connection.pid, this.#role).catch(() => {});
    const cancelled = await inTime(end('cancel'), PATIENCE);
    if (cancelled && (await inTime(over, GRACE))) return;
    if (cancelled) await inTime(end('terminate'), PATIENCE);
    // Nothing comes over it. A cancel that is still on its way must not hit what is next, either.
    else this.#owner.cut();
    connection.destroy();
  }
}
