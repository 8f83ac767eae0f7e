/** The checks of `HttpRoutes` find the faults they are for. */
import { HttpRoutes } from '@plinth/sdk/contracts';
import { alternate, contractChecks, prove } from './prove.ts';

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
}
interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}
interface Parts {
  list(): readonly Route[];
  /** The answer of a listed route. */
  answer(route: Route): Answer;
  /** The status of any other request. */
  miss(method: string, path: string): number;
}

const routes: readonly Route[] = [
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/notes/:id' },
  { method: 'POST', path: '/notes' },
];
const fits = (route: Route, path: string) =>
  route.path.endsWith(':id') ? /^\/notes\/[a-z\d]+$/.test(path) : route.path === path;
const isMalformed = (path: string) => path.includes('%') || path.includes('\u0000');
const sound: Parts = {
  list: () => routes,
  answer: ({ method }) => ({
    status: method === 'GET' ? 200 : 201,
    headers: { 'content-type': 'text/plain' },
    body: 'ok',
  }),
  miss: (_, path) =>
    isMalformed(path) ? 400 : routes.some((route) => fits(route, path)) ? 405 : 404,
};
const answer = (change: Partial<Answer> | (() => Partial<Answer>)): Partial<Parts> => ({
  answer: (route) => ({
    ...sound.answer(route),
    ...(typeof change === 'function' ? change() : change),
  }),
});
const missing = (miss: (method: string, path: string) => number | undefined): Partial<Parts> => ({
  miss: (method, path) => miss(method, path) ?? sound.miss(method, path),
});

const LIST = 'list() lists each route once, by a path that starts with a slash';
const GET = 'handle() knows every GET that is listed';
const BODY = 'handle() answers with texts or bytes';
const HEADERS = 'handle() answers with headers that can be sent';
const UNKNOWN = 'handle() answers 404 for an unknown path';
const MALFORMED = 'handle() answers 400 or 404 for a path that is malformed';
const METHOD = 'handle() answers 405 or 404 for a method that is not listed';

prove<typeof HttpRoutes, Parts>({
  contract: HttpRoutes,
  implement(parts) {
    const made = { ...sound, ...parts };
    return {
      list: () => made.list().map((route) => ({ ...route })),
      handle({ method, path }) {
        const route = routes.find((one) => one.method === method && fits(one, path));
        return route === undefined ? { status: made.miss(method, path) } : made.answer(route);
      },
    };
  },
  checks: (kernel) =>
    contractChecks(HttpRoutes, kernel.client(HttpRoutes), { paths: { '/notes/:id': '/notes/n1' } }),
  mutants: [
    ['no routes', { list: () => [] }, LIST],
    ['a route twice', { list: () => [...routes, ...routes] }, LIST],
    ['a path without its slash', { list: () => [{ method: 'GET', path: 'notes' }] }, LIST],
    ['a path with a query', { list: () => [{ method: 'GET', path: '/?q' }] }, LIST],
    ['a method of its own', { list: () => [{ method: 'BREW' as 'GET', path: '/' }] }, LIST],
    [
      'a route that is not there',
      { list: () => [...routes, { method: 'GET', path: '/gone' }] },
      GET,
    ],
    ['a route that fails', answer({ status: 500 }), GET],
    ['a status that is none', answer({ status: 99 }), GET],
    [
      'a route that throws',
      answer(() => {
        throw new Error('no');
      }),
      GET,
    ],
    ['an object as body', answer({ body: { text: 'ok' } }), BODY],
    ['a number as body', answer({ body: 7 }), BODY],
    ['a header that begins another', answer({ headers: { 'x-a': 'one\r\nx-b: two' } }), HEADERS],
    ['a name that is none', answer({ headers: { 'content type': 'text/plain' } }), HEADERS],
    ['a header twice', answer({ headers: { Allow: 'GET', allow: 'POST' } }), HEADERS],
    [
      'a GET that changes something',
      answer(alternate<Partial<Answer>>({ status: 200 }, { status: 200 }, { status: 410 })),
      'handle() answers a GET the same again',
    ],
    [
      'everything is found',
      missing((_, path) => (path === '/plinth-no-such-path' ? 200 : undefined)),
      UNKNOWN,
    ],
    [
      'paths are looked up with what every object has',
      missing((_, path) => (path.slice(1) in {} ? 500 : undefined)),
      UNKNOWN,
    ],
    [
      'POST makes what is missing',
      missing((method) => (method === 'POST' ? 201 : undefined)),
      UNKNOWN,
    ],
    [
      'decoding fails',
      missing((_, path) => {
        decodeURIComponent(path);
        return undefined;
      }),
      MALFORMED,
    ],
    [
      'a malformed path is taken as it is',
      missing((_, path) => (isMalformed(path) ? 200 : undefined)),
      MALFORMED,
    ],
    ['any method will do', missing((_, path) => (path === '/' ? 200 : undefined)), METHOD],
    [
      'an unknown method is a failure',
      missing((method) => (method === 'PLINTH' ? 500 : undefined)),
      METHOD,
    ],
  ],
});
