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

/** `contributes.http` of a manifest. A list that is absent is empty. */
export interface DeclaredHttp {
  /** Routes for programs, below `/api/<id>`. */
  readonly api?: readonly DeclaredRoute[];
  /** Pages, below `/<id>`. */
  readonly web?: readonly DeclaredRoute[];
  /** Routes below `/plugins/<id>`. */
  readonly routes?: readonly DeclaredRoute[];
}

/** The lists of a manifest. The options of `http()` say where each is mounted. */
export const AREAS = ['routes', 'api', 'web'] as const;
/** One of them. */
export type Area = (typeof AREAS)[number];

/** A declared route that was read. */
export interface KnownRoute extends DeclaredRoute {
  readonly area: Area;
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
        const given = Object(value) as Readonly<Record<string, unknown>>;
        const names = Object.keys(given);
        const unknown = names.find((name) => !(AREAS as readonly string[]).includes(name));
        if (unknown !== undefined)
          return failed(unknown.slice(0, 40), `is none of ${AREAS.join(', ')}`);
        if (names.length === 0) return failed('routes', 'is missing, and so are api and web');
        const known: KnownRoute[] = [];
        for (const area of AREAS) {
          const list = given[area] ?? [];
          if (!Array.isArray(list) || known.length + list.length > MOST_ROUTES)
            return failed(area, `is a list, and all lists have at most ${MOST_ROUTES} routes`);
          for (const [at, one] of (list as readonly unknown[]).entries()) {
            const read = routeOf(one);
            if (typeof read === 'string') return failed(`${area}.${at}`, read);
            known.push({ ...read, area });
          }
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

function routeOf(value: unknown): Omit<KnownRoute, 'area'> | string {
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
