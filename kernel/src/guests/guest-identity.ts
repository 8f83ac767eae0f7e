/** The guest whose request is answered, and what a request that makes no sense gets. */
import { createError, type Manifest, type PluginError } from '@plinth/sdk/contract';
import type { LaneEnd } from '../calls/lane-end.js';
import type { StorageNamespace } from '../storage/namespace.js';
import type { ErrorView } from './error-view.js';
import type { EventCauses } from './event-causes.js';
import type { GuestMeter } from './guest-meter.js';
import type { GuestServices } from './guest-services.js';
import type { MiddlewareSteps } from './middleware-steps.js';
import type { GuestRegistrations } from './registrations.js';

/** The guest that asks. Created by the kernel; nothing in it comes from a message. */
export interface GuestIdentity extends LaneEnd {
  readonly manifest: Manifest;
  readonly storage: StorageNamespace;
  readonly services: GuestServices;
  readonly registrations: GuestRegistrations;
  readonly causes: EventCauses;
  readonly meter: GuestMeter;
  readonly steps: MiddlewareSteps;
  readonly view: ErrorView;
  crashed(error: Error, rejection: boolean, command: string | undefined): void;
  /** Counts a message that no honest guest sends. Ends the guest after a number of them. */
  refused(error: PluginError): void;
}

/** The guest's runtime checks what plugins give it. Only a forged message gets here. */
export function malformed(guest: GuestIdentity): Error {
  const error = notWellFormed(guest);
  guest.refused(error);
  return error;
}

/** For a note: the link counts what is thrown. */
export function notWellFormed({ manifest: { id } }: GuestIdentity): PluginError {
  return createError('wire/refused', `refused a message of ${id}: it is not well formed`, {
    plugin: id,
    details: { reason: 'not well formed' },
  });
}
