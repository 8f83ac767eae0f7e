/**
 * What waits for a plugin: calls, hooks, steps of middleware and events, in the order of their
 * arrival. A mailbox belongs to the plugin, so what waits outlives its guests. It is open while
 * nothing holds it, and messages then pass it by.
 */
import { MAX_WAITING } from '../calls/most-waiting.js';

/** Why a plugin takes no messages for now. */
export type Hold = 'start' | 'swap' | 'pause' | 'sleep' | 'restart';

/** Wakes a plugin. Never rejects, but answers why it could not wake it. */
export type Wake = (activation: string) => Promise<Error | undefined>;

/** What is done with messages that find the mailbox held. */
export interface Door {
  /** Called for each message, with its activation event, also for those that wait already. */
  readonly onArrival?: Wake | undefined;
  /** Makes the error that calls get instead of waiting. Undefined lets a call wait. */
  readonly refuse?: () => Error | undefined;
}

/** A message that waits, for what takes it in the end. */
export interface Message<R> {
  readonly kind: 'command' | 'hook' | 'middleware' | 'event';
  readonly name: string;
  /** Whether its sender has given up. */
  readonly over: boolean;
  /** What it is about. A message about the same does not wait twice. */
  readonly about?: object;
  deliver(to: R): void;
  fail(error: Error): void;
}

/** Stays empty. */
const NO_HOLDS = new Map<Hold, Door>();

/** Owns the messages that wait for one plugin. `R` is what receives them. */
export class Mailbox<R> {
  /** Whether messages pass it by. */
  open = true;
  /** What takes the messages once the mailbox is open: the registrations of the current guest. */
  receiver: R | undefined;
  // A plugin that sleeps has neither, and there may be thousands of it.
  #holds: Map<Hold, Door> = NO_HOLDS;
  #waiting: Message<R>[] = [];
  #about: Set<object> | undefined = undefined;
  #flushing = false;

  /** Why it is shut; empty while it is open. */
  get holds(): readonly Hold[] {
    return [...this.#holds.keys()];
  }

  /** Messages that wait, but for those whose senders have given up. */
  get size(): number {
    return this.#waiting.filter(({ over }) => !over).length;
  }

  /**
   * Makes messages wait from now on.
   *
   * @returns what restores this hold as it was before.
   */
  hold(reason: Hold, door: Door = {}): () => void {
    const before = this.#holds.get(reason);
    if (this.#holds === NO_HOLDS) this.#holds = new Map();
    this.#holds.set(reason, door);
    this.open = false;
    this.reconsider();
    this.#tell();
    return () => {
      if (before === undefined) this.release(reason);
      else this.hold(reason, before);
    };
  }

  /** Ends holds. What has waited is delivered in its order once nothing holds the mailbox. */
  release(...reasons: readonly Hold[]): void {
    let released = false;
    for (const reason of reasons) released = this.#holds.delete(reason) || released;
    if (!released) return;
    if (this.#holds.size === 0) this.#flush();
    else this.#tell();
  }

  /** Keeps a message, or refuses it. Answers false when too many wait. */
  accept(message: Message<R>): boolean {
    if (message.about !== undefined && this.#about?.has(message.about)) return true;
    if (this.#refused(message)) return true;
    // Messages whose senders have given up must not take the place of others.
    if (this.#waiting.length >= MAX_WAITING)
      this.#waiting = this.#waiting.filter(({ over }) => !over);
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(message);
    if (message.about !== undefined) {
      this.#about ??= new Set();
      this.#about.add(message.about);
    }
    void this.wake(`${message.kind}:${message.name}`);
    return true;
  }

  /** Wakes the plugin, where nothing but its sleep or its start is in the way. */
  wake(activation: string): Promise<Error | undefined> | undefined {
    const doors = [...this.#holds.values()];
    if (doors.some(({ onArrival }) => onArrival === undefined)) return undefined;
    return doors[0]?.onArrival?.(activation);
  }

  /** Rejects the calls that must not wait any more. */
  reconsider(): void {
    this.#waiting = this.#waiting.filter((message) => !this.#refused(message));
  }

  /** Rejects the calls that wait. Events wait on. */
  fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ kind }) => kind === 'event');
    for (const message of waiting) if (message.kind !== 'event') message.fail(error);
  }

  /** Rejects the calls that wait, drops the events, and forgets every hold. Answers how many events. */
  close(error: Error): number {
    this.fail(error);
    const dropped = this.#waiting.length;
    this.#waiting = [];
    this.#about = undefined;
    this.#holds.clear();
    this.receiver = undefined;
    this.open = true;
    return dropped;
  }

  #tell(): void {
    for (const { kind, name } of [...this.#waiting]) void this.wake(`${kind}:${name}`);
  }

  /** Calls that arrive meanwhile come after those that wait, also where a guest answers at once. */
  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    const { receiver } = this;
    while (this.#holds.size === 0 && this.#waiting.length > 0 && receiver !== undefined) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#about = undefined;
      for (const [at, message] of waiting.entries()) {
        if (this.#holds.size > 0) {
          this.#waiting = [...waiting.slice(at), ...this.#waiting];
          break;
        }
        if (!message.over) message.deliver(receiver);
      }
    }
    this.#flushing = false;
    this.open = this.#holds.size === 0;
  }

  /** Rejects a call that must not wait. A dead guard is waited for, until the call's deadline. */
  #refused(message: Message<R>): boolean {
    if (message.kind === 'middleware' || message.kind === 'event') return false;
    for (const { refuse } of this.#holds.values()) {
      const error = refuse?.();
      if (error === undefined) continue;
      message.fail(error);
      return true;
    }
    return false;
  }
}
