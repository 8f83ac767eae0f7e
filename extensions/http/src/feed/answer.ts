/** Answers a request for a feed: Server-Sent Events, or a WebSocket. */
import { asksForSocket, connections, type SocketListener, upgradeOf } from '../connection.js';
import type { Exchange } from '../exchange.js';
import type { Lasting } from '../lasting.js';
import { refuse } from '../problem.js';
import { inTime } from '../stream.js';
import { type FeedReader, type Frame, TOO_SLOW } from './reader.js';

/** A request for events. */
export interface FeedRequest {
  readonly request: Request;
  readonly exchange: Exchange;
  readonly lasting: Lasting;
  /** Milliseconds in which a WebSocket has to take a message. */
  readonly timeout: number;
  /** Makes the reader, at the place that {@link cursorIn} tells. */
  read(): FeedReader;
}

/** The subprotocol. A client offers it beside `bearer.<token>`. */
const PROTOCOL = 'plinth.events';
const MOST_CURSOR = 64;
/** Codes of WebSockets: the server goes away, a message that is refused, a reader that is too slow. */
const AWAY = 1001;
const REFUSED = 1008;
const SLOW = 1013;
/** The name of events that a reader gets without one. */
const PLAIN = 'message';

/** Where a reader was that comes back. */
export const cursorIn = (request: Request, query: URLSearchParams): string | undefined =>
  (query.get('cursor') ?? request.headers.get('last-event-id') ?? undefined)?.slice(0, MOST_CURSOR);

/** @throws Refusal 400, 426 or 503. */
export function answerWithFeed(asked: FeedRequest): Response {
  const { request, exchange, lasting } = asked;
  lasting.check();
  if (asksForSocket(request)) return socketOf(asked);
  // A stream is counted by itself, and is no request that a stop waits for.
  exchange.leave();
  return new Response(streamOf(asked.read(), lasting, request.signal), {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    },
  });
}

function streamOf(
  reader: FeedReader,
  lasting: Lasting,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const remove = lasting.add((reason) => reader.end(reason));
  const leave = () => reader.end('the reader has gone');
  let open = true;
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave);
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Also one that reads nothing gets the reason, and makes room for others.
        void reader.over.then((reason) => {
          remove();
          signal.removeEventListener('abort', leave);
          if (!open) return;
          open = false;
          const text = JSON.stringify({ reason });
          controller.enqueue(encoder.encode(`event: end\ndata: ${text}\n\n`));
          controller.close();
        });
      },
      async pull(controller) {
        const frame = await reader.next();
        if (frame !== undefined && open) controller.enqueue(encoder.encode(textOf(frame)));
      },
      cancel() {
        open = false;
        leave();
      },
    },
    { highWaterMark: 0 },
  );
}

function textOf(frame: Frame): string {
  if (frame === 'beat') return ':\n\n';
  const { event, cursor, data } = frame;
  const name = event === PLAIN ? '' : `event: ${event}\n`;
  return `id: ${cursor}\n${name}data: ${data}\n\n`;
}

/** @throws Refusal 400 or 426. */
function socketOf({ request, exchange, lasting, timeout, read }: FeedRequest): Response {
  if (connections.get(request)?.upgrades !== true)
    throw refuse(426, 'http/upgrade', 'No WebSocket can be opened here: read events with GET.', {
      upgrade: 'websocket',
      'sec-websocket-version': '13',
    });
  const offered = request.headers.get('sec-websocket-protocol')?.split(/\s*,\s*/) ?? [];
  if (offered.length > 0 && !offered.includes(PROTOCOL))
    throw refuse(400, 'http/protocol', `Offer the subprotocol '${PROTOCOL}', too.`);
  const free = lasting.reserve();
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
      const reader = read();
      const remove = lasting.add((reason) => reader.end(reason));
      void reader.over.then((reason) => socket.close(codeOf(reason), reason));
      const pump = async () => {
        for (;;) {
          const frame = await reader.next();
          if (frame === undefined) return;
          if (frame === 'beat') continue;
          const { data, ...about } = frame;
          const text = `${JSON.stringify(about).slice(0, -1)},"data":${data}}`;
          await inTime(socket.send(text), timeout);
        }
      };
      pump().catch(() => reader.end(TOO_SLOW));
      return {
        // Clients say nothing here.
        message: () => reader.end(READ_ONLY),
        closed() {
          remove();
          reader.end('the reader has gone');
        },
      };
    },
  });
}

const READ_ONLY = 'this WebSocket is read only';
const codeOf = (reason: string): number =>
  reason === TOO_SLOW ? SLOW : reason === READ_ONLY ? REFUSED : AWAY;
