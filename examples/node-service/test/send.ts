/** Sends requests to the host of a tenant. */
import { request } from 'node:http';

/** A request. */
export interface Sent {
  readonly method?: string;
  readonly path: string;
  /** Like `ada:ada-password`. */
  readonly user?: string;
  readonly host?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly lines?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer. */
export interface Got {
  readonly status: number;
  readonly type: string | undefined;
  readonly location: string | undefined;
  readonly text: string;
  json(): never;
}

/** Sends a request. Names like `acme.localhost` are not resolved: the host is a header. */
export function send(base: string, sent: Sent): Promise<Got> {
  const { form, json, lines, user, host } = sent;
  const body =
    form !== undefined
      ? new URLSearchParams(form).toString()
      : (lines ?? (json === undefined ? undefined : JSON.stringify(json)));
  const type =
    form !== undefined
      ? 'application/x-www-form-urlencoded'
      : lines !== undefined
        ? 'application/x-ndjson'
        : 'application/json';
  const { method = body === undefined ? 'GET' : 'POST' } = sent;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(sent.path, base),
      { method, agent: false },
      async (incoming) => {
        const parts: Buffer[] = [];
        for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
        const text = Buffer.concat(parts).toString();
        const { 'content-type': of, location } = incoming.headers;
        const json = () => JSON.parse(text) as never;
        resolve({ status: incoming.statusCode ?? 0, type: of, location, text, json });
      },
    );
    outgoing.on('error', reject);
    if (host !== undefined) outgoing.setHeader('host', host);
    if (user !== undefined)
      outgoing.setHeader('authorization', `Basic ${Buffer.from(user).toString('base64')}`);
    if (body !== undefined) outgoing.setHeader('content-type', type);
    for (const [name, value] of Object.entries(sent.headers ?? {})) outgoing.setHeader(name, value);
    outgoing.end(body);
  });
}
