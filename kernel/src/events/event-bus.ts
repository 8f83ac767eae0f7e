/**
 * The event bus, built on mitt. Exact topics and patterns are both keys of one mitt emitter. The
 * patterns that a topic matches are looked up once and remembered. A listener that throws does not
 * affect other listeners or the emitter.
 */
import type { EventEnvelope } from '@plinth/sdk';
import { covers, createError, disposable, isPattern, isTopic } from '@plinth/sdk/contract';
import { SharedValue } from '@plinth/sdk/rpc';
import mittModule, { type Emitter } from 'mitt';
import { checkKernelTopic } from './kernel-topics.js';

/** An event during delivery. */
export class Emission {
  readonly event: EventEnvelope;
  /** The payload, encoded once for all guests that receive it. */
  readonly shared: SharedValue;
  #room: Promise<void>[] | undefined;

  constructor(event: EventEnvelope) {
    this.event = event;
    this.shared = new SharedValue(event.payload);
  }

  /** Called when a listener's queue is full and its policy makes emitters wait. */
  waitFor(room: Promise<void>): void {
    this.#room ??= [];
    this.#room.push(room);
  }

  /** Settles when every listener has room. Undefined when none is full. */
  get room(): Promise<unknown> | undefined {
    if (this.#room === undefined) return undefined;
    const room = Promise.all(this.#room);
    // Not every emitter waits for room.
    room.catch(() => {});
    return room;
  }
}

/** A listener as the bus calls it. */
export type BusListener = (emission: Emission) => void;

// mitt ships its types as CommonJS. Under NodeNext its default export is typed one level too deep.
const mitt = mittModule as unknown as <T extends Record<string, unknown>>() => Emitter<T>;

// mitt calls listeners of '*' for everything, with a different signature. Here, patterns are
// ordinary keys.
const keyOf = (pattern: string) => (pattern.endsWith('*') ? `~${pattern}` : pattern);

/**
 * Delivered only to listeners that name this topic. Listeners of `*` don't get it, because they may
 * log.
 */
const LOG = 'log:written';

const MAX_REMEMBERED_TOPICS = 4_096;

/**
 * Delivers envelopes, in the order of emission, to every listener whose topic or pattern matches.
 */
export class EventBus {
  readonly #emitter = mitt<Record<string, Emission>>();
  readonly #patterns = new Map<string, number>();
  readonly #keys = new Map<string, readonly string[]>();
  readonly #onError: (error: unknown, topic: string) => void;
  #revision = 0;

  /**
   * Changes whenever a listener is added or removed. Results of {@link hears} are valid until then.
   */
  get revision(): number {
    return this.#revision;
  }

  constructor(onError: (error: unknown, topic: string) => void) {
    this.#onError = onError;
  }

  /** @throws PluginValidationError `event/invalid` when the pattern is malformed. */
  on(pattern: string, listener: BusListener): Disposable & { dispose(): void } {
    if (!isPattern(pattern))
      throw createError(
        'event/invalid',
        `'${pattern.slice(0, 80)}' is not a topic or a prefix that ends in '*'`,
      );
    checkKernelTopic(pattern);
    const guarded = (emission: Emission) => {
      try {
        listener(emission);
      } catch (error) {
        this.#onError(error, emission.event.topic);
      }
    };
    this.#revision += 1;
    if (pattern.endsWith('*')) this.#countPattern(pattern, 1);
    const key = keyOf(pattern);
    this.#emitter.on(key, guarded);
    return disposable(() => {
      this.#revision += 1;
      this.#emitter.off(key, guarded);
      if (pattern.endsWith('*')) this.#countPattern(pattern, -1);
    });
  }

  /** Whether any listener receives a topic. Callers use it to skip making an event. */
  hears(topic: string): boolean {
    if (this.#emitter.all.size === 0) return false;
    for (const key of this.#keysOf(topic))
      if ((this.#emitter.all.get(key)?.length ?? 0) > 0) return true;
    return false;
  }

  /**
   * Delivers an event. A returned promise means that a listener is full and the emitter should
   * wait.
   *
   * @throws PluginValidationError `event/invalid` when the topic is malformed.
   */
  emit(event: EventEnvelope): Promise<unknown> | undefined {
    const emission = new Emission(event);
    for (const key of this.#keysOf(event.topic)) this.#emitter.emit(key, emission);
    return emission.room;
  }

  close(): void {
    this.#emitter.all.clear();
    this.#patterns.clear();
    this.#keys.clear();
  }

  #keysOf(topic: string): readonly string[] {
    let keys = this.#keys.get(topic);
    if (keys === undefined) {
      if (!isTopic(topic))
        throw createError(
          'event/invalid',
          `'${topic.slice(0, 80)}' is not a topic: write '<owner>:<name>', like 'user:created'`,
        );
      keys = [
        topic,
        ...[...this.#patterns.keys()]
          .filter((pattern) => covers(pattern, topic) && !(pattern === '*' && topic === LOG))
          .map(keyOf),
      ];
      // Topics come from plugins. The bound keeps a hostile plugin from growing the table.
      if (this.#keys.size >= MAX_REMEMBERED_TOPICS) this.#keys.clear();
      this.#keys.set(topic, keys);
    }
    return keys;
  }

  #countPattern(pattern: string, by: 1 | -1): void {
    const count = (this.#patterns.get(pattern) ?? 0) + by;
    if (count === 0) this.#patterns.delete(pattern);
    else this.#patterns.set(pattern, count);
    this.#keys.clear();
  }
}
