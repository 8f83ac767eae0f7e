/** Passes the frames of the kernel to the handlers and listeners of the plugin. */
import type { EventOrigin } from '../contract/call-context.js';
import { type CallMeta, type EventMeta, highOf, nameIn } from '../contract/call-facts.js';
import { errorClassOf, messageOf } from '../contract/errors.js';
import { FENCE } from '../contract/operations.js';
import { stackOf } from '../contract/wire-error.js';
import type { Inbound } from '../rpc/inbound.js';
import type { Link } from '../rpc/link.js';
import { createLogger } from './logger.js';
import { type Registrations, takenBack } from './registrations.js';

/** Owns the link, which exists only once it has been given what these functions make. */
export interface LinkOwner {
  readonly link: Link;
}

/** Answers calls by their handles. */
export function serveBy({ handles }: Registrations) {
  return (target: number, input: unknown, meta: unknown, inbound: Inbound): unknown => {
    if (target === FENCE) return undefined;
    const handle = handles.get(target);
    if (handle === undefined) throw takenBack();
    return handle(input, meta as CallMeta, inbound);
  };
}

/**
 * Logs an unexpected error of a handler for its author. Errors from elsewhere were logged there.
 */
export function logFailuresOf(owner: LinkOwner, { handles }: Registrations) {
  return (error: unknown, target: number): void => {
    if (isFromElsewhere(error)) return;
    const about = handles.get(target)?.about;
    createLogger(owner.link).error(`${about?.[1] ?? 'a stream'} failed: ${messageOf(error)}`, {
      ...(about && { [about[0]]: about[1] }),
      stack: stackOf(error),
    });
  };
}

/** A thrown value is the plugin's, so that reading it may throw in turn. */
function isFromElsewhere(error: unknown): boolean {
  try {
    return (
      errorClassOf(error) !== undefined ||
      typeof (error as { plugin?: unknown } | null)?.plugin === 'string'
    );
  } catch {
    return false;
  }
}

/** Delivers events to their listeners. */
export function deliverTo(owner: LinkOwner, { listeners }: Registrations) {
  /** Facts of the last event: the next one mostly has the same topic and source. */
  let last: EventMeta | undefined;
  let topic = '';
  let source = '';
  let origin: EventOrigin | undefined;
  let cause = 0;
  return (target: number, payload: unknown, given: unknown): void => {
    const meta = given as EventMeta;
    if (meta !== last) {
      last = meta;
      const { link } = owner;
      [topic, source, origin, cause = 0] =
        typeof meta === 'number'
          ? [link.textOf(highOf(meta)) as string, link.textOf(nameIn(meta)) as string]
          : meta;
    }
    // The listener was just removed while the event was on its way.
    listeners.get(target)?.(payload, topic, source, origin, cause);
  };
}
