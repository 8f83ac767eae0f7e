/** Routes of the old program: a table of patterns, asked in order. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Refused } from '../shared/input.ts';
import { type Answer, errorJson, errorPage } from '../shared/page.ts';

/** A request as its handlers see it. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly user: string | undefined;
}

export type Handler = (asked: Asked) => Answer | Promise<Answer>;

const MOST_BODY = 1_048_576;

/** Makes a server. Routes that are written out come before those with parameters. */
export function serve(
  routes: Readonly<Record<string, Handler>>,
  userOf: (request: IncomingMessage) => string | undefined,
): Server {
  const table = Object.entries(routes)
    .map(([route, handler]) => {
      const [method = '', path = ''] = route.split(' ');
      const pattern = new RegExp(`^${path.replaceAll(/:([a-z]+)/g, '(?<$1>[^/]+)')}$`);
      return { method, path, pattern, handler };
    })
    .sort((one, other) => one.path.split(':').length - other.path.split(':').length);

  return createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const there = table.filter(({ pattern }) => pattern.test(url.pathname));
    const found = there.find(({ method }) => method === request.method);
    let answer: Answer;
    try {
      if (found === undefined) answer = { status: there.length === 0 ? 404 : 405 };
      else
        answer = await found.handler({
          params: Object.fromEntries(
            Object.entries(found.pattern.exec(url.pathname)?.groups ?? {}).map(([name, value]) => [
              name,
              decodeURIComponent(value),
            ]),
          ),
          query: Object.fromEntries([...url.searchParams].reverse()),
          body: await bodyOf(request),
          user: userOf(request),
        });
    } catch (error) {
      if (!(error instanceof Refused)) console.error(error);
      const { status, message } = error instanceof Refused ? error : new Refused(500, 'It failed');
      answer = (url.pathname.includes('/api/') ? errorJson : errorPage)(status, message);
    }
    const { json, body = json === undefined ? undefined : JSON.stringify(json) } = answer;
    const { status = body === undefined ? 204 : 200 } = answer;
    response.writeHead(status, {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(status === 401 && { 'www-authenticate': 'Basic realm="PaperTrail", charset="UTF-8"' }),
      ...answer.headers,
    });
    response.end(body);
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MOST_BODY) throw new Refused(413, 'The body is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
