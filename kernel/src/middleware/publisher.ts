/** Emitting: runs the middleware around an event, then the bus. */
import {
  type Caller,
  createError,
  type EventOrigin,
  isTopic,
  ownerOf,
  RESERVED_SEGMENTS,
} from '@plinth/sdk/contract';
import { copyValue, unreadable, unsendable, type ValueBounds } from '@plinth/sdk/rpc';
import { Call, isCall } from '../calls/call.js';
import type { CallServices, KernelCall } from '../calls/kernel-call.js';
import { HOST } from '../calls/kernel-call.js';
import type { EventBus } from '../events/event-bus.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { MiddlewareChains } from './chains.js';

/** What publishing needs. */
export interface PublisherParts {
  readonly bus: EventBus;
  readonly chains: MiddlewareChains;
  readonly metrics: Metrics;
  readonly calls: CallServices;
  readonly tenant: string;
  /** First segments of topics that belong to extensions. */
  readonly reserved: ReadonlySet<string>;
}

/**
 * Emits an event for a caller, through the middleware around it. Resolves when it is accepted: it
 * does not wait for listeners to finish.
 *
 * @param cause the call that the emitter was answering, or the event that it has received.
 */
export type Publish = (
  source: Caller,
  topic: string,
  payload: unknown,
  cause?: KernelCall | EventOrigin,
) => Promise<void>;

/** Makes the function through which all events of plugins and of the host go. */
export function createPublisher({
  bus,
  chains,
  metrics,
  calls,
  tenant,
  reserved,
}: PublisherParts): Publish {
  return async (source, topic, payload, cause) => {
    if (!isTopic(topic))
      throw createError(
        'event/invalid',
        `'${topic.slice(0, 80)}' is not a topic: write '<owner>:<name>'`,
      );
    if (RESERVED_SEGMENTS.has(ownerOf(topic)) || reserved.has(ownerOf(topic)))
      throw createError(
        'permission/denied',
        `${source.id} cannot emit ${topic}: '${ownerOf(topic)}:' belongs to the kernel`,
        { plugin: source.id },
      );
    let origin = cause && originOf(cause);
    const deliver = (value: unknown) => {
      metrics.events += 1;
      return bus.emit({ topic, payload: value, source: source.id, tenant, ...origin });
    };
    // A payload from a guest has been checked and is already the kernel's own copy.
    const own = source === HOST ? ownPayload(topic, payload, calls.bounds) : payload;
    const chain = chains.of('event', topic);
    if (chain === undefined) {
      await deliver(own);
      return;
    }
    const provider = (call: KernelCall, value: unknown) => {
      // An extension may have put the event's own span in the place of the cause's.
      const { requestId, traceparent } = call;
      if (traceparent !== undefined) origin = { requestId, ...origin, traceparent };
      // A middleware may have replaced the payload.
      const room = deliver(value === own ? own : ownPayload(topic, value, calls.bounds));
      const done = () => call.settle(true, undefined);
      if (room === undefined) done();
      else room.then(done, (error) => call.settle(false, error));
    };
    const call = new Call(
      { id: topic, services: calls, provider },
      source,
      isCall(cause) ? { parent: cause } : cause,
    );
    call.wrapped = true;
    await call.follow(chain(call, own));
  };
}

/** A private copy of a payload. Later changes by the emitter do not reach listeners. */
function ownPayload(topic: string, payload: unknown, bounds: ValueBounds): unknown {
  try {
    return copyValue(payload, undefined, undefined, bounds);
  } catch (error) {
    throw unsendable(unreadable(error), `the payload of ${topic}`, { topic, side: 'emitter' });
  }
}

/**
 * The origin of a call. Undefined when the call carries nothing, so its events travel at the normal
 * cost.
 */
export function originOf(cause: KernelCall | EventOrigin): EventOrigin | undefined {
  if (!isCall(cause)) return cause;
  const { requestId, user, traceparent, baggage } = cause;
  const carries = Object.keys(baggage).length > 0;
  if (user === undefined && traceparent === undefined && !carries) return undefined;
  return { requestId, user, traceparent, ...(carries && { baggage }) };
}
