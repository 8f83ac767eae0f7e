/** The link that a lane runs over. */
import type { Endpoint } from '../../rpc/endpoint.js';
import { Link } from '../../rpc/link.js';
import type { LinkOptions } from '../../rpc/link-options.js';
import type { LaneParts } from './lane-parts.js';

/** Creates the link of one end. */
export function laneLink(
  endpoint: Endpoint,
  plugin: string,
  { link: { bounds }, turn, defer, around, walked }: LaneParts,
  sides: Pick<LinkOptions, 'serve' | 'onBreach' | 'onFailed'>,
): Link {
  return new Link({
    endpoint,
    plugin,
    stacks: false,
    bounds,
    turn,
    around,
    note() {},
    control: {},
    defer,
    walked,
    ...sides,
  });
}
