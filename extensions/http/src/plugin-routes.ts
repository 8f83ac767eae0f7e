/** Routes of a plugin by method and path, as a provider of `HttpRoutes`. */
import type { Call, PluginContext, StreamInput } from '@plinth/sdk';
import { createError } from '@plinth/sdk/contract';
import { HttpRoutes } from '@plinth/sdk/contracts';
import {
  inOrder,
  METHODS,
  type Method,
  match,
  type ParametersOf,
  patternOf,
  type Segments,
  segmentsOf,
  shapeOf,
} from './path-pattern.js';

/** A request as a handler sees it. */
export interface RouteRequest<Parameter extends string = string> {
  readonly method: string;
  /** Behind the place where the plugin is mounted. */
  readonly path: string;
  /** The list of the manifest that has the route. Undefined for `contributes.http.routes`. */
  readonly area?: 'api' | 'web';
  /** Decoded. */
  readonly params: Readonly<Record<Parameter, string>>;
  /** Of parameters that are repeated, the first value. */
  readonly query: Readonly<Record<string, string>>;
  /** All values of each parameter. */
  readonly queries: Readonly<Record<string, readonly string[]>>;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** A text for text, JSON, XML and forms; else bytes. */
  readonly body: unknown;
  /** The body as JSON. @throws SyntaxError, which is answered with 400 when it isn't caught. */
  json(): unknown;
  /**
   * The body while it arrives, for a route that the manifest declares with `"body": "stream"`; or
   * the messages of a client, with `"socket": true`.
   *
   * @throws TypeError for another route.
   */
  stream(): AsyncIterable<Uint8Array | string>;
}

/** What a handler answers. */
export interface RouteAnswer {
  /** Default: 200, or 204 without a body. 101 opens a WebSocket, whose messages are the body's parts. */
  readonly status?: number;
  /** A list sends a header several times. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array | ArrayBuffer | StreamInput<Uint8Array | string>;
  /** A value that is sent as JSON, in place of a body. */
  readonly json?: unknown;
}

/** Answers requests of a route. `call.user` is the user, if the application knows one. */
export type RouteHandler<Parameter extends string = string> = (
  request: RouteRequest<Parameter>,
  call: Call,
) => RouteAnswer | Promise<RouteAnswer>;

/** Handlers by method and path. */
export type RouteHandlers<Route extends string> = {
  readonly [R in Route]: RouteHandler<ParametersOf<R>>;
};

/** Handlers of the lists of `contributes.http`, which may have routes of one path. */
export interface RouteAreas<Api extends string, Web extends string, Plain extends string = never> {
  readonly api?: RouteHandlers<Api>;
  readonly web?: RouteHandlers<Web>;
  readonly routes?: RouteHandlers<Plain>;
}

interface Known {
  /** Undefined: `routes`, or any where no lists are given. */
  readonly area: 'api' | 'web' | undefined;
  readonly method: Method;
  readonly path: string;
  readonly segments: Segments;
  readonly handler: RouteHandler;
}

/**
 * Provides routes. A segment like `:id` is a parameter, and `*rest` at the end is all that is left; a
 * path that is written out comes before one with parameters. Unknown paths are answered with 404, and other methods with 405.
 *
 * The manifest has `"provides": ["plinth.http-routes@1"]` and the right
 * `"contracts": { "provide": ["plinth.http-routes"] }`.
 *
 * @throws PluginDefinitionError `contract/invalid` for a route that is none, or twice the same.
 * @example
 * routes(ctx, {
 *   'GET /notes/:id': ({ params }) => ({ json: notes.get(params.id) }),
 *   'POST /notes': ({ json }, call) => ({ status: 201, json: add(json(), call.user) }),
 * });
 */
export function routes<const Route extends string>(
  ctx: Pick<PluginContext, 'provide'>,
  handlers: RouteHandlers<Route>,
): { dispose(): void };
/**
 * Provides routes of `contributes.http.api`, `.web` and `.routes`, each list with handlers of its own.
 * A host that is older than these lists doesn't say which one a request is for: then any answers.
 *
 * @throws PluginDefinitionError `contract/invalid` for a route that is none, or twice the same.
 * @example
 * routes(ctx, {
 *   api: { 'GET /notes': () => ({ json: notes.all() }) },
 *   web: { 'GET /notes': () => ({ body: page(notes.all()), headers: { 'content-type': 'text/html' } }) },
 * });
 */
export function routes<
  const Api extends string,
  const Web extends string,
  const Plain extends string = never,
>(ctx: Pick<PluginContext, 'provide'>, areas: RouteAreas<Api, Web, Plain>): { dispose(): void };
/** The implementation of both overloads. */
export function routes(ctx: Pick<PluginContext, 'provide'>, given: object): { dispose(): void } {
  const known = knownIn(given).sort(inOrder);
  const shapes = known.map(({ area, method, segments }) =>
    [method, shapeOf(segments), area && `of ${area}`].filter(Boolean).join(' '),
  );
  const twice = shapes.find((shape, at) => shapes.indexOf(shape) !== at);
  if (twice !== undefined) throw invalid(`'${twice}' is there twice`);
  const isPlain = known.every(({ area }) => area === undefined);
  const handlersOf = (area: Known['area']) => {
    const own = known.filter((one) => one.area === area);
    return isPlain || (area === undefined && own.length === 0) ? known : own;
  };
  return ctx.provide(HttpRoutes, {
    list: () =>
      known.map(({ area, method, path }) => ({
        method,
        path,
        ...(area !== undefined && { area }),
      })),
    handle: async ({ method, path, area, query = {}, queries = {}, headers = {}, body }, call) => {
      const segments = segmentsOf(path);
      if (segments === undefined) return refused(400, 'http/path', 'The path is not valid.');
      const there = handlersOf(area).filter((one) => match(one.segments, segments) !== undefined);
      const found = there.find((one) => one.method === method);
      if (found === undefined) {
        if (there.length === 0)
          return refused(404, 'http/not-found', 'The plugin has no such route.');
        const allow = [...new Set(there.map((one) => one.method))].join(', ');
        return refused(405, 'http/method', 'This route answers other methods.', { allow });
      }
      const params = match(found.segments, segments) ?? {};
      const place = { method, path, params, ...(area !== undefined && { area }) };
      const request = { ...place, query, queries, headers, body, ...readers(body) };
      try {
        return answerOf(await found.handler(request, call));
      } catch (error) {
        if (!(error instanceof NotJson)) throw error;
        return refused(400, 'http/not-json', 'The body is no valid JSON.');
      }
    },
  });
}

function readers(body: unknown): Pick<RouteRequest, 'json' | 'stream'> {
  return {
    json() {
      try {
        return JSON.parse(typeof body === 'string' ? body : '');
      } catch (error) {
        throw new NotJson((error as Error).message);
      }
    },
    stream() {
      if (typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body))
        throw new TypeError('this route has no stream: declare it in contributes.http');
      return body as AsyncIterable<Uint8Array | string>;
    },
  };
}

/** What `json()` throws: the request is at fault, and not the handler that lets it pass. */
class NotJson extends SyntaxError {}

/** An answer that no handler has given, as the host's own refusals are. */
function refused(status: number, code: string, detail: string, more: Record<string, string> = {}) {
  const headers = { 'content-type': 'application/problem+json', ...more };
  return { status, headers, body: JSON.stringify({ type: 'about:blank', status, code, detail }) };
}

function answerOf({ status, headers = {}, body, json }: RouteAnswer) {
  if (json !== undefined)
    return {
      status: status ?? 200,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(json),
    };
  if (body === undefined) return { status: status ?? 204, headers };
  return { status: status ?? 200, headers, body };
}

/** Handlers of both forms, as one list. @throws PluginDefinitionError `contract/invalid`. */
function knownIn(given: object): Known[] {
  const all = Object.entries<unknown>(given as Readonly<Record<string, unknown>>);
  return all.flatMap(([name, value]) => {
    if (!LISTS.has(name)) return [knownOf(name, value, undefined)];
    if (value === undefined) return [];
    if (typeof value !== 'object' || value === null)
      throw invalid(`'${name}' is an object of handlers, like { 'GET /notes': … }`);
    const area = name === 'routes' ? undefined : (name as 'api' | 'web');
    return Object.entries<unknown>(value as Readonly<Record<string, unknown>>).map((one) =>
      knownOf(...one, area),
    );
  });
}

const LISTS: ReadonlySet<string> = new Set(['api', 'web', 'routes']);

function knownOf(route: string, handler: unknown, area: Known['area']): Known {
  const [method = '', path = '', ...more] = route.split(' ');
  if (!METHODS.includes(method as Method) || more.length > 0 || typeof handler !== 'function')
    throw invalid(`'${route.slice(0, 80)}' is no route: write one like 'GET /notes/:id'`);
  const segments = patternOf(path);
  if (segments === undefined)
    throw invalid(
      `'${path.slice(0, 80)}' is no path: write one like '/notes/:id' or '/files/*path'`,
    );
  return { area, method: method as Method, path, segments, handler: handler as RouteHandler };
}

const invalid = (what: string) => createError('contract/invalid', `routes(): ${what}`);
