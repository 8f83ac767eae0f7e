/** Checks of `HttpRoutes`. */
import type { Client } from '../contract/contract-types.js';
import { HttpRoutes } from '../contracts/http-routes.js';
import { type Check, checksOf, ensure, ensureUnique } from './check.js';

/** Samples for the checks of `HttpRoutes`. */
export interface HttpRoutesSamples {
  /** A concrete path for each listed path with parameters. Listed paths without one are skipped. */
  readonly paths?: Readonly<Record<string, string>>;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** Common notations for parameters in paths. */
const PARAMETER = /[:{}*<>[\]]/;
/** A token and a field value of RFC 9110. Anything else could end the header and begin another. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\w]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The checks of one `HttpRoutes`. Only listed `GET` routes are requested. */
export function httpRoutesChecks(
  client: Client<typeof HttpRoutes>,
  { paths = {} }: HttpRoutesSamples,
): readonly Check[] {
  const statusOf = async (method: string, path: string) =>
    (await client.handle({ method, path })).status;
  /** Listed routes that can be requested. */
  const routes = async () =>
    (await client.list()).flatMap(({ method, path }) => {
      const concrete = Object.hasOwn(paths, path)
        ? paths[path]
        : PARAMETER.test(path)
          ? undefined
          : path;
      return concrete === undefined ? [] : [{ method, path: concrete }];
    });
  const answers = async () => {
    const gets = (await routes()).filter(({ method }) => method === 'GET');
    return Promise.all(
      gets.map(async ({ path }) => ({
        path,
        answer: await client.handle({ method: 'GET', path }),
      })),
    );
  };

  return checksOf(HttpRoutes, {
    'list() lists each route once, by a path that starts with a slash': async () => {
      const listed = await client.list();
      ensure(listed.length > 0, 'no route is listed');
      ensureUnique(
        listed.map(({ method, path }) => `${method} ${path}`),
        'route',
      );
      for (const { path } of listed)
        ensure(/^\/[^?#\s]*$/.test(path), `'${path}' is not the path of a route`);
    },
    'handle() knows every GET that is listed': async () => {
      for (const { path, answer } of await answers()) {
        const { status } = answer;
        ensure(
          status >= 200 && status < 500,
          `GET ${path} is listed and should be answered, not with ${status}`,
        );
        ensure(
          status !== 404 && status !== 405,
          `GET ${path} is listed, and the answer is ${status}`,
        );
      }
    },
    'handle() answers with texts or bytes': async () => {
      for (const { path, answer } of await answers()) {
        const { body } = answer;
        const fits =
          body === undefined ||
          body === null ||
          typeof body === 'string' ||
          body instanceof ArrayBuffer ||
          ArrayBuffer.isView(body);
        ensure(fits, `the body of GET ${path} is neither text nor bytes`, { type: typeof body });
      }
    },
    'handle() answers with headers that can be sent': async () => {
      for (const { path, answer } of await answers()) {
        ensureUnique(
          Object.keys(answer.headers).map((name) => name.toLowerCase()),
          `GET ${path}: header`,
        );
        for (const [name, value] of Object.entries(answer.headers)) {
          ensure(
            HEADER_NAME.test(name) && HEADER_VALUE.test(value),
            `the header '${name}' of GET ${path} can't be sent`,
          );
        }
      }
    },
    'handle() answers a GET the same again': async () => {
      for (const { path, answer } of await answers()) {
        const again = await statusOf('GET', path);
        ensure(again === answer.status, `GET ${path} answered ${answer.status}, then ${again}`);
      }
    },
    'handle() answers 404 for an unknown path': async () => {
      const known = new Set((await routes()).map(({ path }) => path));
      for (const path of [
        '/plinth-no-such-path',
        '/plinth/no/such/path',
        '/constructor',
        '/__proto__',
      ].filter((one) => !known.has(one))) {
        for (const method of METHODS) {
          const status = await statusOf(method, path);
          ensure(
            status === 404 || (status === 405 && method !== 'GET'),
            `${method} ${path} isn't there and should be 404, not ${status}`,
          );
        }
      }
    },
    'handle() answers 400 or 404 for a path that is malformed': async () => {
      for (const path of ['', '/%', '/%E0%A4%A', '//', '/\u0000']) {
        const status = await statusOf('GET', path);
        // Some implementations treat `//` and the empty path as the root.
        ensure(status < 500, `GET ${JSON.stringify(path)} should be refused, not ${status}`);
        ensure(
          status === 400 || status === 404 || /^\/?\/?$/.test(path),
          `GET ${JSON.stringify(path)} should be 400 or 404, not ${status}`,
        );
      }
    },
    'handle() answers 405 or 404 for a method that is not listed': async () => {
      const listed = await routes();
      const patterns = (await client.list()).filter(({ path }) => PARAMETER.test(path));
      for (const { path } of listed) {
        for (const method of [...METHODS, 'PLINTH']) {
          // A pattern may match this path too.
          if (
            listed.some((one) => one.path === path && one.method === method) ||
            patterns.some((one) => one.method === method)
          )
            continue;
          const status = await statusOf(method, path);
          ensure(
            status === 405 || status === 404,
            `${method} ${path} isn't listed and should be 405, not ${status}`,
          );
        }
      }
    },
  });
}
