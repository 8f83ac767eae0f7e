/** Puts the lifecycle of a tenant together. */
import type { Metering } from '../guests/guest-meter.js';
import type { GuestServices } from '../guests/guest-services.js';
import type { Lanes } from '../guests/lanes.js';
import { KERNEL_VERSION } from '../kernel-options.js';
import { Admission } from '../lifecycle/admission.js';
import type { Bundles } from '../lifecycle/bundles.js';
import { Launcher } from '../lifecycle/launcher.js';
import { Ledger } from '../lifecycle/ledger.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Loader } from '../lifecycle/load.js';
import type { Relations } from '../lifecycle/relations.js';
import type { Supervision } from '../lifecycle/supervision.js';
import type { EngineParts } from './engine-parts.js';
import type { Security } from './security.js';
import { deferOf } from './shared.js';

/** Makes what launches guests. */
export function createLauncher(
  parts: EngineParts,
  { trust, grants }: Security,
  metering: Metering,
): Launcher {
  const { base, shared, extending, packages } = parts;
  const { options, limits, reporting } = base;
  return new Launcher({
    hosts: shared.hosts,
    isolation: options.isolation,
    mayShare: options.policy?.shared ?? [],
    trust,
    extending,
    shared: packages.guests,
    memoryOf: ({ manifest, package: found }) =>
      metering.limitsOf(manifest, trust.level(found, manifest)).memory,
    ready: limits.ready,
    turn: shared.turn,
    defer: deferOf(shared),
    log: (manifest, level, text) => {
      if (grants.may(manifest, 'logs.write')) reporting.log.write(manifest.id, level, text);
    },
  });
}

/** What was made for the lifecycle of one tenant. */
export interface MadeForLifecycle {
  readonly bundles: Bundles;
  readonly launcher: Launcher;
  readonly lanes: Lanes;
  readonly relations: Relations;
  readonly supervisor: Supervision;
  readonly security: Security;
}

/** Puts it together. */
export function createLifecycle(
  { base, shared, extending, settings, arrivals }: EngineParts,
  { bundles, launcher, lanes, relations, supervisor, security }: MadeForLifecycle,
  services: GuestServices,
): Lifecycle {
  const { options, limits, registry, reporting, redaction } = base;
  const { hosts, isOpen } = shared;
  const { trust, grants, owners } = security;
  const ledger = new Ledger(registry, reporting, redaction);
  const surroundings = {
    version: KERNEL_VERSION,
    runtimes: hosts.flatMap(({ runtime }) => runtime ?? []),
    policy: options.policy ?? {},
    features: extending.features,
    isOpen,
  };
  return new Lifecycle({
    ledger,
    admission: new Admission(ledger, {
      surroundings,
      trust,
      grants,
      extending,
      reporting,
      moreMayCome: () => arrivals.mayCome,
    }),
    relations,
    stages: {
      loader: new Loader({ bundles, launcher, trust, owners, extending, services }),
      config: settings,
      lanes,
      limits,
      steps: extending.steps,
      services,
    },
    supervisor,
    defer: deferOf(shared),
  });
}
