/** Which requests of a plugin may use its database now, and how many. */
import { createError } from '@plinth/sdk/contract';
import type { Changes } from './changes.js';
import type { Limits } from './options.js';

/** Milliseconds in which ends by time are counted, and the longest rest after one. */
const MEMORY = 60_000;
const REST = 60_000;
/** How often the bytes of one statement may wait. */
const INPUTS = 4;

/** Owns the number of requests, and the rest of a plugin whose statements have to be ended. */
export class Admission {
  /** The version that has the database for itself. */
  #holder: string | undefined;
  readonly #plugin: string;
  readonly #limits: Limits;
  readonly #changes: Changes;
  /** Requests that wait for their turn or are in progress, and those in progress. */
  #present = 0;
  #active = 0;
  #bytes = 0;
  #ends: number[] = [];
  #restUntil = 0;

  constructor(
    { plugin, limits }: { readonly plugin: string; readonly limits: Limits },
    changes: Changes,
  ) {
    this.#plugin = plugin;
    this.#limits = limits;
    this.#changes = changes;
  }

  /** Requests in progress. */
  get active(): number {
    return this.#active;
  }

  /**
   * Gives the database to one version until {@link release}, once those before it are done.
   *
   * @throws PluginOverloadedError `sql/locked` when they take too long.
   */
  async hold(version: string): Promise<void> {
    const until = performance.now() + this.#limits.migration;
    while (this.#holder !== undefined) await this.#released(this.#holder, until);
    this.#holder = version;
  }

  release(): void {
    this.#holder = undefined;
    this.#changes.tell();
  }

  /**
   * Does the work of a request when its version may.
   *
   * @throws PluginTimeoutError `sql/timeout` while the plugin rests, PluginOverloadedError
   * `call/overloaded`, `sql/locked`.
   */
  async enter<T>(version: string, bytes: number, work: () => Promise<T>): Promise<T> {
    this.#check(bytes);
    this.#present += 1;
    this.#bytes += bytes;
    try {
      await this.#mayGoOn(version);
      this.#active += 1;
      try {
        return await work();
      } finally {
        this.#active -= 1;
        this.#changes.tell();
      }
    } finally {
      this.#present -= 1;
      this.#bytes -= bytes;
    }
  }

  /** A statement had to be ended. After the second, the plugin mustn't keep others waiting. */
  tire(): void {
    const now = performance.now();
    this.#ends = [...this.#ends.filter((at) => now - at < MEMORY), now];
    const times = this.#ends.length;
    if (times > 1) this.#restUntil = now + Math.min(REST, this.#limits.time * 2 ** (times - 1));
  }

  #check(bytes: number): void {
    const { waiting, input } = this.#limits;
    const whose = `the database of ${this.#plugin}`;
    const rest = this.#restUntil - performance.now();
    if (rest > 0)
      throw createError(
        'sql/timeout',
        `${whose}: ${this.#ends.length} statements had to be ended, and it rests for ${Math.ceil(rest)} ms`,
        { plugin: this.#plugin, retryable: true },
      );
    if (this.#present >= waiting)
      throw createError(
        'call/overloaded',
        `${whose}: ${waiting} statements wait ('limits.waiting')`,
        { plugin: this.#plugin },
      );
    if (this.#bytes + bytes > input * INPUTS)
      throw createError(
        'call/overloaded',
        `${whose}: statements with ${this.#bytes} bytes wait, ${INPUTS} times 'limits.input' at most`,
        { plugin: this.#plugin },
      );
  }

  async #mayGoOn(version: string): Promise<void> {
    const until = performance.now() + this.#limits.open;
    while (this.#holder !== undefined && this.#holder !== version)
      await this.#released(this.#holder, until);
  }

  /** @throws PluginOverloadedError `sql/locked` when the time is over. */
  async #released(holder: string, until: number): Promise<void> {
    const left = until - performance.now();
    if (left <= 0)
      throw createError(
        'sql/locked',
        `the database of ${this.#plugin} is held by ${holder}, which is being started or restored`,
        { plugin: this.#plugin },
      );
    await this.#changes.next(left);
  }
}
