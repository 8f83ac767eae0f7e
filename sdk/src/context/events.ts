/** `ctx.events`. */
import type { EventOrigin } from '../contract/call-context.js';
import type { Event, EventQueue } from '../contract/contract.js';
import type { EventArguments, EventOutput } from '../contract/contract-types.js';
import type { Registered } from './registered.js';

/** Events: facts, delivered to any number of listeners in order of emission. */
export interface PluginEvents {
  /**
   * Listens to an event of a contract, or to every topic that a pattern covers.
   *
   * @param queue what happens when this listener is too slow. Defaults to the event's contract.
   */
  on<E extends Event>(
    event: E,
    listener: (payload: EventOutput<E>, info: EventInfo) => unknown,
    queue?: EventQueue,
  ): Registered;
  on(pattern: string, listener: (event: EventEnvelope) => unknown, queue?: EventQueue): Registered;
  once<E extends Event>(
    event: E,
    listener: (payload: EventOutput<E>, info: EventInfo) => unknown,
    queue?: EventQueue,
  ): Registered;
  once(
    pattern: string,
    listener: (event: EventEnvelope) => unknown,
    queue?: EventQueue,
  ): Registered;
  /**
   * Resolves when the kernel has accepted the event and every listener with `block` has room. A
   * bare topic emits `<plugin id>:<topic>`.
   */
  emit<E extends Event | string>(event: E, ...payload: EventArguments<E>): Promise<void>;
}

/**
 * What a listener on a pattern receives. It includes facts of the call that caused the event, if
 * any.
 */
export interface EventEnvelope extends Partial<EventOrigin> {
  readonly topic: string;
  readonly payload: unknown;
  /** Id of the plugin that emitted it, or `host`, or `kernel`. */
  readonly source: string;
  readonly tenant: string;
}

/** The second argument of a listener on a contract's event. */
export type EventInfo = Omit<EventEnvelope, 'payload'>;
