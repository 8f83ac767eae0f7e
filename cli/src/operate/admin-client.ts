/** Asks the admin API of a running kernel. What it answers is read within bounds and checked. */
import { CliError } from '../terminal/cli-error.js';
import { printable, printableLine } from '../terminal/printable.js';
import type { Address } from './address.js';
import { eventsIn, StreamLost } from './event-stream.js';

/** A request, behind the address of the kernel. */
export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** What is sent, with its type. */
  readonly body?: { readonly type: string; readonly content: string | Uint8Array<ArrayBuffer> };
  /** Milliseconds in which it has to be answered. */
  readonly timeout?: number;
  /** Ends an answer that lasts, which only has to begin in time. */
  readonly lasting?: AbortSignal;
  /** The types that are taken. */
  readonly accept?: string;
}

/** A body of JSON. */
export const jsonBody = (value: unknown) => ({
  type: 'application/json',
  content: JSON.stringify(value),
});

/** What a header can have. */
const PLAIN = /^[\u0021-\u007e]+$/;
const EVENTS = 'text/event-stream';
const TIMEOUT = 60_000;
/** Milliseconds without anything of a stream. A kernel says more often that it is there. */
const SILENCE = 60_000;
/** Most bytes of an answer. */
const MAX_ANSWER = 256 * 1_048_576;
const LONGEST = 2_000;
/** Codes of an admin API that has no such operation. */
const NOT_OFFERED: readonly unknown[] = ['http/not-found', 'http/method'];

/** The error of an operation that a kernel's admin API doesn't have. */
export const isNotOffered = (error: unknown): boolean =>
  error instanceof CliError && error.code === 'remote/not-offered';

/** Owns nothing but the address. */
export class AdminClient {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  /**
   * The JSON of an answer; undefined where it has no body.
   *
   * @throws CliError `remote/…`, or with the code of the problem that was answered.
   */
  async json(path: string, ask: Ask = {}): Promise<unknown> {
    return this.#parsed(await this.text(path, ask), path);
  }

  #parsed(text: string, path: string): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.#strange(`what ${path} answers is not JSON`, cause);
    }
  }

  /** The answer of a command: JSON, or the parts of a stream as they come. */
  async answer(path: string, ask: Ask): Promise<unknown> {
    const ended = new AbortController();
    const accept = `${EVENTS}, application/json`;
    const response = await this.#fetch(path, { ...ask, accept, lasting: ended.signal });
    const { body, headers, ok } = response;
    if (ok && body !== null && headers.get('content-type')?.startsWith(EVENTS) === true)
      return this.#parts(body, path);
    const timer = setTimeout(() => ended.abort(), ask.timeout ?? TIMEOUT);
    try {
      const text = await this.#read(response, path);
      if (!ok) throw this.#refused(response, text, path);
      return this.#parsed(text, path);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The parts of a stream. @throws CliError with the code of its failure, or `remote/…`. */
  async *#parts(body: ReadableStream<Uint8Array>, path: string): AsyncGenerator<unknown, void> {
    try {
      for await (const { event, data } of eventsIn(body, SILENCE, MAX_ANSWER)) {
        if (event === 'end') return;
        const value = JSON.parse(data) as unknown;
        if (event !== 'error') {
          yield value;
          continue;
        }
        const { code, detail } = Object(value) as Readonly<Record<string, unknown>>;
        const why = printable(String(detail ?? 'the command failed').slice(0, LONGEST));
        throw new CliError(printableLine(String(code ?? 'remote/refused'), 100), why);
      }
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      if (!(cause instanceof StreamLost)) throw this.#strange(`${path} answers no events`, cause);
    }
    throw new CliError('remote/unreachable', `the answer of ${this.#address.base} ended early`);
  }

  /** The JSON of an answer that is an object. */
  async object<T extends object>(path: string, ask: Ask = {}): Promise<T> {
    const value = await this.json(path, ask);
    if (typeof value === 'object' && value !== null) return value as T;
    throw this.#strange(`${path} answers ${value === undefined ? 'nothing' : typeof value}`);
  }

  /** What happens in the kernel, as a stream of Server-Sent Events that the signal ends. */
  async events(query: Ask['query'], signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const path = 'api/v1/events';
    const response = await this.#fetch(path, { query: query ?? {}, lasting: signal });
    if (!response.ok) throw this.#refused(response, await this.#read(response, path), path);
    const { body, headers } = response;
    if (body !== null && headers.get('content-type')?.startsWith(EVENTS) === true) return body;
    await body?.cancel();
    throw this.#strange(`${path} answers no events`);
  }

  /** The text of an answer. */
  async text(path: string, ask: Ask = {}): Promise<string> {
    const response = await this.#fetch(path, ask);
    const body = await this.#read(response, path);
    if (response.ok) return body;
    throw this.#refused(response, body, path);
  }

  /** The error for an answer that no admin API gives. */
  #strange(what: string, cause?: unknown): CliError {
    return new CliError('remote/unexpected', `${what}, at ${this.#address.base}`, {
      cause,
      cure: 'Check that --url names a kernel with @plinth/http, of the version of this plinth.',
    });
  }

  async #fetch(
    path: string,
    { method = 'GET', query = {}, body, timeout, lasting, accept }: Ask,
  ): Promise<Response> {
    const { base, token, tenant } = this.#address;
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, value);
    const types = accept ?? (lasting === undefined ? 'application/json' : EVENTS);
    const headers = new Headers({ accept: types });
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    // Names of tenants are of any letters, and headers are not.
    if (tenant !== undefined && PLAIN.test(tenant)) headers.set('x-plinth-tenant', tenant);
    else if (tenant !== undefined) url.searchParams.set('tenant', tenant);
    // A server sees a body of no bytes where there is none.
    if (method !== 'GET') headers.set('content-type', body?.type ?? 'application/json');
    const limit = timeout ?? TIMEOUT;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new DOMException('', 'TimeoutError')), limit);
    // What lasts has to begin in time, and anything else to end.
    const signal =
      lasting === undefined ? AbortSignal.timeout(limit) : AbortSignal.any([late.signal, lasting]);
    try {
      return await fetch(url, {
        method,
        headers,
        ...(body !== undefined && { body: body.content }),
        // A token is for this address alone.
        redirect: 'manual',
        signal,
      });
    } catch (cause) {
      throw this.#unreachable(cause, limit);
    } finally {
      clearTimeout(timer);
    }
  }

  #unreachable(cause: unknown, limit: number): CliError {
    const { base } = this.#address;
    if ((cause as Error).name === 'TimeoutError')
      return new CliError('remote/timeout', `${base} has not answered within ${limit} ms`, {
        cause,
      });
    return new CliError('remote/unreachable', `no kernel answers at ${base}: ${reasonOf(cause)}`, {
      cause,
      cure: 'Check the address of --url, and that the kernel listens there.',
    });
  }

  async #read(response: Response, path: string): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    let bytes = 0;
    try {
      for await (const part of response.body ?? []) {
        bytes += part.byteLength;
        if (bytes > MAX_ANSWER)
          throw this.#strange(`${path} answers more than ${MAX_ANSWER} bytes`);
        text += decoder.decode(part, { stream: true });
      }
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError(
        'remote/unreachable',
        `the answer of ${this.#address.base} ended early: ${reasonOf(cause)}`,
        { cause, cure: 'Ask again. A change may have been made: plinth list shows it.' },
      );
    }
    return text + decoder.decode();
  }

  #refused(response: Response, body: string, path: string): CliError {
    const { base } = this.#address;
    const { status, headers } = response;
    const problem = problemIn(headers.get('content-type'), body);
    const code = problem?.code;
    if (status >= 300 && status < 400)
      return this.#strange(`${path} answers ${status}, and leads elsewhere`);
    const detail = printable(String(problem?.detail ?? problem?.title ?? '').slice(0, LONGEST));
    const details = { url: base, path, status, ...(problem && { problem }) };
    if (status === 401 || (status === 403 && this.#address.token === undefined))
      return new CliError('remote/unauthenticated', `${base} wants a token: ${detail}`, {
        details,
        cure: 'Put the token of an operator in PLINTH_TOKEN.',
      });
    if (status === 403 && (code === undefined || code === 'permission/denied'))
      return new CliError('remote/forbidden', `the token may not do this at ${base}: ${detail}`, {
        details,
        cure: 'Ask for a token of an operator who may.',
      });
    if (problem === undefined) return this.#strange(`${path} answers ${status} without saying why`);
    if ((status === 404 || status === 405) && NOT_OFFERED.includes(code))
      return new CliError(
        'remote/not-offered',
        `the admin API at ${base} does not offer this (${path})`,
        {
          details,
          cure: 'The application opens it with kernel.extension(http).admin(…). A later @plinth/http may offer more.',
        },
      );
    const wait = headers.get('retry-after');
    return new CliError(printableLine(String(code ?? 'remote/refused'), 100), detail, {
      details,
      ...(wait !== null && { cure: `Ask again after ${printableLine(wait, 20)} seconds.` }),
    });
  }
}

function problemIn(
  type: string | null,
  body: string,
): Readonly<Record<string, unknown>> | undefined {
  if (type?.startsWith('application/problem+json') !== true) return undefined;
  try {
    return Object(JSON.parse(body)) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** What `fetch` says is in the cause of its error. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  const inner = cause ?? error;
  const { code, message } = inner as { readonly code?: unknown; readonly message?: unknown };
  return printableLine(String(message || code || error), 200);
}
