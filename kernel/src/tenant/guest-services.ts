/** Puts together what the guests of a tenant work with. */
import type { Core } from '../extension/core.js';
import type { Metering } from '../guests/guest-meter.js';
import type { GuestServices } from '../guests/guest-services.js';
import type { Lanes } from '../guests/lanes.js';
import { NO_MACHINE, NO_MESSAGING, NO_SECRETS } from '../guests/no-abilities.js';
import type { Asking } from '../permissions/asking.js';
import { StorageNamespace } from '../storage/namespace.js';
import type { StorageBudget } from '../storage/storage-budget.js';
import type { EngineParts } from './engine-parts.js';
import type { Security } from './security.js';
import { debugged, deferOf } from './shared.js';

/** What was made for the guests of one tenant. */
export interface MadeForGuests {
  readonly security: Security;
  readonly requests: Asking;
  readonly lanes: Lanes;
  readonly metering: Metering;
  readonly budget: StorageBudget;
}

/** Puts it together. */
export function createGuestServices(
  { base, shared, extending, made, parts }: EngineParts,
  { security: { grants }, requests, lanes, metering, budget }: MadeForGuests,
  core: Core,
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
      machine: parts.make('machine', core) ?? NO_MACHINE,
      secrets: parts.make('secrets', core) ?? NO_SECRETS,
      messaging: parts.make('messaging', core) ?? NO_MESSAGING,
      requestPermission: (wish) => requests.ask(wish),
    },
    bounds: {
      limits,
      resources: metering,
      storageOf: (manifest, quota) => {
        const onWanted = grants.observing?.stored(manifest);
        const within = {
          get quota() {
            return quota();
          },
          keys: limits.keys,
          onWanted,
        };
        return new StorageNamespace(storage, tenant, manifest.id, within, budget);
      },
      gateFor: (guest) => extending.gateFor(guest),
      defer: deferOf(shared),
      debugged: () => debugged(shared),
    },
  };
}
