/** Makes what calls, hooks and events of a tenant go through. */
import { type Caller, type Manifest, messageOf } from '@plinth/sdk/contract';
import { createCallServices } from '../calls/call-services.js';
import type { CallServices } from '../calls/kernel-call.js';
import type { ServiceScope } from '../calls/services.js';
import type { CommandEntry } from '../commands/command-entry.js';
import { CommandRegistry } from '../commands/command-registry.js';
import type { Entrance } from '../commands/entrance.js';
import type { Exchange } from '../guests/guest-services.js';
import type { Extending } from '../lifecycle/extending.js';
import { valueBounds } from '../limits.js';
import {
  AbsentGuards,
  type GuardCandidate,
  type GuardedKind,
} from '../middleware/absent-guards.js';
import { MiddlewareChains } from '../middleware/chains.js';
import { HookRegistry } from '../middleware/hooks.js';
import { createPublisher } from '../middleware/publisher.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { Targets } from '../registry/targets.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Base } from './base.js';
import type { Facts } from './facts.js';
import type { Shared } from './shared.js';

/** What the exchange asks of parts that are made after it. */
export interface ExchangeParts {
  readonly base: Base;
  readonly shared: Shared;
  readonly extending: Extending;
  readonly facts: Facts;
  readonly entrance: Entrance;
  createScope(): ServiceScope;
  targets(): Pick<Targets, 'outranked' | 'whyUnanswered'>;
  activateFor: ConstructorParameters<typeof CommandRegistry>[0]['activateFor'];
  unknown: ConstructorParameters<typeof CommandRegistry>[0]['unknown'];
  /** Whether discovery is in progress. Until it is done, any plugin may be a guard. */
  isOpening(): boolean;
  candidates(): readonly GuardCandidate[];
  /** The rights of a plugin without the revoked ones. */
  rightsOf(manifest: Manifest): Pick<PermissionSet, 'check' | 'grants'>;
  /** Why a version is deprecated. Undefined when it isn't. */
  deprecation(owner: string, version: string): string | undefined;
}

/** What is made. */
export interface MadeExchange {
  readonly exchange: Omit<Exchange, 'lanes'>;
  readonly calls: CallServices;
  readonly guards: AbsentGuards;
}

/** Makes the exchange of one tenant. */
export function createExchange(parts: ExchangeParts): MadeExchange {
  const { base, shared, extending, createScope } = parts;
  const { tenant, registry, bus, reporting } = base;
  const { log, metrics } = reporting;
  const { deadlines, turn, isOpen } = shared;
  const bounds = valueBounds(base.limits);
  const made = { tenant, bounds, deadlines, turn, metrics, bus, log, createScope };
  const calls = createCallServices(made);
  const guards = createGuards(parts);
  const rank = (owner: string) => registry.rank(owner);
  const chains = new MiddlewareChains(metrics, rank, guards, extending.around);
  const commands = new CommandRegistry({
    ...calls,
    chains,
    metrics,
    entrance: parts.entrance,
    activateFor: parts.activateFor,
    rank,
    outranked: (entry, route) => parts.targets().outranked(entry, route),
    unknown: parts.unknown,
    isOpen,
    manifests: () => registry.manifests(),
    deprecated: deprecationTeller(parts),
  });
  const hooks = new HookRegistry(calls, rank, guards, chains, (hook, owner, error) =>
    log.write('kernel', 'warn', messageOf(error), { hook, plugin: owner, ...withOrigin(error) }),
  );
  const publish = createPublisher({
    bus,
    chains,
    metrics,
    calls,
    tenant,
    reserved: extending.names,
  });
  return { exchange: { commands, hooks, chains, bus, publish }, calls, guards };
}

function createGuards(parts: ExchangeParts): AbsentGuards {
  const { base, facts, isOpening, candidates, rightsOf } = parts;
  const { log, announce } = base.reporting;
  return new AbsentGuards({
    isOpening,
    candidates,
    rights: rightsOf,
    absenceOf: (id) => facts.absenceOf(id),
    passed({ id, absence }: GuardCandidate, kind: GuardedKind, target: string) {
      const { state, because } = absence();
      log.write(
        'kernel',
        'warn',
        `${kind} ${target} passes the optional middleware of ${id}: ${because}`,
        { plugin: id },
      );
      announce('middleware:skipped', { plugin: id, target: `${kind}:${target}`, state });
    },
  });
}

/** Tells once of each caller that calls a deprecated version. */
function deprecationTeller({
  base: { reporting },
  deprecation,
}: ExchangeParts): (entry: CommandEntry, caller: Caller) => void {
  const told = new Set<string>();
  return ({ owner, version = '', id: command }, caller) => {
    const message = deprecation(owner, version);
    const once = `${caller.id} ${owner}@${version} ${command} ${message}`;
    if (message === undefined || told.has(once)) return;
    told.add(once);
    reporting.log.write(
      'kernel',
      'warn',
      `${caller.id} calls ${command} of ${owner} ${version}, which is deprecated: ${message}`,
      { plugin: owner, caller: caller.id },
    );
    reporting.announce('call:deprecated', { command, version, caller: caller.id, message });
  };
}
