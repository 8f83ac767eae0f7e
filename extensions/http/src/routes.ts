/** Routes of plugins: each plugin that provides `HttpRoutes` answers below its own path. */
import { HttpRoutes } from '@plinth/sdk/contracts';
import { asksForSocket, connections } from './connection.js';
import { type Area, type KnownRoute, routeIn } from './contribution.js';
import { type Exchange, type Parts, userOf } from './exchange.js';
import { readBody, slow, tooLarge, traceparentOf, typeOf } from './incoming.js';
import { type Answer, isSource, responseOf } from './outgoing.js';
import { type Segments, segmentsOf } from './path-pattern.js';
import { type Place, pathsOf, placeOf } from './places.js';
import { refuse } from './problem.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** Status of an answer that opens a WebSocket. */
const SWITCHED = 101;
/** Milliseconds that a plugin has for a body that it reads while it arrives. */
const UPLOAD_TIME = 300_000;
/** Credentials of the application, and headers that speak for one connection. */
const SECRET: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  // Pages send a token as a subprotocol.
  'sec-websocket-protocol',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Types whose bodies plugins get as text. */
const TEXT = /^(text\/|application\/(json|xml|x-www-form-urlencoded|[a-z0-9.+-]+\+(json|xml))$)/;
/** Query parameters of a request. */
const MOST_PARAMETERS = 256;

/**
 * Answers a request for a plugin. Undefined: the address is none of a plugin.
 *
 * @throws Refusal, or the error of the call.
 */
export async function answerRoute(
  request: Request,
  url: URL,
  exchange: Exchange,
  parts: Parts,
): Promise<Response | undefined> {
  const place = placeOf(url.pathname, parts.settings.mounts);
  if (place === undefined) return undefined;
  const found = routesAt(place, parts);
  if (exchange.nowhere && (found !== undefined || !place.atRoot))
    throw refuse(404, 'http/tenant', 'It is for no tenant, and plugins run in tenants alone.');
  if (found === undefined) {
    if (place.atRoot) return undefined;
    throw refuse(404, 'plugin/not-found', 'No plugin answers here.');
  }
  if (!METHODS.includes(request.method))
    throw refuse(405, 'http/method', 'Plugins answer other methods.', {
      allow: METHODS.join(', '),
    });
  const { areas, declared } = found;
  const { id, path } = place;
  // A service worker can't be loaded through a redirect: as `/id` it could have the whole origin. The
  // address is relative, since a server may have stripped a prefix.
  if (place.atRoot && url.pathname === `/${id}`)
    return new Response(null, { status: 308, headers: { location: `${id}/${url.search}` } });
  const segments = checkPath(path);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = declared === undefined ? undefined : routeIn(declared, method, segments);
  const leave = parts.inFlight.enterPlugin(id);
  const ended = () => {
    leave();
    exchange.leave();
  };
  try {
    const asked = { request, url, exchange, parts, id, areas, path, method, route, ended };
    return await (route?.socket === true ? openSocket(asked) : ask(asked));
  } catch (error) {
    ended();
    throw error;
  }
}

/** What a plugin answers at a place, and all its lists. One without a declaration has `routes`. */
function routesAt(
  { id, areas }: Place,
  { port, declared }: Parts,
): { readonly areas: readonly Area[]; readonly declared?: readonly KnownRoute[] } | undefined {
  if (id === '') return undefined;
  const plugin = port.calls.providers(HttpRoutes).find((one) => one.id === id);
  if (plugin === undefined) return undefined;
  const all = declared.of(plugin);
  if (all === undefined) return areas.includes('routes') ? { areas: ['routes'] } : undefined;
  const here = all.filter(({ area }) => areas.includes(area));
  return here.length === 0 ? undefined : { areas: all.map(({ area }) => area), declared: here };
}

interface Asked {
  readonly request: Request;
  readonly url: URL;
  readonly exchange: Exchange;
  readonly parts: Parts;
  readonly id: string;
  /** The lists in which the plugin has routes. */
  readonly areas: readonly Area[];
  readonly path: string;
  readonly method: string;
  readonly route: KnownRoute | undefined;
  /** Called once, when nothing more is sent. */
  ended(): void;
}

async function ask(asked: Asked): Promise<Response> {
  const { request, parts, route } = asked;
  if (asksForSocket(request)) throw refuse(400, 'http/upgrade', 'This address opens no WebSocket.');
  const { limits } = parts.settings;
  if (route?.body === 'stream') return upload(asked);
  return respond(asked, await call(asked, await bodyOf(request, parts), limits.timeout));
}

async function upload(asked: Asked): Promise<Response> {
  const { request, parts } = asked;
  const { limits } = parts.settings;
  const { uploadOf } = await import('./live-body.js');
  let why: 'large' | 'slow' | undefined;
  const body = uploadOf(request, limits, (reason) => {
    why = reason;
  });
  try {
    return await respond(asked, await call(asked, body, UPLOAD_TIME));
  } catch (error) {
    // The plugin's error is that its body has failed.
    if (why === 'large') throw tooLarge(limits.upload);
    throw why === 'slow' ? slow() : error;
  }
}

async function openSocket(asked: Asked): Promise<Response> {
  const { request, exchange, parts, ended } = asked;
  if (!asksForSocket(request) || connections.get(request)?.upgrades !== true)
    throw refuse(426, 'http/upgrade', 'This address opens WebSockets, and nothing else.', {
      upgrade: 'websocket',
      'sec-websocket-version': '13',
    });
  const { LiveSocket } = await import('./live-body.js');
  const socket = new LiveSocket(request, parts);
  try {
    const answer = await call(asked, socket.messages(), parts.settings.limits.timeout);
    const { status, body } = answer;
    if (status === SWITCHED && isSource(body)) return socket.accept(body, exchange, ended);
    socket.end();
    return await respond(asked, answer);
  } catch (error) {
    socket.end();
    throw error;
  }
}

async function call(asked: Asked, body: unknown, timeout: number): Promise<Answer> {
  const { request, url, exchange, parts, id, path, method, route } = asked;
  const { settings, port } = parts;
  const user = await userOf(request, parts);
  const traceparent = traceparentOf(request);
  const handlers = port.calls.client(HttpRoutes, {
    provider: id,
    signal: request.signal,
    timeout: Math.max(timeout, settings.limits.timeout),
    ...(user !== undefined && { user }),
    ...(traceparent !== undefined && { traceparent }),
  });
  const headers = headersOf(request, settings.forward);
  const own = settings.cookies
    ? (await import('./cookies.js')).cookiesOf(request.headers.get('cookie'), id)
    : undefined;
  return handlers.handle({
    method,
    path,
    ...(route !== undefined && route.area !== 'routes' && { area: route.area }),
    ...queryOf(url.searchParams),
    headers: {
      ...(own !== undefined && { cookie: own }),
      ...headers,
      'x-request-id': exchange.requestId,
    },
    ...(body !== undefined && { body }),
  });
}

async function respond(asked: Asked, answer: Answer): Promise<Response> {
  const { request, exchange, parts, id, areas, ended } = asked;
  const { limits, pages, cookies, mounts } = parts.settings;
  const made = cookies ? await import('./cookies.js') : undefined;
  exchange.held = true;
  const policy = {
    ...limits,
    pages,
    ...(made !== undefined && {
      cookies: (given: readonly string[]) =>
        made.cookiesToSet(given, id, pathsOf(id, areas, mounts), limits.headers),
    }),
  };
  const { timeout, answer: most } = limits;
  const cut = connections.get(request)?.cut;
  const response = responseOf(answer, policy, { timeout, most, cut, ended });
  // Nothing reads the body of an answer to HEAD.
  if (request.method === 'HEAD') await response.body?.cancel();
  return response;
}

/** @throws Refusal 400 for a path that can't be decoded, or that hides a separator or a NUL. */
function checkPath(path: string): Segments {
  const segments = /%(00|2f|5c)|\\/i.test(path) ? undefined : segmentsOf(path);
  if (segments === undefined) throw refuse(400, 'http/path', 'The path is not valid.');
  return segments;
}

async function bodyOf(
  request: Request,
  { settings }: Parts,
): Promise<string | Uint8Array | undefined> {
  const bytes = await readBody(request, settings.limits);
  if (bytes === undefined) return undefined;
  return TEXT.test(typeOf(request)) ? new TextDecoder().decode(bytes) : bytes;
}

/** @throws Refusal 400 for too many. */
function queryOf(search: URLSearchParams) {
  if (search.size > MOST_PARAMETERS)
    throw refuse(400, 'http/query', `A query has at most ${MOST_PARAMETERS} parameters.`);
  const names = [...new Set(search.keys())];
  return {
    query: Object.fromEntries(names.map((name) => [name, search.get(name) ?? ''])),
    queries: Object.fromEntries(names.map((name) => [name, search.getAll(name)])),
  };
}

function headersOf({ headers }: Request, forward: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => !SECRET.has(name) || forward.includes(name)),
  );
}
