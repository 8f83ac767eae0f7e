/** What is read of a request: headers and bodies, within bounds. */
import { Refusal, refuse } from './problem.js';

/** Bounds of a body. */
export interface BodyBounds {
  /** Bytes. */
  readonly body: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/**
 * Reads a body.
 *
 * @throws Refusal 413 when it is too large, 408 when it comes too slowly, 499 when it breaks off.
 */
export async function readBody(
  request: Request,
  { body: most, timeout }: BodyBounds,
): Promise<Uint8Array | undefined> {
  if (request.body === null) return undefined;
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > most) throw tooLarge(most);
  const reader = request.body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reader.cancel().catch(() => {});
  }, timeout);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw slow();
      if (done) break;
      size += value.byteLength;
      if (size > most) throw tooLarge(most);
      parts.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    // Only the connection fails otherwise, which is no failure of the server.
    throw error instanceof Refusal ? error : gone();
  } finally {
    clearTimeout(timer);
  }
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** The media type of a body, without its parameters; empty when there is none. */
export function typeOf({ headers }: Request): string {
  return headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Reads a body of JSON. Without a body it is undefined. @throws Refusal 400, 408, 413 or 415. */
export async function readJson(request: Request, bounds: BodyBounds): Promise<unknown> {
  // Browsers ask before they send JSON to another origin; other types they just send.
  if (typeOf(request) !== 'application/json') return readNothing(request, bounds);
  const body = await readBody(request, bounds);
  if (body === undefined || body.byteLength === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body), plain);
  } catch {
    throw refuse(400, 'http/not-json', 'The body is no valid JSON.');
  }
}

/** Servers give a body to requests that have none, so it is read. */
async function readNothing(request: Request, { timeout }: BodyBounds): Promise<undefined> {
  try {
    await readBody(request, { body: 0, timeout });
  } catch (error) {
    if (!(error instanceof Refusal) || error.problem.status !== 413) throw error;
    throw refuse(415, 'http/unsupported-type', 'Send JSON, with `content-type: application/json`.');
  }
}

/** Refuses keys that some code would take for the prototype of an object. */
function plain(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new TypeError('the key __proto__');
  return value;
}

/** Checks the size of headers, also where no server has. @throws Refusal 431. */
export function checkHeaders(headers: Headers, most: number): void {
  let size = 0;
  for (const [name, value] of headers) size += name.length + value.length + 4;
  if (size > most)
    throw refuse(431, 'http/headers-too-large', `Headers have at most ${most} bytes.`);
}

const REQUEST_ID = /^[A-Za-z0-9][\w.~-]{0,127}$/;

/** The id of a request: the one that a proxy or a client has given it, or a new one. */
export function requestIdOf({ headers }: Request): string {
  const given = headers.get('x-request-id');
  return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace that a request belongs to, when its header is valid. */
export function traceparentOf({ headers }: Request): string | undefined {
  const given = headers.get('traceparent');
  return given !== null && TRACEPARENT.test(given) ? given : undefined;
}

/** The refusal of a body that comes too slowly. */
export const slow = () => refuse(408, 'http/slow', 'The body was not sent in time.');

/** The refusal of a body that broke off. It reaches no reader. */
const gone = () => refuse(499, 'call/cancelled', 'The body broke off.');

/** The refusal of a body that is too large. */
export const tooLarge = (most: number) =>
  refuse(413, 'http/too-large', `A body has at most ${most} bytes.`);
