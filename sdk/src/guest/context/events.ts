/** `ctx.events`: emits events, and registers the plugin's listeners. */
import type { Registered } from '../../context.js';
import type { Event, EventQueue } from '../../contract/contract.js';
import { createSharedError } from '../../contract/errors.js';
import { Op } from '../../contract/operations.js';
import { describeIssues, parseSchema } from '../../contract/schema.js';
import { functionIn, idIn, textIn } from '../arguments.js';
import { parentOf } from '../handler-call.js';
import { requestAbout } from '../kernel-calls.js';
import type { ContextParts } from './context-parts.js';
import { envelopeListener, typedListener } from './listeners.js';
import type { Register } from './registrar.js';

type EventRef = Event & { readonly id: string };

/** Creates the events of one activation. */
export function createEvents(parts: ContextParts, register: Register) {
  const { link, manifest } = parts;
  const on = (
    event: string | EventRef,
    listener: (...args: unknown[]) => unknown,
    options?: EventQueue,
    limit?: () => void,
  ): Registered => {
    functionIn(listener, 'a listener');
    return typeof event === 'string'
      ? register('event', event, envelopeListener(parts, listener, limit), queueOf(options))
      : register(
          'event',
          event?.id,
          typedListener(parts, event, listener, limit),
          queueOf(options, event),
        );
  };
  const emit = async (topic: string, payload: unknown) => {
    await requestAbout(
      link,
      Op.emit,
      topic,
      payload,
      parentOf(parts.handling, undefined)?.sequence || undefined,
    );
  };
  return {
    on,
    once(event: string, listener: (...args: unknown[]) => unknown, options?: EventQueue) {
      const registered = on(event, listener, options, () => registered.dispose());
      return registered;
    },
    emit: async (event: string | EventRef, payload: unknown) => {
      if (typeof event === 'string') return emit(idIn(event, manifest.id, 'topic'), payload);
      textIn(event?.id, 'a topic', 'event/invalid');
      // Checked here, so that the emitter sees its own mistake. The payload is sent as given, for
      // receivers to parse.
      const parsed = await parseSchema(event.payload, payload);
      if (!parsed.ok) {
        throw createSharedError(
          'event/invalid',
          `the payload of ${event.id} is not valid, the emitter is at fault: ${describeIssues(parsed.issues)}`,
          {
            plugin: manifest.id,
            details: { topic: event.id, side: 'emitter', issues: parsed.issues },
          },
        );
      }
      return emit(event.id, payload);
    },
  };
}

/** The listener's option, else what the event declares. */
function queueOf(options: EventQueue | undefined, event?: EventQueue): EventQueue {
  const overflow = options?.overflow ?? event?.overflow;
  const queue = options?.queue ?? event?.queue;
  return { ...(overflow !== undefined && { overflow }), ...(queue !== undefined && { queue }) };
}
