/** Which plugin an address is for: manifests have several lists of routes, each mounted at a path. */
import { AREAS, type Area } from './contribution.js';
import type { Mounts } from './options.js';

/** What an address can be: a path of a plugin, in the lists that are mounted there. */
export interface Place {
  readonly id: string;
  /** Behind the plugin's own. */
  readonly path: string;
  readonly areas: readonly Area[];
  /** Whether it is at the root, where the application and the extension have paths, too. */
  readonly atRoot: boolean;
}

const ID = /^[a-z][a-z0-9.-]{0,127}$/;

/** The places of an address, the most specific first. Several: `/plugins/a` is below `/`, too. */
export function placesOf(pathname: string, mounts: Mounts): readonly Place[] {
  return [...new Set(Object.values(mounts))]
    .filter((base) => base !== false)
    .sort((one, other) => other.length - one.length)
    .flatMap((base) => {
      if (!pathname.startsWith(`${base}/`)) return [];
      const [, id = '', path = ''] = /^([^/]*)(.*)$/.exec(pathname.slice(base.length + 1)) ?? [];
      if (!ID.test(id)) return [];
      const areas = AREAS.filter((area) => mounts[area] === base);
      return [{ id, path: path === '' ? '/' : path, areas, atRoot: base === '' }];
    });
}

/** Where a plugin's lists are: the paths that its cookies are for. */
export function pathsOf(id: string, areas: readonly Area[], mounts: Mounts): readonly string[] {
  const bases = areas.map((area) => mounts[area]).filter((base) => base !== false);
  return [...new Set(bases)].map((base) => `${base}/${id}`);
}
