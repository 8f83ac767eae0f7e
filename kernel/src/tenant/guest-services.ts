/** Puts together what the guests of a tenant work with. */
import { Network } from '../extensions/network/network.js';
import type { Metering } from '../guests/guest-meter.js';
import type { GuestMessaging, GuestServices } from '../guests/guest-services.js';
import type { Lanes } from '../guests/lanes.js';
import { StorageNamespace } from '../storage/namespace.js';
import type { StorageBudget } from '../storage/storage-budget.js';
import type { EngineParts } from './engine-parts.js';
import type { Security } from './security.js';
import { debugged, deferOf } from './shared.js';

/** What was made for the guests of one tenant. */
export interface MadeForGuests {
  readonly lanes: Lanes;
  readonly messaging: GuestMessaging;
  readonly resources: Metering;
  readonly budget: StorageBudget;
}

/** Puts it together. */
export function createGuestServices(
  { base, shared, extending, made }: EngineParts,
  { grants, requests, secrets }: Security,
  { lanes, messaging, resources, budget }: MadeForGuests,
): GuestServices {
  const { tenant, limits, storage, reporting } = base;
  const { announce } = reporting;
  return {
    exchange: { ...made.exchange, lanes },
    calls: made.calls,
    reporting,
    rights: {
      grants,
      isOpen: shared.isOpen,
      onDenied: (plugin, permission, scope, reason) =>
        announce('permission:denied', {
          plugin,
          permission,
          scope,
          ...(reason !== undefined && { reason }),
        }),
    },
    abilities: {
      machine: new Network(shared.hosts),
      secrets,
      messaging,
      requestPermission: (wish) => requests.ask(wish),
    },
    bounds: {
      limits,
      resources,
      storageOf: ({ id }, quota) =>
        new StorageNamespace(storage, tenant, id, { quota, keys: limits.keys }, budget),
      gateFor: (guest) => extending.gateFor(guest),
      defer: deferOf(shared),
      debugged: () => debugged(shared),
    },
  };
}
