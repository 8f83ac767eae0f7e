/** `contributes.http` of a manifest: the routes of a plugin, known without starting it. */
import type { PointSpec } from '@plinth/kernel/extension';
import { inOrder, METHODS, type Method, match, patternOf, type Segments } from './path-pattern.js';
import { refuse } from './problem.js';

/** A route as a manifest declares it. */
export interface DeclaredRoute {
  readonly method: Method;
  /** Like `/notes/:id` or `/files/*path`. */
  readonly path: string;
  readonly summary?: string;
  /** `stream`: the plugin reads the body while it arrives. */
  readonly body?: 'stream';
  /** Whether it opens WebSockets. Its method is GET. */
  readonly socket?: boolean;
}

/** A declared route that was read. */
export interface KnownRoute extends DeclaredRoute {
  readonly segments: Segments;
}

const MOST_ROUTES = 256;
const MOST_TEXT = 512;
const KEYS: readonly string[] = ['method', 'path', 'summary', 'body', 'socket'];

/** The point. What is declared is answered, and nothing else. */
export const POINT: PointSpec<readonly KnownRoute[]> = {
  point: 'http',
  schema: {
    '~standard': {
      version: 1,
      vendor: 'plinth',
      validate(value) {
        const { routes } = (value ?? {}) as { readonly routes?: unknown };
        if (!Array.isArray(routes) || routes.length > MOST_ROUTES)
          return failed('routes', `is a list of at most ${MOST_ROUTES} routes`);
        const known: KnownRoute[] = [];
        for (const [at, one] of (routes as readonly unknown[]).entries()) {
          const read = routeOf(one);
          if (typeof read === 'string') return failed(`routes.${at}`, read);
          known.push(read);
        }
        return { value: known.sort(inOrder) };
      },
    },
  },
};

/** The declared route of a request. @throws Refusal 404 or 405. */
export function routeIn(
  routes: readonly KnownRoute[],
  method: string,
  segments: Segments,
): KnownRoute {
  const there = routes.filter((one) => match(one.segments, segments) !== undefined);
  if (there.length === 0) throw refuse(404, 'http/not-found', 'The plugin has no such route.');
  const found = there.find((one) => one.method === method);
  if (found === undefined)
    throw refuse(405, 'http/method', 'This route answers other methods.', {
      allow: [...new Set(there.map((one) => one.method))].join(', '),
    });
  return found;
}

function routeOf(value: unknown): KnownRoute | string {
  if (typeof value !== 'object' || value === null) return 'is no object';
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `'${unknown.slice(0, 40)}' is none of ${KEYS.join(', ')}`;
  const { method, path, summary, body, socket = false } = value as Partial<DeclaredRoute>;
  if (method === undefined || !METHODS.includes(method))
    return `'method' is one of ${METHODS.join(', ')}`;
  const segments =
    typeof path === 'string' && path.length <= MOST_TEXT ? patternOf(path) : undefined;
  if (path === undefined || segments === undefined) return "'path' is written like '/notes/:id'";
  if (summary !== undefined && (typeof summary !== 'string' || summary.length > MOST_TEXT))
    return `'summary' is a text of at most ${MOST_TEXT} characters`;
  if (body !== undefined && body !== 'stream') return "'body' is 'stream', or absent";
  if (typeof socket !== 'boolean' || (socket && method !== 'GET'))
    return "'socket' is true for a route of the method GET, or absent";
  return {
    method,
    path,
    segments,
    socket,
    ...(summary !== undefined && { summary }),
    ...(body !== undefined && { body }),
  };
}

const failed = (path: string, message: string) => ({
  issues: [{ message, path: path.split('.') }],
});
