/** Which versions of other plugins a plugin means by its calls: those that its manifest names. */
import { addressOf, type Manifest, ownerOf } from '@plinth/sdk/contract';
import { leadsTo, type Route } from '../calls/route.js';
import type { CommandEntry } from '../commands/command-entry.js';
import type { GuestIdentity } from './guest-identity.js';

/**
 * Whether a plugin means another provider of an open contract than the first one: of the major that
 * it has declared, or any but itself.
 */
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

/**
 * Which versions of a command's owner a plugin means, as its manifest says. One that needs an open
 * contract and provides it, too, means another provider, unless it names itself.
 */
export function routeOf(
  { id: self, dependencies, optionalDependencies, needs, provides = [] }: Manifest,
  id: string,
): Route {
  const owner = ownerOf(id);
  const isOfOwner = (one: string) => one.startsWith(`${owner}@`);
  const contract = needs.find(isOfOwner);
  const isBoth = contract !== undefined && owner !== self && provides.some(isOfOwner);
  return {
    range: dependencies[owner] ?? optionalDependencies[owner],
    contract,
    ...(isBoth && addressOf(id).provider !== self && { except: self }),
  };
}
