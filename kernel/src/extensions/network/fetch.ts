/**
 * `ctx.fetch`: network access as a call to the host. The plugin never has a socket. The kernel
 * checks the URL and each redirect. The host sends one request at a time, without cookies, to an
 * address that it has checked.
 */
import { A_TIME, alarm, createError, isTime, messageOf } from '@plinth/sdk/contract';
import type { FetchAsk } from '../../guests/machine.js';
import type { NetworkRequest, NetworkResponse, SendRequest } from '../../host-abilities.js';
import type { PermissionSet } from '../../permissions/broker.js';

const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
]);
/** Headers that only the host sets. */
const FORBIDDEN =
  /^(?:host|connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|expect|via|proxy-.*|sec-.*|origin|referer)$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const MAX_HEADERS = 64;
const MAX_HEADER = 8_192;
/** Longest name of a header, and of a method. */
const MAX_NAME = 256;
const MAX_URL = 8_192;
const MAX_SENT = 8_388_608;
const MAX_RECEIVED = 16_777_216;
const MAX_REDIRECTS = 5;
const DEFAULT_TIME = 30_000;
/** The most concurrent requests of one plugin. */
const MAX_OPEN = 32;

const open = new WeakMap<PermissionSet, number>();

/**
 * Fetches for a plugin.
 *
 * @param demand throws when a URL may not be fetched by a method.
 * @param signal ends the request.
 * @param namesHost whether all whose rights count name the host of a URL.
 * @throws PluginPermissionError `permission/denied`, PluginValidationError `network/invalid`,
 * PluginNetworkError `network/failed`, PluginTimeoutError `call/timeout`, PluginOverloadedError
 * `network/too-large`, `call/overloaded`.
 */
export async function fetchFor(
  plugin: string,
  permissions: PermissionSet,
  demand: (method: string, url: string) => void,
  send: SendRequest | undefined,
  ask: FetchAsk,
  signal: AbortSignal,
  namesHost: (url: string) => boolean,
): Promise<Fetched> {
  const request = checked(plugin, ask);
  demand(request.method, request.url);
  if (send === undefined)
    throw createError('network/failed', `${plugin} cannot fetch: the host offers no network`, {
      plugin,
    });
  const running = open.get(permissions) ?? 0;
  if (running >= MAX_OPEN)
    throw createError('call/overloaded', `${plugin} has ${MAX_OPEN} requests under way already`, {
      plugin,
    });
  open.set(permissions, running + 1);
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const { traceparent, timeout: time = DEFAULT_TIME } = ask;
  const late = alarm(
    () =>
      stop.abort(
        createError('call/timeout', `${request.url} did not answer ${plugin} within ${time} ms`, {
          plugin,
          details: { timeout: time },
        }),
      ),
    time,
  );
  try {
    return await follow(plugin, request, demand, (next) =>
      send({
        ...next,
        signal: stop.signal,
        maxBytes: MAX_RECEIVED,
        privateAllowed: namesHost(next.url),
        ...(traceparent !== undefined && { traceparent }),
      }),
    );
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    late.clear();
    signal.removeEventListener('abort', onAbort);
    const left = (open.get(permissions) ?? 1) - 1;
    if (left === 0) open.delete(permissions);
    else open.set(permissions, left);
  }
}

/** Sends a request, and follows redirects. */
async function follow(
  plugin: string,
  first: Checked,
  demand: (method: string, url: string) => void,
  send: (request: Checked) => Promise<NetworkResponse>,
): Promise<Fetched> {
  let request = first;
  try {
    for (let hops = 0; ; hops++) {
      const response = await send(request);
      const location =
        response.status >= 300 && response.status < 400
          ? response.headers.find(([name]) => name === 'location')?.[1]
          : undefined;
      if (location === undefined || response.status === 304)
        return { ...response, url: request.url, redirected: hops > 0 };
      if (hops === MAX_REDIRECTS)
        throw createError(
          'network/failed',
          `${first.url} was redirected more than ${MAX_REDIRECTS} times`,
          { plugin },
        );
      request = redirected(plugin, request, response.status, location);
      // A redirect is checked like the first URL, because a granted server must not be a way to
      // others.
      demand(request.method, request.url);
    }
  } catch (error) {
    if (
      typeof (error as { code?: unknown }).code === 'string' &&
      /^(?:network|permission|call)\//.test((error as { code: string }).code)
    )
      throw error;
    throw createError(
      'network/failed',
      `${request.url} could not be fetched for ${plugin}: ${messageOf(error)}`,
      { plugin, cause: error },
    );
  }
}

/** The last answer, and where it came from. */
type Fetched = NetworkResponse & { readonly url: string; readonly redirected: boolean };

type Checked = Pick<NetworkRequest, 'url' | 'method' | 'headers' | 'body'>;

function checked(plugin: string, { url, method, headers, body, timeout }: FetchAsk): Checked {
  const refuse = (why: string) =>
    createError('network/invalid', `${plugin} cannot fetch: ${why}`, { plugin });
  const target = urlOf(url, undefined);
  if (target === undefined)
    throw refuse(
      `'${String(url).slice(0, 200)}' is not a URL of http or https without a name and password`,
    );
  const verb = typeof method === 'string' && method.length <= MAX_NAME ? method.toUpperCase() : '';
  if (!METHODS.has(verb)) throw refuse(`'${String(method).slice(0, 32)}' is not a method`);
  if (timeout !== undefined && !isTime(timeout))
    throw refuse(`a time-out must be ${A_TIME}, not ${messageOf(timeout)}`);
  if (!Array.isArray(headers) || headers.length > MAX_HEADERS)
    throw refuse(`more than ${MAX_HEADERS} headers`);
  const clean = headers.map((one: unknown) => {
    const [name, value] = (Array.isArray(one) ? one : []) as readonly unknown[];
    if (typeof name !== 'string' || typeof value !== 'string')
      throw refuse('a header is a name and a text');
    const lower = name.length > MAX_NAME ? '' : name.toLowerCase();
    if (!TOKEN.test(lower) || value.length > MAX_HEADER || /[^\t\x20-\x7e\x80-\xff]/.test(value))
      throw refuse(`the header '${name.slice(0, 64)}' is not well formed`);
    if (FORBIDDEN.test(lower)) throw refuse(`the header '${lower}' is the host's to set`);
    return [lower, value] as const;
  });
  if (body !== undefined && (verb === 'GET' || verb === 'HEAD'))
    throw refuse(`a ${verb} has no body`);
  if (body !== undefined && !(body instanceof Uint8Array)) throw refuse('a body is bytes');
  if (body !== undefined && body.length > MAX_SENT)
    throw refuse(`a body has at most ${MAX_SENT} bytes, not ${body.length}`);
  return { url: target, method: verb, headers: clean, ...(body !== undefined && { body }) };
}

/** A URL that may be fetched, without its fragment. */
function urlOf(text: unknown, base: string | undefined): string | undefined {
  if (typeof text !== 'string' || text.length > MAX_URL) return undefined;
  try {
    const url = new URL(text, base);
    url.hash = '';
    return (url.protocol === 'https:' || url.protocol === 'http:') &&
      url.username === '' &&
      url.password === ''
      ? url.href
      : undefined;
  } catch {
    return undefined;
  }
}

function redirected(plugin: string, request: Checked, status: number, location: string): Checked {
  const url = urlOf(location, request.url);
  if (url === undefined)
    throw createError('network/failed', `${request.url} redirects ${plugin} to what is no URL`, {
      plugin,
    });
  // Like browsers: a form that was accepted is not sent again.
  const drops = status === 303 || ((status === 301 || status === 302) && request.method === 'POST');
  const sameOrigin = new URL(url).origin === new URL(request.url).origin;
  const headers = request.headers.filter(
    ([name]) =>
      (sameOrigin || (name !== 'authorization' && name !== 'cookie')) &&
      !(drops && name.startsWith('content-')),
  );
  const { body, ...rest } = request;
  return {
    ...rest,
    url,
    headers,
    method: drops && request.method !== 'HEAD' ? 'GET' : request.method,
    ...(body !== undefined && !drops && { body }),
  };
}
