/**
 * A plugin that answers without a guest at the moment. All calls and events wait until it has one.
 */
import { type Manifest, type Registration, Scope } from '@plinth/sdk/contract';
import { PermissionSet } from '../permissions/broker.js';
import { rightsFor } from './check-registration.js';
import type { Mailbox, Wake } from './mailbox.js';
import type { Receiver, Registrant, RegistrantServices } from './registrant.js';
import { GuestRegistrations } from './registrations.js';

class Dormant implements Registrant {
  readonly manifest: Manifest;
  readonly scope = new Scope();
  readonly services: RegistrantServices;
  readonly guest = undefined;
  readonly mailbox: Mailbox<Receiver>;

  constructor(manifest: Manifest, mailbox: Mailbox<Receiver>, services: RegistrantServices) {
    this.manifest = manifest;
    this.mailbox = mailbox;
    this.services = services;
  }

  /** The current records. They may change while the plugin sleeps. */
  get permissions(): PermissionSet {
    const { manifest, services } = this;
    const { grants, onDenied } = services.rights;
    return new PermissionSet(
      manifest.id,
      grants.of(manifest),
      services.reporting.metrics,
      onDenied,
      grants.denied(manifest),
    );
  }
}

/**
 * Keeps the registrations of a guest that is about to end, or has ended. The plugin's mailbox must
 * be held.
 *
 * @param only the kind of registrations that are kept; all when absent.
 */
export function standInFor(
  { manifest, mailbox }: Pick<Registrant, 'mailbox' | 'manifest'>,
  from: GuestRegistrations,
  services: RegistrantServices,
  only?: Registration['kind'],
): GuestRegistrations {
  const registrations = new GuestRegistrations(new Dormant(manifest, mailbox, services), true);
  registrations.standInFor(from, only);
  return registrations;
}

/**
 * Listens in place of a plugin that has not been started, for the events and hooks that activate
 * it. Undefined when there are none, or when it may not receive them.
 */
export function listenFor(
  manifest: Manifest,
  mailbox: Mailbox<Receiver>,
  services: RegistrantServices,
  wake: Wake,
): GuestRegistrations | undefined {
  const triggers = manifest.activation.filter(
    (activation) => activation.startsWith('event:') || activation.startsWith('hook:'),
  );
  if (triggers.length === 0) return undefined;
  const dormant = new Dormant(manifest, mailbox, services);
  const registrations = new GuestRegistrations(dormant, false);
  mailbox.hold('start', { onArrival: wake });
  mailbox.receiver = registrations;
  for (const [index, trigger] of triggers.entries()) {
    const colon = trigger.indexOf(':');
    const kind = trigger.slice(0, colon) as Registration['kind'];
    const name = trigger.slice(colon + 1);
    const { permissions } = dormant;
    if (
      rightsFor({ kind, name }, manifest, services.rights.isOpen).every(([permission, scope]) =>
        permissions.check(permission, scope),
      )
    )
      registrations.add({ handle: index + 1, kind, name });
    else
      services.reporting.log.write(
        'kernel',
        'warn',
        `${manifest.id} is not activated by ${trigger}: it has no permission to hear it`,
      );
  }
  return registrations;
}
