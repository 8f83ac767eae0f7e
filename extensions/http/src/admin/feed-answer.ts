/** Answers a request for events: Server-Sent Events, or a WebSocket. */
import { asksForSocket, connections, type SocketListener, upgradeOf } from '../connection.js';
import type { Lasting } from '../lasting.js';
import { refuse } from '../problem.js';
import { inTime } from '../stream.js';
import { feedOf } from './feed.js';
import { FeedReader, type Frame, TooSlow } from './feed-reader.js';
import { LIFE, WANTED } from './feed-sources.js';
import type { Asked } from './operation.js';

/** The subprotocol. A client offers it beside `bearer.<token>`. */
const PROTOCOL = 'plinth.events';
const MOST_CURSOR = 64;
/** Codes of WebSockets: the server goes away, and a reader that is too slow. */
const AWAY = 1001;
const SLOW = 1013;

/** @throws Refusal 400, 426 or 503. */
export function answerFeed(asked: Asked): Response {
  const { kernel, query, request, tenant, exchange } = asked;
  const { lasting } = tenant.parts;
  const wanted = { names: namesIn(query), values: query.get('values') === 'true' };
  const given = query.get('cursor') ?? request.headers.get('last-event-id') ?? undefined;
  const cursor = given?.slice(0, MOST_CURSOR);
  lasting.check();
  if (asksForSocket(request))
    return socketOf(asked, (feed) => new FeedReader(feed, wanted, cursor));
  // A stream is counted by itself, and is no request that a stop waits for.
  exchange.leave();
  const reader = new FeedReader(feedOf(tenant, kernel), wanted, cursor);
  return new Response(streamOf(reader, lasting, request.signal), {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    },
  });
}

/** @throws Refusal 400. */
function namesIn(query: URLSearchParams): ReadonlySet<string> {
  const topics = query.getAll('topic').flatMap((topic) => topic.split(','));
  if (topics.length === 0) return new Set(LIFE);
  const names = topics.flatMap((topic) => {
    if (topic === 'plugin:*') return LIFE;
    if (LIFE.includes(topic) || WANTED.includes(topic)) return [topic];
    throw refuse(400, 'http/topics', `Topics are plugin:*, ${[...WANTED, ...LIFE].join(', ')}.`);
  });
  return new Set(names);
}

function streamOf(
  reader: FeedReader,
  lasting: Lasting,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const remove = lasting.add((reason) => reader.end(reason));
  const stop = () => {
    remove();
    signal.removeEventListener('abort', stop);
    reader.end('the reader has gone');
  };
  signal.addEventListener('abort', stop);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let frame: Frame | undefined;
        let reason = 'the server is stopping';
        try {
          frame = await reader.next();
        } catch (error) {
          if (!(error instanceof TooSlow)) throw error;
          reason = 'too slow';
        }
        if (frame !== undefined) return controller.enqueue(encoder.encode(textOf(frame)));
        const text = JSON.stringify({ reason: reader.reason ?? reason });
        stop();
        controller.enqueue(encoder.encode(`event: end\ndata: ${text}\n\n`));
        controller.close();
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}

function textOf(frame: Frame): string {
  if (frame === 'beat') return ':\n\n';
  const { event, cursor, data } = frame;
  return `id: ${cursor}\nevent: ${event}\ndata: ${data}\n\n`;
}

/** @throws Refusal 400 or 426. */
function socketOf(
  { request, tenant, kernel, exchange }: Asked,
  make: (feed: ReturnType<typeof feedOf>) => FeedReader,
): Response {
  if (connections.get(request)?.upgrades !== true)
    throw refuse(426, 'http/upgrade', 'This server opens no WebSockets: read events with GET.');
  const offered = request.headers.get('sec-websocket-protocol')?.split(/\s*,\s*/) ?? [];
  if (offered.length > 0 && !offered.includes(PROTOCOL))
    throw refuse(400, 'http/protocol', `Offer the subprotocol '${PROTOCOL}', too.`);
  const { lasting, settings } = tenant.parts;
  const free = lasting.reserve();
  const { timeout } = settings.limits;
  exchange.held = true;
  return upgradeOf(request, {
    protocol: offered.includes(PROTOCOL) ? PROTOCOL : undefined,
    failed() {
      free();
      exchange.leave();
    },
    open(socket): SocketListener {
      free();
      exchange.leave();
      const reader = make(feedOf(tenant, kernel));
      const remove = lasting.add((reason) => reader.end(reason));
      const end = (code: number, reason: string) => {
        reader.end(reason);
        socket.close(code, reason);
      };
      const pump = async () => {
        for (;;) {
          const frame = await reader.next();
          if (frame === undefined) return end(AWAY, reader.reason ?? '');
          if (frame === 'beat') continue;
          const { data, ...about } = frame;
          const text = `${JSON.stringify(about).slice(0, -1)},"data":${data}}`;
          await inTime(socket.send(text), timeout);
        }
      };
      pump().catch(() => end(SLOW, 'too slow'));
      return {
        // Clients say nothing here.
        message: () => end(1008, 'this WebSocket is read only'),
        closed() {
          remove();
          reader.end('the reader has gone');
        },
      };
    },
  });
}
