/** The network of a test: answers by URL. Nothing leaves the machine. */
import type { NetworkRequest, NetworkResponse, SendRequest } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';

/** A request of a plugin, as a stub sees it. */
export interface StubRequest {
  readonly url: string;
  readonly method: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty when there is no body. */
  readonly body: Uint8Array;
  /** The body as text. */
  text(): string;
}

/** What a stub answers: a text or bytes, or all parts of a response. */
export type StubAnswer =
  | string
  | Uint8Array
  | {
      /** 200 when absent. */
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
      /** A body as JSON, in place of `body`. */
      readonly json?: unknown;
    };

/**
 * Answers by URL. A URL that ends in `*` answers all that begin with it. The longest fitting one
 * answers; a request that none fits is refused.
 */
export type StubNetwork = Readonly<
  Record<string, StubAnswer | ((request: StubRequest) => StubAnswer | Promise<StubAnswer>)>
>;

/** What a host offers for `ctx.fetch`. */
export function networkOf(stubs: StubNetwork = {}): SendRequest {
  const urls = Object.keys(stubs).sort((one, other) => other.length - one.length);
  return async (request) => {
    const url = urls.find((one) =>
      one.endsWith('*') ? request.url.startsWith(one.slice(0, -1)) : normal(one) === request.url,
    );
    const answer = url === undefined ? undefined : stubs[url];
    if (answer === undefined)
      throw createError(
        'network/failed',
        `the test's network has no answer for ${request.method} ${request.url}: ${
          urls.length === 0 ? "give one in 'network'" : `it has ${urls.join(', ')}`
        }`,
        { details: { url: request.url } },
      );
    return responseOf(typeof answer === 'function' ? await answer(viewOf(request)) : answer);
  };
}

/** As the kernel writes a URL: `https://a.example` has a path of `/`. */
function normal(url: string): string {
  try {
    return new URL(url).href;
  } catch {
    return url;
  }
}

function viewOf({ url, method, headers, body = new Uint8Array() }: NetworkRequest): StubRequest {
  return {
    url,
    method,
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body,
    text: () => new TextDecoder().decode(body),
  };
}

function responseOf(answer: StubAnswer): NetworkResponse {
  const whole =
    typeof answer === 'string' || answer instanceof Uint8Array ? { body: answer } : answer;
  const { status = 200, headers = {}, json } = whole;
  const body = json === undefined ? (whole.body ?? '') : JSON.stringify(json);
  const type =
    json !== undefined
      ? 'application/json'
      : typeof body === 'string'
        ? 'text/plain'
        : 'application/octet-stream';
  return {
    status,
    statusText: '',
    headers: Object.entries({ 'content-type': type, ...headers }),
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  };
}
