/** Checks of what `handle()` answers where no route is listed. */
import { type Checks, ensure } from '../check.js';
import { PARAMETER, type Probe } from './probe.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Checks of unknown paths and methods. */
export function unknown(probe: Probe): Checks {
  return {
    'handle() answers 404 for an unknown path': async () => {
      const known = new Set((await probe.routes()).map(({ path }) => path));
      for (const path of [
        '/plinth-no-such-path',
        '/plinth/no/such/path',
        '/constructor',
        '/__proto__',
      ].filter((one) => !known.has(one))) {
        for (const method of METHODS) {
          const status = await probe.statusOf({ method, path });
          ensure(
            status === 404 || (status === 405 && method !== 'GET'),
            `${method} ${path} isn't there and should be 404, not ${status}`,
          );
        }
      }
    },
    'handle() answers 400 or 404 for a path that is malformed': async () => {
      for (const path of ['', '/%', '/%E0%A4%A', '//', '/\u0000']) {
        const status = await probe.statusOf({ method: 'GET', path });
        // Some implementations treat `//` and the empty path as the root.
        ensure(status < 500, `GET ${JSON.stringify(path)} should be refused, not ${status}`);
        ensure(
          status === 400 || status === 404 || /^\/?\/?$/.test(path),
          `GET ${JSON.stringify(path)} should be 400 or 404, not ${status}`,
        );
      }
    },
    'handle() answers 405 or 404 for a method that is not listed': async () => {
      const listed = await probe.routes();
      const patterns = (await probe.client.list()).filter(({ path }) => PARAMETER.test(path));
      for (const { path, area } of listed) {
        for (const method of [...METHODS, 'PLINTH']) {
          // A pattern may match this path too.
          if (
            listed.some((one) => one.path === path && one.method === method && one.area === area) ||
            patterns.some((one) => one.method === method)
          )
            continue;
          const status = await probe.statusOf({ method, path, area });
          ensure(
            status === 405 || status === 404,
            `${method} ${path} isn't listed and should be 405, not ${status}`,
          );
        }
      }
    },
  };
}
