/** A plugin that answers although it has no guest at the moment: everything waits until it has one. */
import { type Manifest, type Registration, Scope } from '@plinth/sdk/contract';
import type { KernelParts } from '../parts.js';
import { PermissionSet } from '../permissions/broker.js';
import type { ResolvedPlugin } from '../record.js';
import { GuestRegistrations, type Registrant, type Wake } from './registrations.js';

class Dormant implements Registrant {
  readonly manifest: Manifest;
  readonly scope = new Scope();
  readonly parts: KernelParts;
  readonly guest = undefined;

  constructor({ manifest }: Pick<ResolvedPlugin, 'manifest'>, parts: KernelParts) {
    this.manifest = manifest;
    this.parts = parts;
  }

  /** As they are now: they may change while it sleeps. */
  get permissions(): PermissionSet {
    const { manifest, parts } = this;
    return new PermissionSet(manifest.id, parts.grants.of(manifest), parts.metrics, parts.onDenied, parts.grants.denied(manifest.id));
  }
}

/**
 * Keeps the registrations of a guest that is about to end.
 *
 * @param wake told of each call and event that arrives, with its activation event.
 */
export function putToSleep(record: Pick<ResolvedPlugin, 'manifest'>, from: GuestRegistrations, parts: KernelParts, wake: Wake): GuestRegistrations {
  const registrations = new GuestRegistrations(new Dormant(record, parts), true);
  registrations.standInFor(from, wake);
  return registrations;
}

/**
 * Listens in the place of a plugin that has not been started: for the events and hooks that activate it. Undefined when
 * there are none, or when it may not hear them.
 */
export function listenFor(record: Pick<ResolvedPlugin, 'manifest'>, parts: KernelParts, wake: Wake): GuestRegistrations | undefined {
  const triggers = record.manifest.activation.filter((activation) => activation.startsWith('event:') || activation.startsWith('hook:'));
  if (triggers.length === 0) return undefined;
  const dormant = new Dormant(record, parts);
  const registrations = new GuestRegistrations(dormant, false);
  registrations.hold({ onArrival: wake });
  for (const [index, trigger] of triggers.entries()) {
    const colon = trigger.indexOf(':');
    const kind = trigger.slice(0, colon) as Registration['kind'];
    const name = trigger.slice(colon + 1);
    if (dormant.permissions.check(kind === 'event' ? 'events.subscribe' : 'hooks.handle', name)) registrations.add({ handle: index + 1, kind, name });
    else parts.log.write('kernel', 'warn', `${record.manifest.id} is not activated by ${trigger}: it has no permission to hear it`);
  }
  return registrations;
}
