/** Turns the listeners of a plugin into ones that the kernel notifies by number. */
import type { EventEnvelope, EventInfo } from '../../context.js';
import type { Event } from '../../contract/contract.js';
import { messageOf } from '../../contract/errors.js';
import { Op } from '../../contract/operations.js';
import {
  asPromise,
  describeIssues,
  isPromiseLike,
  type Parsed,
  parseSchema,
} from '../../contract/schema.js';
import { stackOf } from '../../contract/wire-error.js';
import { EventCause, handling } from '../handler-call.js';
import { tellKernel } from '../kernel-calls.js';
import { createLogger } from '../logger.js';
import type { Listener } from '../registrations.js';
import type { ContextParts } from './context-parts.js';

/** Runs a plugin's listener with what it is given. */
type Run = (...args: unknown[]) => unknown;

/** A listener on a pattern: receives the whole event. */
export function envelopeListener(parts: ContextParts, listener: Run, limit?: () => void): Listener {
  return (payload, topic, source, origin, cause) => {
    const event: EventEnvelope = { topic, payload, source, tenant: parts.tenant, ...origin };
    deliver(parts, cause, event, () => listener(event), limit);
  };
}

/** A listener on a contract's event: receives the parsed payload, and the facts beside it. */
export function typedListener(
  parts: ContextParts,
  event: Event,
  listener: Run,
  limit?: () => void,
): Listener {
  return (payload, topic, source, origin, cause) => {
    const info: EventInfo = { topic, source, tenant: parts.tenant, ...origin };
    const pass = (parsed: Parsed<unknown>) => {
      if (parsed.ok) deliver(parts, cause, info, () => listener(parsed.value, info), limit);
      else
        createLogger(parts.link).warn(
          `dropped an event: the payload of ${topic} is not valid, ${source} is at fault: ${describeIssues(parsed.issues)}`,
          { topic, source },
        );
    };
    const parsed = parseSchema(event.payload, payload);
    if (isPromiseLike(parsed)) void parsed.then(pass);
    else pass(parsed as Parsed<unknown>);
  };
}

/** Runs a listener. Its failure has no caller to reach: it goes to the log. */
function deliver(
  parts: ContextParts,
  cause: number,
  info: EventInfo,
  run: () => unknown,
  limit: (() => void) | undefined,
): void {
  const failed = (error: unknown) => {
    const { topic, source } = info;
    createLogger(parts.link).error(`a listener of ${topic} threw: ${messageOf(error)}`, {
      topic,
      source,
      stack: stackOf(error),
    });
  };
  try {
    limit?.();
    const result =
      cause === 0 ? handling(parts.handling, undefined, run) : withCause(parts, cause, info, run);
    asPromise(result)?.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

/** Runs a listener so that its calls inherit the event's context, until it has finished. */
function withCause(
  { link, handling: scope }: ContextParts,
  sequence: number,
  info: object,
  run: () => unknown,
): unknown {
  const cause = new EventCause(sequence);
  scope.causes.set(info, cause);
  const over = () => {
    cause.over = true;
    // When this is lost, the kernel forgets the cause after a while.
    tellKernel(link, Op.causeOver, [sequence]);
  };
  let promise: Promise<unknown> | undefined;
  try {
    promise = asPromise(handling(scope, cause, run));
    return promise;
  } finally {
    if (promise === undefined) over();
    else promise.then(over, over);
  }
}
