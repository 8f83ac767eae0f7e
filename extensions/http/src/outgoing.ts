/** Makes responses of what plugins answer. Each part of an answer is checked before it is sent. */
import type { InferOutput } from '@plinth/sdk/contract';
import type { HttpRoutes } from '@plinth/sdk/contracts';
import { Refusal } from './problem.js';
import { type StreamParts, streamOf } from './stream.js';

/** What a plugin answers. */
export type Answer = InferOutput<NonNullable<typeof HttpRoutes.handle.output>>;

/** Bounds and policy of answers. */
export interface AnswerPolicy {
  /** Bytes of a body that is no stream. */
  readonly answer: number;
  /** Bytes of headers. */
  readonly headers: number;
  readonly pages: 'sandbox' | 'same-origin';
  /** What is made of the cookies of the plugin; undefined when they are malformed. Absent: none are set. */
  cookies?(given: readonly string[]): readonly string[] | undefined;
}

/** A token and a field value of RFC 9110. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]{1,128}$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const MOST_HEADERS = 64;

/** Headers that speak for the connection or for the whole origin, which is the application's. */
const WITHHELD = new RegExp(
  '^(?:(?:access-control|proxy|public-key-pins|sec)-.*|' +
    'accept-ch|alt-svc|clear-site-data|connection|content-length|critical-ch|expect-ct|keep-alive|' +
    'nel|origin-agent-cluster|report-to|service-worker-allowed|set-cookie|set-login|' +
    'shared-storage-write|strict-transport-security|trailer|transfer-encoding|upgrade|' +
    'use-as-dictionary|x-request-id)$',
);
/** Statuses without a body. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);
/** Scripts run and forms are sent, from an origin that is no page's. */
const SANDBOX = 'sandbox allow-forms allow-scripts';

/**
 * Makes the response. A stream takes over `ended`; else it has been called.
 *
 * @throws Refusal 502 for an answer that can't be sent.
 */
export function responseOf(
  { status, headers: given, body }: Answer,
  policy: AnswerPolicy,
  stream: StreamParts,
): Response {
  let headers: Headers;
  try {
    if (status < 200) throw invalid('its status speaks for the connection');
    headers = headersOf(given, policy);
  } catch (error) {
    discard(body);
    throw error;
  }
  if (EMPTY.has(status) || body === undefined || body === null) {
    discard(body);
    stream.ended();
    return new Response(null, { status, headers });
  }
  if (isSource(body)) return new Response(streamOf(body, stream), { status, headers });
  const whole = wholeOf(body, policy.answer);
  stream.ended();
  return new Response(whole as BodyInit, { status, headers });
}

function wholeOf(body: unknown, most: number): string | ArrayBuffer | ArrayBufferView {
  if (typeof body === 'string') {
    if (body.length > most) throw invalid(`its body has more than ${most} bytes`);
    return body;
  }
  if (!(body instanceof ArrayBuffer || ArrayBuffer.isView(body)))
    throw invalid('its body is neither a text nor bytes nor a stream');
  if (body.byteLength > most) throw invalid(`its body has more than ${most} bytes`);
  return body;
}

function headersOf(given: Answer['headers'], policy: AnswerPolicy): Headers {
  const headers = new Headers();
  const entries = Object.entries(given).flatMap(([written, values]) =>
    [values].flat().map((value) => [written.toLowerCase(), value] as const),
  );
  if (entries.length > MOST_HEADERS) throw invalid(`it has more than ${MOST_HEADERS} headers`);
  let size = 0;
  const cookies: string[] = [];
  for (const [name, value] of entries) {
    size += name.length + value.length + 4;
    if (size > policy.headers) throw invalid(`its headers have more than ${policy.headers} bytes`);
    if (!NAME.test(name) || !VALUE.test(value)) throw invalid('it has a header that is malformed');
    if (name === 'set-cookie') cookies.push(value);
    if (WITHHELD.test(name)) continue;
    headers.append(name, value);
  }
  const set = policy.cookies === undefined ? [] : policy.cookies(cookies);
  if (set === undefined) throw invalid('it has a cookie that is malformed');
  for (const cookie of set) headers.append('set-cookie', cookie);
  headers.set('x-content-type-options', 'nosniff');
  // A second policy only narrows what the first one allows.
  if (policy.pages === 'sandbox') headers.append('content-security-policy', SANDBOX);
  return headers;
}

/** Stops a stream that is not sent. */
function discard(body: unknown): void {
  if (isSource(body)) Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => {});
}

/** Whether a body is a stream. */
export const isSource = (body: unknown): body is AsyncIterable<unknown> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

const invalid = (what: string) =>
  new Refusal({
    status: 502,
    code: 'call/invalid-output',
    detail: `The answer of the plugin can't be sent: ${what}.`,
  });
