/** Routes of plugins: each plugin that provides `HttpRoutes` answers below its own path. */
import { HttpRoutes } from '@plinth/sdk/contracts';
import { connections } from './connection.js';
import { type Exchange, type Parts, userOf } from './exchange.js';
import { readBody, traceparentOf, typeOf } from './incoming.js';
import { responseOf } from './outgoing.js';
import { refuse } from './problem.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const ID = /^[a-z][a-z0-9.-]{0,127}$/;
/** Credentials of the application, and headers that speak for one connection. */
const SECRET: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
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

/** Answers a request below the mount. @throws Refusal, or the error of the call. */
export async function answerRoute(
  request: Request,
  { pathname, searchParams }: URL,
  exchange: Exchange,
  parts: Parts,
): Promise<Response> {
  const { port, settings, inFlight } = parts;
  const mount = settings.mount === false ? '' : settings.mount;
  const [id, path] = split(pathname.slice(mount.length + 1));
  if (!ID.test(id) || !port.calls.providers(HttpRoutes).some((plugin) => plugin.id === id))
    throw refuse(404, 'plugin/not-found', 'No plugin answers here.');
  if (!METHODS.includes(request.method))
    throw refuse(405, 'http/method', 'Plugins answer other methods.', {
      allow: METHODS.join(', '),
    });
  checkPath(path);
  const leave = inFlight.enterPlugin(id);
  const ended = () => {
    leave();
    exchange.leave();
  };
  try {
    const user = await userOf(request, parts);
    const body = await bodyOf(request, parts);
    const traceparent = traceparentOf(request);
    const handlers = port.calls.client(HttpRoutes, {
      provider: id,
      signal: request.signal,
      timeout: settings.limits.timeout,
      ...(user !== undefined && { user }),
      ...(traceparent !== undefined && { traceparent }),
    });
    const answer = await handlers.handle({
      method: request.method === 'HEAD' ? 'GET' : request.method,
      path,
      query: queryOf(searchParams),
      headers: headersOf(request, settings.forward),
      ...(body !== undefined && { body }),
    });
    exchange.held = true;
    const policy = { ...settings.limits, pages: settings.pages };
    const { timeout, answer: most } = settings.limits;
    const response = responseOf(answer, policy, {
      timeout,
      most,
      cut: connections.get(request)?.cut,
      ended,
    });
    // Nothing reads the body of an answer to HEAD.
    if (request.method === 'HEAD') await response.body?.cancel();
    return response;
  } catch (error) {
    ended();
    throw error;
  }
}

function split(rest: string): readonly [string, string] {
  const slash = rest.indexOf('/');
  return slash === -1 ? [rest, '/'] : [rest.slice(0, slash), rest.slice(slash)];
}

/** @throws Refusal 400 for a path that can't be decoded, or that hides a separator or a NUL. */
function checkPath(path: string): void {
  try {
    decodeURIComponent(path);
  } catch {
    throw refuse(400, 'http/path', 'The path is not valid.');
  }
  if (/%(00|2f|5c)|\\/i.test(path)) throw refuse(400, 'http/path', 'The path is not valid.');
}

async function bodyOf(
  request: Request,
  { settings }: Parts,
): Promise<string | Uint8Array | undefined> {
  const bytes = await readBody(request, settings.limits);
  if (bytes === undefined) return undefined;
  return TEXT.test(typeOf(request)) ? new TextDecoder().decode(bytes) : bytes;
}

/** Of repeated parameters the first counts. @throws Refusal 400 for too many. */
function queryOf(search: URLSearchParams): Record<string, string> {
  if (search.size > MOST_PARAMETERS)
    throw refuse(400, 'http/query', `A query has at most ${MOST_PARAMETERS} parameters.`);
  return Object.fromEntries([...search].reverse());
}

function headersOf({ headers }: Request, forward: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => !SECRET.has(name) || forward.includes(name)),
  );
}
