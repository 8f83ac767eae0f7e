/**
 * The event bus: mitt behind one door. Exact topics and patterns are both keys of one mitt emitter; which patterns a
 * topic matches is looked up once and remembered. A listener that throws harms nobody.
 */
import { covers, createError, disposable, isPattern, isTopic } from '@plinth/sdk/contract';
import type { EventEnvelope } from '@plinth/sdk';
import { SharedValue } from '@plinth/sdk/rpc';
import mittModule, { type Emitter } from 'mitt';

/** An event on its way. */
export class Emission {
  readonly event: EventEnvelope;
  /** Its payload, encoded once for all guests that get it. */
  readonly shared: SharedValue;
  #room: Promise<void>[] | undefined;

  constructor(event: EventEnvelope) {
    this.event = event;
    this.shared = new SharedValue(event.payload);
  }

  /** A listener is full, and its policy is that emitters wait. */
  waitFor(room: Promise<void>): void {
    this.#room ??= [];
    this.#room.push(room);
  }

  /** Settles when every listener has room; undefined when none is full. */
  get room(): Promise<unknown> | undefined {
    if (this.#room === undefined) return undefined;
    const room = Promise.all(this.#room);
    // Not every emitter waits.
    room.catch(() => {});
    return room;
  }
}

/** A listener as the bus calls it. */
export type BusListener = (emission: Emission) => void;

// mitt ships its types as CommonJS: under NodeNext its default export is typed one level too deep.
const mitt = mittModule as unknown as <T extends Record<string, unknown>>() => Emitter<T>;

// mitt calls listeners of '*' for everything, by a signature of their own; our patterns are keys like any other.
const keyOf = (pattern: string) => (pattern.endsWith('*') ? `~${pattern}` : pattern);

const MAX_REMEMBERED_TOPICS = 4_096;

/** Delivers envelopes, in the order of their emission, to every listener whose topic or pattern fits. */
export class EventBus {
  readonly #emitter = mitt<Record<string, Emission>>();
  readonly #patterns = new Map<string, number>();
  readonly #keys = new Map<string, readonly string[]>();
  readonly #onError: (error: unknown, topic: string) => void;
  #revision = 0;

  /** Changes whenever a listener comes or goes: what {@link hears} has answered holds until then. */
  get revision(): number {
    return this.#revision;
  }

  constructor(onError: (error: unknown, topic: string) => void) {
    this.#onError = onError;
  }

  /** @throws PluginValidationError `event/invalid` when the pattern is malformed. */
  on(pattern: string, listener: BusListener): Disposable & { dispose(): void } {
    if (!isPattern(pattern)) throw createError('event/invalid', `'${pattern.slice(0, 80)}' is not a topic or a prefix that ends in '*'`);
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

  /** Whether anybody would hear a topic: lets callers skip making an event. */
  hears(topic: string): boolean {
    if (this.#emitter.all.size === 0) return false;
    for (const key of this.#keysOf(topic)) if ((this.#emitter.all.get(key)?.length ?? 0) > 0) return true;
    return false;
  }

  /**
   * Delivers an event. A promise says that a listener is full and the emitter should wait for it.
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
      if (!isTopic(topic)) throw createError('event/invalid', `'${topic.slice(0, 80)}' is not a topic: write '<owner>:<name>', like 'user:created'`);
      keys = [topic, ...[...this.#patterns.keys()].filter((pattern) => covers(pattern, topic)).map(keyOf)];
      // Topics come from plugins: a bound keeps a hostile one from growing the table.
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
