/** The connections of all plugins, of which there is a bounded number. */
import { WorkError } from '../backend/backend.js';
import type { Connection } from './pg-client.js';

/** Milliseconds that a connection stays open without use, and connections of a role that do. */
const IDLE = 10_000;
const KEPT = 2;

/** A connection that waits for its next use. */
interface Idle {
  readonly role: string;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Owns the connections that are idle, and counts all. */
export class Pool {
  readonly #most: number;
  /** The one that was used last comes last. */
  readonly #idle = new Map<Connection, Idle>();
  /** Those that end: the server has them until they have ended, so that they count. */
  readonly #closing = new Set<Promise<void>>();
  readonly #waiting = new Set<() => void>();
  #used = 0;
  #closed = false;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * A connection of a role. The caller owns it until {@link give}.
   *
   * @throws WorkError `unavailable` when none is free in time; what `open` throws.
   */
  async take(
    role: string,
    open: () => Promise<Connection>,
    milliseconds: number,
  ): Promise<Connection> {
    const until = performance.now() + milliseconds;
    for (;;) {
      if (this.#closed) throw new WorkError('stopped', 'the kernel has stopped');
      const idle = this.#idleOf(role);
      if (idle !== undefined) return idle;
      if (this.#used + this.#idle.size + this.#closing.size < this.#most) break;
      // One ends for each that waits, this one included.
      if (this.#closing.size <= this.#waiting.size) this.#closeOldest();
      await this.#change(until - performance.now());
    }
    this.#used += 1;
    try {
      return await open();
    } catch (error) {
      this.#used -= 1;
      this.#tell();
      throw error;
    }
  }

  /** Takes a connection back. One that is lost is forgotten. */
  give(role: string, connection: Connection): void {
    this.#used -= 1;
    const own = [...this.#idle.values()].filter((idle) => idle.role === role).length;
    if (connection.lost) {
      // Nothing to close.
    } else if (own >= KEPT || this.#closed) this.#end(connection);
    else {
      const timer = setTimeout(() => this.#close(connection), IDLE);
      timer.unref();
      this.#idle.set(connection, { role, timer });
    }
    this.#tell();
  }

  /** Closes what is idle of a role, or of all. */
  async close(role?: string): Promise<void> {
    if (role === undefined) this.#closed = true;
    for (const [connection, idle] of [...this.#idle])
      if (role === undefined || idle.role === role) this.#close(connection);
    this.#tell();
    await Promise.all(this.#closing);
  }

  #idleOf(role: string): Connection | undefined {
    for (const [connection, idle] of this.#idle) {
      if (idle.role !== role) continue;
      clearTimeout(idle.timer);
      this.#idle.delete(connection);
      if (connection.lost) continue;
      this.#used += 1;
      return connection;
    }
    return undefined;
  }

  #closeOldest(): void {
    const [oldest] = this.#idle.keys();
    if (oldest !== undefined) this.#close(oldest);
  }

  #close(connection: Connection): void {
    clearTimeout(this.#idle.get(connection)?.timer);
    this.#idle.delete(connection);
    this.#end(connection);
  }

  #end(connection: Connection): void {
    const ended = connection.close().finally(() => {
      this.#closing.delete(ended);
      this.#tell();
    });
    this.#closing.add(ended);
  }

  async #change(milliseconds: number): Promise<void> {
    if (milliseconds <= 0)
      throw new WorkError(
        'unavailable',
        `all ${this.#most} connections are in use ('postgres.connections')`,
      );
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }

  #tell(): void {
    for (const resolve of [...this.#waiting]) resolve();
  }
}
