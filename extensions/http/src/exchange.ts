/** What the parts of the extension share for one request, and for one tenant. */
import type { Contributions, ExtensionPort } from '@plinth/kernel/extension';
import { asPromise } from '@plinth/sdk/contract';
import type { KnownRoute } from './contribution.js';
import type { InFlight } from './in-flight.js';
import type { Lasting } from './lasting.js';
import type { Settings } from './options.js';
import { refuse } from './problem.js';
import { inTime } from './stream.js';

/** The port, with the powers that the extension takes. */
export type HttpPort = ExtensionPort<{
  readonly name: 'http';
  readonly uses: readonly ['calls', 'contribute', 'intercept'];
}>;

/** One request and its bookkeeping. */
export interface Exchange {
  readonly requestId: string;
  /** Whether it is for no tenant, and so for no plugin. */
  readonly nowhere: boolean;
  /** Ends the request in the count of those in flight. */
  leave(): void;
  /** Whether a stream goes on after the handler. It then calls `leave` itself. */
  held: boolean;
}

/** How Hono carries it. */
export interface Env {
  readonly Bindings: {
    readonly exchange: Exchange;
    /** The address, parsed. */
    readonly url: URL;
  };
}

/** What handlers need of the tenant. */
export interface Parts {
  readonly port: HttpPort;
  readonly settings: Settings;
  readonly inFlight: InFlight;
  readonly lasting: Lasting;
  /** Routes that manifests declare. */
  readonly declared: Contributions<readonly KnownRoute[]>;
}

/**
 * What a function of the application decides about a request. While it decides, the request counts
 * as one in flight, so a function that never answers ends, too.
 *
 * @param timeout milliseconds.
 * @throws Refusal 504, and what the function throws.
 */
export function decided<T>(answer: T | Promise<T>, name: string, timeout: number): T | Promise<T> {
  const later = asPromise(answer) as Promise<T> | undefined;
  // What is known at once needs no timer.
  if (later === undefined) return answer;
  return inTime(later, timeout, () =>
    refuse(504, 'call/timeout', `The application's '${name}' took longer than ${timeout} ms.`),
  );
}

/** The user of a request, if it has one. @throws what the application's `authenticate` throws. */
export async function userOf(request: Request, { settings }: Parts): Promise<string | undefined> {
  const { limits } = settings;
  const user = await decided(settings.authenticate?.(request), 'authenticate', limits.timeout);
  if (user === undefined || user === null) return undefined;
  if (typeof user !== 'string' || user === '')
    throw new TypeError('authenticate() answers the name of a user, or undefined');
  return user;
}

/** The user of a request that must have one. @throws Refusal 401. */
export async function requireUser(request: Request, parts: Parts): Promise<string> {
  const user = await userOf(request, parts);
  if (user === undefined)
    throw refuse(401, 'call/unauthenticated', 'This needs a user.', {
      'www-authenticate': 'Bearer',
    });
  return user;
}

/**
 * Answers JSON that no cache keeps.
 *
 * @param most characters.
 * @throws Refusal 502 for values that JSON can't express, or that are larger.
 */
export function jsonResponse(
  value: unknown,
  status = 200,
  most = Number.POSITIVE_INFINITY,
): Response {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, readable);
  } catch {
    text = undefined;
  }
  if (text === undefined)
    throw refuse(502, 'call/invalid-output', "The answer can't be written as JSON.");
  if (text.length > most) throw refuse(502, 'call/invalid-output', 'The answer is too large.');
  return new Response(text, {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}

/** An error is its code and message; its stack stays here. */
function readable(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { code: (value as { readonly code?: unknown }).code, message: value.message };
}
