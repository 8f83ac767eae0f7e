/** Makes the direct lanes of a tenant. */
import { ownerOf } from '@plinth/sdk/contract';
import type { Exchange } from '../guests/guest-services.js';
import { Lanes } from '../guests/lanes.js';
import type { CoreOptions } from '../kernel-options.js';
import type { Grants } from '../permissions/grants.js';
import type { Base } from './base.js';
import type { Shared } from './shared.js';

/** Makes them. They are looked at again whenever what stands around a command changes. */
export function createLanes(
  { options, bus, reporting }: Base,
  { turn, isOpen }: Shared,
  { commands, chains }: Pick<Exchange, 'chains' | 'commands'>,
  grants: Grants,
): Lanes {
  const lanes = new Lanes({
    metrics: reporting.metrics,
    threshold: lanesAfter(options.lanes),
    now: () => turn.now(),
    entries: () => commands.all(),
    watched: (id) =>
      chains.of('command', id) !== undefined ||
      commands.get(id)?.guarded !== undefined ||
      commands.get(id)?.checked === true ||
      bus.hears('call:settled') ||
      commands.isSpecial(ownerOf(id)) ||
      isOpen(id),
    // In `strict` a call without a parent needs the rights of all open calls: only the kernel knows.
    mayBypass: (provider) => !grants.delegation.strict && grants.delegation.isLeaf(provider),
    announce: reporting.announce,
  });
  chains.onChange = () => lanes.review();
  return lanes;
}

/** Calls within a second after which two plugins get a lane. */
const LANE_CALLS = 256;

function lanesAfter(option: CoreOptions['lanes']): number {
  if (typeof option === 'object') return option.calls;
  return option === false ? Number.POSITIVE_INFINITY : LANE_CALLS;
}
