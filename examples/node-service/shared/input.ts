/** Reads what clients send: forms, JSON, and lines of JSON. What can't be used is refused. */
import * as v from 'valibot';

/** A request that is refused, with a status and what its sender is told. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Checks a value. @throws Refused 400 that names the part that is wrong. */
export function check<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  const [{ message, path }] = issues;
  const place = path?.map(({ key }) => String(key)).join('.');
  throw new Refused(400, place === undefined ? message : `${place}: ${message}`);
}

/** The user of a request. @throws Refused 401 when it has none. */
export function signedIn(user: string | undefined): string {
  if (user === undefined) throw new Refused(401, 'Sign in first');
  return user;
}

/** A body as text: bodies of types that aren't text come as bytes. */
function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : '';
}

/** A body of a form. */
export const form = (body: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(textOf(body)));

/** A body of JSON. @throws Refused 400. */
export function json(body: unknown): unknown {
  try {
    return JSON.parse(textOf(body));
  } catch {
    throw new Refused(400, 'The body is no JSON');
  }
}

/** A body of lines of JSON. @throws Refused 400. */
export const jsonLines = (body: unknown): unknown[] =>
  textOf(body)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(json);
