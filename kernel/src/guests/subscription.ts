/** Delivers events to a guest. A slow guest's excess follows the policy that it has chosen. */
import type { EventEnvelope } from '@plinth/sdk';
import {
  type EventMeta,
  type EventOrigin,
  messageOf,
  type PluginError,
  pairOf,
  type Registration,
} from '@plinth/sdk/contract';
import { DEFAULT_QUEUE, type Link, NoteQueue } from '@plinth/sdk/rpc';
import { Drops } from '../events/drops.js';
import type { Emission } from '../events/event-bus.js';
import type { LogEntry } from '../telemetry/logger.js';
import type { AnsweringGuest, Registrant } from './registrant.js';

/** A listener of a guest. */
export interface Subscription {
  deliver(emission: Emission): void;
  /** The event can neither be delivered nor wait. */
  refuse(emission: Emission, error: Error): void;
  close(): void;
}

/** @param used called for each event that the guest gets. */
export function createSubscription(
  { services, guest, manifest }: Pick<Registrant<unknown>, 'guest' | 'manifest' | 'services'>,
  { name: pattern, handle, overflow = 'drop-oldest', queue: limit = DEFAULT_QUEUE }: Registration,
  used: () => void,
): Subscription {
  const { metrics, log, announce } = services.reporting;
  const plugin = manifest.id;
  const drops = new Drops((burst, dropped) => {
    log.write(
      'kernel',
      'warn',
      `dropped ${burst} events for ${plugin}: its listener of ${pattern} is too slow (${overflow}, ${limit} may wait)`,
      { plugin, dropped },
    );
    announce('event:dropped', { plugin, pattern, overflow, dropped });
  });
  const onDrop = () => {
    metrics.droppedDeliveries += 1;
    drops.add();
  };
  const queue = new NoteQueue(overflow, limit, onDrop);
  // Most events have the same topic and source as the one before.
  let topic = '';
  let source = '';
  let meta: EventMeta = 0;
  // A sender that was promised no drops must be told.
  const tell = (emission: Emission, error: unknown) => {
    if (overflow === 'block') emission.waitFor(Promise.reject(error));
  };
  return {
    deliver(emission) {
      if (guest === undefined) return;
      const { event, shared } = emission;
      // A plugin that logs about its own log entries would never end.
      if (event.topic === 'log:written' && (event.payload as LogEntry).source === plugin) return;
      const { link } = guest;
      used();
      try {
        if (event.topic !== topic || event.source !== source) {
          ({ topic, source } = event);
          meta = eventMeta(link, event);
        }
        const room = link.note(
          handle,
          shared,
          event.requestId === undefined ? meta : causedMeta(guest, event),
          queue,
        );
        metrics.deliveries += 1;
        if (room !== undefined) emission.waitFor(room);
      } catch (error) {
        // Only a sender that waits can exceed the limit here.
        if ((error as Partial<PluginError>).code === 'call/overloaded') onDrop();
        else {
          metrics.droppedDeliveries += 1;
          log.write('kernel', 'warn', `dropped ${event.topic} for ${plugin}: ${messageOf(error)}`);
        }
        tell(emission, error);
      }
    },
    refuse(emission, error) {
      onDrop();
      tell(emission, error);
    },
    close: () => drops.close(),
  };
}

function eventMeta(link: Link, { topic, source }: EventEnvelope): EventMeta {
  const named = link.nameOf(topic);
  const by = link.nameOf(source);
  return named > 0 && by > 0 ? pairOf(named, by) : [topic, source];
}

function causedMeta({ causes }: AnsweringGuest, event: EventEnvelope): EventMeta {
  const { topic, source, requestId, user, traceparent, baggage } = event;
  const origin: EventOrigin = {
    requestId: requestId as string,
    ...(user !== undefined && { user }),
    ...(traceparent !== undefined && { traceparent }),
    ...(baggage !== undefined && { baggage }),
  };
  return [topic, source, origin, causes.number(origin)];
}
