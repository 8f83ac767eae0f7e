/** Checks of `HttpRoutes`. */
import type { Client } from '../../contract/contract-types.js';
import { HttpRoutes } from '../../contracts/http-routes.js';
import { type Check, checksOf } from '../check.js';
import { answers } from './answers.js';
import { list } from './list.js';
import { type HttpRoutesSamples, Probe } from './probe.js';
import { unknown } from './unknown.js';

/** The checks of one `HttpRoutes`. Only listed `GET` routes are requested. */
export function httpRoutesChecks(
  client: Client<typeof HttpRoutes>,
  samples: HttpRoutesSamples,
): readonly Check[] {
  const probe = new Probe(client, samples);
  return checksOf(HttpRoutes, { ...list(probe), ...answers(probe), ...unknown(probe) });
}
