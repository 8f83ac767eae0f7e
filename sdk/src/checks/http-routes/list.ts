/** Checks of `list()`. */
import { type Checks, ensure, ensureUnique } from '../check.js';
import type { Probe } from './probe.js';

/** Checks of the routes that are listed. */
export function list(probe: Probe): Checks {
  return {
    'list() lists each route once, by a path that starts with a slash': async () => {
      const listed = await probe.client.list();
      ensure(listed.length > 0, 'no route is listed');
      ensureUnique(
        listed.map(({ method, path, area }) => `${method} ${path} ${area ?? ''}`.trim()),
        'route',
      );
      for (const { path } of listed)
        ensure(/^\/[^?#\s]*$/.test(path), `'${path}' is not the path of a route`);
    },
  };
}
