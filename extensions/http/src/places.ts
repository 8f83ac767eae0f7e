/** Which plugin an address is for: manifests have several lists of routes, each mounted at a path. */
import { AREAS, type Area } from './contribution.js';
import type { Mounts } from './options.js';

/** An address below a mount, and the lists that are mounted there. */
export interface Place {
  /** Empty when the address names no plugin. */
  readonly id: string;
  /** The part after the plugin's id. */
  readonly path: string;
  readonly areas: readonly Area[];
  /** Whether it is at the root, where the application and the extension have addresses, too. */
  readonly atRoot: boolean;
}

const ID = /^[a-z][a-z0-9.-]{0,127}$/;
/** Addresses of the extension, all below them included. */
const OWN: readonly string[] = [
  '/api/v1',
  '/commands',
  '/diagnostics',
  '/events',
  '/health',
  '/metrics',
  '/openapi',
  '/openapi.json',
];

/**
 * The place of an address, below the most specific mount. One that this mount doesn't answer is not
 * looked for at the root: a plugin can't take addresses of others by its id.
 */
export function placeOf(pathname: string, mounts: Mounts): Place | undefined {
  const base = Object.values(mounts)
    .filter((one) => one !== false)
    .sort((one, other) => other.length - one.length)
    .find((one) => pathname === one || pathname.startsWith(`${one}/`));
  if (base === undefined) return undefined;
  const [, id = '', path = ''] = /^\/?([^/]*)(.*)$/.exec(pathname.slice(base.length)) ?? [];
  const areas = AREAS.filter((area) => mounts[area] === base);
  const named = ID.test(id) && isServed(id, base, mounts);
  return { id: named ? id : '', path: path === '' ? '/' : path, areas, atRoot: base === '' };
}

/** Whether a plugin can answer below a mount: its address is none of the extension, and no mount. */
export function isServed(id: string, base: string, mounts: Mounts): boolean {
  const at = `${base}/${id}`;
  return ![...OWN, ...Object.values(mounts)].some(
    (one) => one !== false && (one === at || one.startsWith(`${at}/`)),
  );
}

/** Where a plugin's lists are: the paths that its cookies are for. */
export function pathsOf(id: string, areas: readonly Area[], mounts: Mounts): readonly string[] {
  const bases = new Set(areas.map((area) => mounts[area]));
  return [...bases]
    .filter((base) => base !== false && isServed(id, base, mounts))
    .map((base) => `${base}/${id}`);
}
