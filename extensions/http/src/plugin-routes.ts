/** Routes of a plugin by method and path, as a provider of `HttpRoutes`. */
import type { Call, PluginContext, StreamInput } from '@plinth/sdk';
import { createError } from '@plinth/sdk/contract';
import { HttpRoutes } from '@plinth/sdk/contracts';

/** The names of the parameters in a path. */
export type ParametersOf<Route extends string> = Route extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer More}`
    ? Name | ParametersOf<`/${More}`>
    : Rest
  : never;

/** A request as a handler sees it. */
export interface RouteRequest<Parameter extends string = string> {
  readonly method: string;
  /** Behind the place where the plugin is mounted. */
  readonly path: string;
  /** Decoded. */
  readonly params: Readonly<Record<Parameter, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** A text for text, JSON, XML and forms; else bytes. */
  readonly body: unknown;
  /** The body as JSON. @throws SyntaxError. */
  json(): unknown;
}

/** What a handler answers. */
export interface RouteAnswer {
  /** Default: 200, or 204 without a body. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
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

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Method = (typeof METHODS)[number];

interface Known {
  readonly method: Method;
  readonly path: string;
  readonly segments: readonly string[];
  readonly handler: RouteHandler;
}

/**
 * Provides routes. A segment like `:id` is a parameter; a path that is written out comes before one
 * with parameters. Unknown paths are answered with 404, and other methods with 405.
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
): { dispose(): void } {
  const known = Object.entries<RouteHandler>(handlers as Readonly<Record<string, RouteHandler>>)
    .map(([route, handler]) => knownOf(route, handler))
    .sort((one, other) => rank(one) - rank(other));
  const shapes = known.map(({ method, segments }) => `${method} ${shapeOf(segments)}`);
  const twice = shapes.find((shape, at) => shapes.indexOf(shape) !== at);
  if (twice !== undefined) throw invalid(`'${twice}' is there twice`);
  return ctx.provide(HttpRoutes, {
    list: () => known.map(({ method, path }) => ({ method, path })),
    handle: async ({ method, path, query = {}, headers = {}, body }, call) => {
      const segments = segmentsOf(path);
      if (segments === undefined) return { status: 400, headers: {} };
      const there = known.filter((one) => fits(one.segments, segments));
      const found = there.find((one) => one.method === method);
      if (found === undefined) {
        if (there.length === 0) return { status: 404, headers: {} };
        const allow = [...new Set(there.map((one) => one.method))].join(', ');
        return { status: 405, headers: { allow } };
      }
      const params = paramsOf(found.segments, segments);
      const json = () => JSON.parse(typeof body === 'string' ? body : '');
      return answerOf(
        await found.handler({ method, path, params, query, headers, body, json }, call),
      );
    },
  });
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

function knownOf(route: string, handler: RouteHandler): Known {
  const [method = '', path = '', ...more] = route.split(' ');
  if (!METHODS.includes(method as Method) || more.length > 0 || typeof handler !== 'function')
    throw invalid(`'${route.slice(0, 80)}' is no route: write one like 'GET /notes/:id'`);
  const segments = segmentsOf(path);
  const names = segments?.filter((one) => one.startsWith(':')) ?? [];
  if (segments === undefined || new Set(names).size < names.length || names.includes(':'))
    throw invalid(`'${path.slice(0, 80)}' is no path: write one like '/notes/:id'`);
  return { method: method as Method, path, segments, handler };
}

/** Segments, decoded. Undefined for a path that is malformed. */
function segmentsOf(path: string): readonly string[] | undefined {
  if (!path.startsWith('/') || path.includes('\0')) return undefined;
  try {
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

const fits = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, at) => (part.startsWith(':') ? segments[at] !== '' : part === segments[at]));

const paramsOf = (pattern: readonly string[], segments: readonly string[]) =>
  Object.fromEntries(
    pattern.flatMap((part, at) =>
      part.startsWith(':') ? [[part.slice(1), segments[at] as string]] : [],
    ),
  );

const rank = ({ segments }: Known): number =>
  segments.filter((part) => part.startsWith(':')).length;

const shapeOf = (segments: readonly string[]): string =>
  `/${segments.map((part) => (part.startsWith(':') ? ':' : part)).join('/')}`;

const invalid = (what: string) => createError('contract/invalid', `routes(): ${what}`);
