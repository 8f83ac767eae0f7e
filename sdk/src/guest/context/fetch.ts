/** `ctx.fetch` as a plugin sees it. */
import type { FetchOptions, FetchResponse } from '../../context.js';
import { createSharedError } from '../../contract/errors.js';
import { Op } from '../../contract/operations.js';
import { A_TIME, isTime } from '../../contract/time.js';
import type { Link } from '../../rpc/link.js';
import { textIn } from '../arguments.js';
import { type HandlerScope, parentOf } from '../handler-call.js';
import { requestKernel } from '../kernel-calls.js';
import { bytesOf } from './bytes.js';

interface Answer {
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Creates `ctx.fetch`. */
export function createFetch(
  link: Link,
  handling: HandlerScope,
): (url: string | URL, options?: FetchOptions) => Promise<FetchResponse> {
  return async (url, options = {}) => {
    if (!isObject(options) || !isObject(options.headers === undefined ? {} : options.headers))
      throw createSharedError('network/invalid', 'options and headers are objects');
    const { method = 'GET', headers = {}, body, signal, timeout } = options;
    if (timeout !== undefined && !isTime(timeout))
      throw createSharedError(
        'network/invalid',
        `timeout must be ${A_TIME}, not ${String(timeout)}`,
      );
    const parent = parentOf(handling, options)?.sequence ?? 0;
    const pairs =
      Symbol.iterator in headers
        ? [...headers].map(([name, value]) => [name, value])
        : Object.entries(headers);
    const asked = {
      url: textIn(typeof url === 'string' ? url : url?.href, 'a URL', 'network/invalid', 8_192),
      method: textIn(method, 'a method', 'network/invalid', 256),
      headers: pairs,
      body: bodyOf(body),
    };
    return responseOf(
      (await requestKernel(link, Op.fetch, asked, [timeout ?? 0, parent], signal)) as Answer,
    );
  };
}

const isObject = (value: unknown) => value !== null && typeof value === 'object';

/** @throws PluginValidationError `network/invalid`. */
function bodyOf(body: FetchOptions['body']): Uint8Array | undefined {
  const bytes = bytesOf(body);
  if (bytes === undefined && body !== undefined && body !== null)
    throw createSharedError('network/invalid', 'a body is a text or bytes');
  return bytes;
}

function responseOf({ url, redirected, status, statusText, headers, body }: Answer): FetchResponse {
  const text = () => new TextDecoder().decode(body);
  return Object.freeze({
    url,
    redirected,
    status,
    statusText,
    ok: status >= 200 && status < 300,
    headers: Object.freeze({
      get: (name: string) => {
        const values = headers
          .filter(([one]) => one === name.toLowerCase())
          .map(([, value]) => value);
        return values.length === 0 ? null : values.join(', ');
      },
      has: (name: string) => headers.some(([one]) => one === name.toLowerCase()),
      entries: () =>
        headers.map(([name, value]) => [name, value] as [string, string])[Symbol.iterator](),
    }),
    bytes: async () => body.slice(),
    arrayBuffer: async () => body.slice().buffer,
    text: async () => text(),
    json: async () => JSON.parse(text()) as unknown,
  });
}
