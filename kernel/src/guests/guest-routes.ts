/** Which versions of other plugins a plugin means by its calls: those that its manifest names. */
import { type Manifest, ownerOf } from '@plinth/sdk/contract';
import { leadsTo, type Route } from '../calls/route.js';
import type { CommandEntry } from '../commands/command-entry.js';
import type { GuestIdentity } from './guest-identity.js';

/** Whether a plugin has declared another major of an open contract than its first provider has. */
export function isOther(
  { manifest }: Pick<GuestIdentity, 'manifest'>,
  entry: CommandEntry,
): boolean {
  if (!entry.open || manifest.needs.length === 0) return false;
  const key = ownerOf(entry.id);
  const routes = routesOf.get(manifest) ?? new Map<string, Route>();
  routesOf.set(manifest, routes);
  const route = routes.get(key) ?? routeOf(manifest, entry.id);
  routes.set(key, route);
  return route.contract !== undefined && !leadsTo(route, entry);
}

/** The routes of a plugin to open contracts that have a provider, by their bases. */
const routesOf = new WeakMap<Manifest, Map<string, Route>>();

/** Which versions of a command's owner a plugin means, as its manifest says. */
export function routeOf(
  { dependencies, optionalDependencies, needs }: Manifest,
  id: string,
): Route {
  const owner = ownerOf(id);
  return {
    range: dependencies[owner] ?? optionalDependencies[owner],
    contract: needs.find((need) => need.startsWith(`${owner}@`)),
  };
}
