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

/** A text that every database keeps as it is: it has no NUL and no half of a character. */
export const text = (most: number) =>
  v.pipe(
    v.string(),
    v.maxLength(most),
    v.check((given) => !/\p{Cs}/u.test(given) && !given.includes('\0'), 'It is no text'),
  );

/** A text of one line or more, without blanks around it. */
export const words = (most: number) => v.pipe(text(most), v.trim(), v.minLength(1));

/** A time, in UTC afterwards, so that times are in order as texts. */
export const instant = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.check((given) => !Number.isNaN(Date.parse(given)), 'It is no time'),
  v.transform((given) => new Date(given).toISOString()),
);

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
