/** Which pages may send requests and read answers. */
import { asksForSocket } from './connection.js';
import { refuse } from './problem.js';

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Seconds for which browsers remember the answer to a preflight. */
const REMEMBERED = '600';

/**
 * Refuses changes that a page of another origin sends: a browser would send the user's cookies with
 * them.
 *
 * @throws Refusal 403.
 */
export function checkOrigin(request: Request, url: URL, origins: readonly string[]): void {
  const origin = request.headers.get('origin');
  // Browsers open WebSockets to any origin, with the user's cookies.
  const safe = SAFE.has(request.method) && !asksForSocket(request);
  if (origin === null || safe || origins.includes(origin)) return;
  // A proxy may end TLS, so only the host is compared.
  if (URL.canParse(origin) && new URL(origin).host === url.host) return;
  throw refuse(403, 'http/origin', 'Pages of this origin may not send this.');
}

/** The answer to a preflight of a listed origin, or undefined. */
export function preflight(request: Request, origins: readonly string[]): Response | undefined {
  const { method, headers } = request;
  if (method !== 'OPTIONS' || !headers.has('access-control-request-method')) return undefined;
  if (listed(request, origins) === undefined) return undefined;
  return new Response(null, {
    status: 204,
    headers: [
      ...corsHeaders(request, origins),
      ['access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE'],
      [
        'access-control-allow-headers',
        'authorization, content-type, last-event-id, traceparent, x-plinth-tenant, x-request-id',
      ],
      ['access-control-max-age', REMEMBERED],
    ],
  });
}

/**
 * Headers that let a page of a listed origin read the answer. It gets no cookies. Caches keep answers
 * to others apart, which have none of these headers.
 */
export function corsHeaders(
  request: Request,
  origins: readonly string[],
): readonly [string, string][] {
  if (origins.length === 0) return [];
  const origin = listed(request, origins);
  if (origin === undefined) return [['vary', 'origin']];
  return [
    ['access-control-allow-origin', origin],
    ['access-control-expose-headers', 'x-request-id, traceparent, retry-after'],
    ['vary', 'origin'],
  ];
}

/** The origin of the page that asks, when it is listed. */
function listed({ headers }: Request, origins: readonly string[]): string | undefined {
  const origin = headers.get('origin');
  return origin !== null && origins.includes(origin) ? origin : undefined;
}
