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
import type { Reporting } from '../reporting.js';
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
export const createSubscription = (
  owner: Pick<Registrant, 'guest' | 'manifest' | 'services'>,
  registration: Registration,
  used: () => void,
): Subscription => new GuestSubscription(owner, registration, used);

/** Owns the queue of one listener. */
class GuestSubscription implements Subscription {
  readonly #guest: AnsweringGuest | undefined;
  readonly #plugin: string;
  readonly #reporting: Reporting;
  readonly #handle: number;
  readonly #overflow: NonNullable<Registration['overflow']>;
  readonly #used: () => void;
  readonly #drops: Drops;
  readonly #queue: NoteQueue;
  // Most events have the same topic and source as the one before.
  #topic = '';
  #source = '';
  #meta: EventMeta = 0;

  constructor(
    { services, guest, manifest }: Pick<Registrant, 'guest' | 'manifest' | 'services'>,
    { name: pattern, handle, overflow = 'drop-oldest', queue: limit = DEFAULT_QUEUE }: Registration,
    used: () => void,
  ) {
    const { log, announce } = services.reporting;
    const plugin = manifest.id;
    this.#guest = guest;
    this.#plugin = plugin;
    this.#reporting = services.reporting;
    this.#handle = handle;
    this.#overflow = overflow;
    this.#used = used;
    this.#drops = new Drops((burst, dropped) => {
      log.write(
        'kernel',
        'warn',
        `dropped ${burst} events for ${plugin}: its listener of ${pattern} is too slow (${overflow}, ${limit} may wait)`,
        { plugin, dropped },
      );
      announce('event:dropped', { plugin, pattern, overflow, dropped });
    });
    this.#queue = new NoteQueue(overflow, limit, () => this.#onDrop());
  }

  deliver(emission: Emission): void {
    const guest = this.#guest;
    if (guest === undefined) return;
    const { event, shared } = emission;
    const plugin = this.#plugin;
    // A plugin that logs about its own log entries would never end.
    if (event.topic === 'log:written' && (event.payload as LogEntry).source === plugin) return;
    const { metrics, log } = this.#reporting;
    this.#used();
    try {
      const meta = this.#metaOf(guest, event);
      const room = guest.link.note(this.#handle, shared, meta, this.#queue);
      metrics.deliveries += 1;
      if (room !== undefined) emission.waitFor(room);
    } catch (error) {
      // Only a sender that waits can exceed the limit here.
      if ((error as Partial<PluginError>).code === 'call/overloaded') this.#onDrop();
      else {
        metrics.droppedDeliveries += 1;
        log.write('kernel', 'warn', `dropped ${event.topic} for ${plugin}: ${messageOf(error)}`);
      }
      this.#tell(emission, error);
    }
  }

  refuse(emission: Emission, error: Error): void {
    this.#onDrop();
    this.#tell(emission, error);
  }

  close(): void {
    this.#drops.close();
  }

  #metaOf(guest: AnsweringGuest, event: EventEnvelope): EventMeta {
    if (event.topic !== this.#topic || event.source !== this.#source) {
      this.#topic = event.topic;
      this.#source = event.source;
      this.#meta = eventMeta(guest.link, event);
    }
    return event.requestId === undefined ? this.#meta : causedMeta(guest, event);
  }

  #onDrop(): void {
    this.#reporting.metrics.droppedDeliveries += 1;
    this.#drops.add();
  }

  /** A sender that was promised no drops must be told. */
  #tell(emission: Emission, error: unknown): void {
    if (this.#overflow === 'block') emission.waitFor(Promise.reject(error));
  }
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
