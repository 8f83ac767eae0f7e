/** Errors as problem documents (RFC 9457). What a client learns of an error is decided here. */
import { PluginDeclaredError, PluginError } from '@plinth/sdk';

/** Statuses by code, or by the area of a code. The first that fits counts. */
const STATUSES: readonly (readonly [string, number])[] = [
  ['call/unauthenticated', 401],
  ['permission/rate', 429],
  ['permission/invalid', 400],
  ['permission/', 403],
  ['call/invalid-input', 400],
  ['call/invalid-option', 400],
  ['value/invalid', 400],
  ['config/invalid', 400],
  ['archive/', 422],
  ['manifest/', 422],
  ['signature/', 422],
  ['plugin/digest-mismatch', 422],
  ['secret/invalid', 400],
  ['storage/invalid-key', 400],
  ['storage/conflict', 409],
  ['call/unknown-command', 404],
  ['plugin/not-found', 404],
  ['call/rate-limited', 429],
  ['call/overloaded', 503],
  ['call/circuit-open', 503],
  ['call/timeout', 504],
  ['plugin/timeout', 504],
  ['guest/unresponsive', 504],
  ['call/cancelled', 499],
  ['plugin/duplicate', 409],
  ['plugin/downgrade', 409],
  ['plugin/illegal-transition', 409],
  ['plugin/no-previous-version', 409],
  // It doesn't run, for whatever reason.
  ['plugin/', 503],
  ['kernel/stopped', 503],
  ['storage/locked', 503],
  ['secret/locked', 503],
  ['storage/quota', 507],
  ['guest/', 502],
  ['call/invalid-output', 502],
  ['call/undeclared-error', 502],
  ['wire/refused', 502],
];

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'The request names no user',
  403: 'This is not allowed',
  404: 'There is nothing at this address',
  405: 'This method is not answered here',
  408: 'The request was not sent in time',
  409: 'The state of the plugin does not allow this',
  413: 'The body is too large',
  414: 'The address is too long',
  415: 'This type of body is not read',
  421: 'This host is not served',
  422: 'The request was refused',
  426: 'This address opens WebSockets',
  429: 'There were too many requests',
  431: 'The headers are too large',
  499: 'The client has cancelled',
  500: 'The request failed',
  502: 'The plugin gave no valid answer',
  503: 'This is not available now',
  504: 'The answer took too long',
  507: 'The storage is full',
};

/** The most issues of an input that an answer names, and characters of each text. */
const MOST_ISSUES = 20;
const MOST_TEXT = 500;

/** A problem as it is sent. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title?: string;
  readonly detail?: string;
  /** More members of the document. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error of a request that was refused before a plugin saw it. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.code);
    this.problem = problem;
  }
}

/** Refuses a request. */
export function refuse(
  status: number,
  code: string,
  detail: string,
  headers?: Readonly<Record<string, string>>,
): Refusal {
  return new Refusal({ status, code, detail, ...(headers && { headers }) });
}

/** The problem document of an error. It never has a stack, a cause or a message of foreign code. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) return error.problem;
  if (error instanceof PluginDeclaredError)
    return { status: 422, code: error.code, more: { data: error.data } };
  if (!(error instanceof PluginError)) return { status: 500, code: 'call/failed' };
  const { code, details } = error;
  const status = statusOf(code);
  return {
    status,
    // Code of a plugin chooses its own codes; only those of the kernel are told.
    code: status === 500 ? 'call/failed' : code,
    ...(code === 'call/invalid-input' && { more: { issues: issuesOf(details.issues) } }),
    ...((status === 429 || status === 503) && { headers: { 'retry-after': retryAfter(details) } }),
  };
}

/** The response for a problem. */
export function problemResponse(problem: Problem, requestId: string): Response {
  const { status, code, detail, more, headers } = problem;
  const body = {
    type: 'about:blank',
    title: problem.title ?? TITLES[status] ?? 'The request failed',
    status,
    code,
    ...(detail !== undefined && { detail }),
    requestId,
    ...more,
  };
  return new Response(textOf(body) ?? '{}', {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...headers,
    },
  });
}

/** A value as JSON text. Undefined for values that JSON can't express. */
export function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

const statusOf = (code: string): number =>
  STATUSES.find(([one]) => (one.endsWith('/') ? code.startsWith(one) : code === one))?.[1] ?? 500;

function issuesOf(issues: unknown): unknown {
  if (!Array.isArray(issues)) return [];
  return issues.slice(0, MOST_ISSUES).map((issue: Readonly<Record<string, unknown>> | null) => ({
    message: String(issue?.message ?? '').slice(0, MOST_TEXT),
    path: pathOf(issue?.path),
  }));
}

function pathOf(path: unknown): string {
  if (!Array.isArray(path)) return '';
  const keys = path.map((part: unknown) =>
    typeof part === 'object' && part !== null ? (part as { key?: unknown }).key : part,
  );
  return keys.map(String).join('.').slice(0, MOST_TEXT);
}

/** Seconds, at least one. */
function retryAfter({ retryAfter: after }: Readonly<Record<string, unknown>>): string {
  return String(typeof after === 'number' && after > 0 ? Math.ceil(after / 1_000) : 1);
}
