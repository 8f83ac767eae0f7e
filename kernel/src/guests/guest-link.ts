/** The link to a guest: what comes over it is checked, counted and answered. */
import { createError, ownerOf, type PluginError, type Registration } from '@plinth/sdk/contract';
import { type Endpoint, Link } from '@plinth/sdk/rpc';
import type { GuestIdentity } from './guest-identity.js';
import { answerGuest, rightOf, takeNote } from './guest-requests.js';
import { watchUnread } from './unread-streams.js';

/** The guest at the other end. */
export interface LinkedGuest extends GuestIdentity {
  /** Contracts that its manifest declares and of which it has answered nothing yet. */
  readonly unanswered: Set<string>;
  endBecause(error: Error): void;
}

/** What happens on a link. */
export interface LinkEvents {
  /** A request has come. What this throws goes to the guest. */
  onRequest(): void;
  /** No call waits for the guest any more. */
  onIdle(): void;
}

/** Makes the link of a guest. */
export function linkOf(
  guest: LinkedGuest,
  endpoint: Endpoint,
  { onRequest, onIdle }: LinkEvents,
): Link {
  const { calls, bounds, reporting } = guest.services;
  const { id } = guest.manifest;
  return new Link({
    endpoint,
    plugin: id,
    stacks: false,
    bounds: calls.bounds,
    turn: calls.turn,
    watchUnread: watchUnread(calls.deadlines, bounds.limits.unread),
    ...(Number.isFinite(guest.meter.limits.messageSize) && {
      admit: (value: unknown) => guest.meter.checkSize(value),
    }),
    serve: (target, input, meta, inbound) => {
      onRequest();
      return answerGuest(guest, target, input, meta, inbound);
    },
    note: (target, payload, meta) => {
      guest.meter.note();
      takeNote(guest, target, payload, meta);
    },
    count: () => guest.meter.note(),
    control: {
      register: async (registration: Registration) => register(guest, registration),
      unregister: async (handle: number) => guest.registrations.remove(handle),
    },
    view: (error) => guest.view.show(error),
    onIdle,
    onBreach: (error) => guest.endBecause(error),
    onRefused: (error) => guest.refused(error),
    onUnsent: (error) => {
      reporting.metrics.droppedDeliveries += 1;
      reporting.log.write('kernel', 'warn', `dropped an event for ${id}: ${error.message}`);
    },
    defer: (task) => bounds.defer(task),
  });
}

function register({ registrations, unanswered }: LinkedGuest, registration: Registration): void {
  registrations.add(registration);
  const { kind, name } = registration;
  if (kind !== 'command' && kind !== 'hook') return;
  for (const contract of unanswered)
    if (contract.startsWith(`${ownerOf(name)}@`)) unanswered.delete(contract);
}

/** Stops requests that wait, and streams that flow, under a right that was revoked. */
export function endForbidden({ manifest, link, permissions, services }: GuestIdentity): void {
  const { id: plugin } = manifest;
  link.endServed((about): PluginError | undefined => {
    const [permission, scope] = rightOf(about);
    if (permissions.check(permission, scope)) return undefined;
    const { reason, line, because } = services.rights.grants.why(manifest, permission, scope);
    return createError(
      'permission/denied',
      `${plugin} may not use ${permission} for '${scope}' any more: ${because}`,
      { plugin, details: { permission, scope, reason, ...(line !== undefined && { add: line }) } },
    );
  });
}
