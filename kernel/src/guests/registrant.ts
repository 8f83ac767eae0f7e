/** What registers commands, events and hooks: a guest, or a plugin without one. */
import type { Manifest, Registration, Scope } from '@plinth/sdk/contract';
import type { KernelCall } from '../calls/kernel-call.js';
import type { LaneEnd } from '../calls/lane-end.js';
import type { Emission } from '../events/event-bus.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { EventCauses } from './event-causes.js';
import type { GuestServices } from './guest-services.js';
import type { Mailbox } from './mailbox.js';

/** A guest that can be asked. */
export interface AnsweringGuest extends LaneEnd {
  readonly causes: EventCauses;
  runMiddleware(
    handle: number,
    call: KernelCall,
    input: unknown,
    next: (input?: unknown) => Promise<unknown>,
  ): Promise<unknown>;
}

/** What takes the messages that have waited for a plugin: the registrations of its guest. */
export interface Receiver {
  /** Undefined for a plugin without a guest. */
  readonly guest: AnsweringGuest | undefined;
  readonly manifest: Manifest;
  handlesOf(kind: Registration['kind'], name: string): readonly number[];
  deliver(emission: Emission): void;
}

/** What registrations go into, and what is told of them. */
export type RegistrantServices = Pick<GuestServices, 'exchange' | 'rights' | 'reporting'>;

/** The owner: a guest, or a plugin without one. Without a guest everything waits. */
export interface Registrant {
  readonly manifest: Manifest;
  readonly permissions: PermissionSet;
  readonly scope: Scope;
  readonly services: RegistrantServices;
  readonly guest: AnsweringGuest | undefined;
  /** What waits for its plugin. */
  readonly mailbox: Mailbox<Receiver>;
  /** Milliseconds that policy allows it for an answer. */
  readonly callTime?: number | undefined;
}
