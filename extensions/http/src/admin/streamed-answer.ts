/** A streamed answer of a command as Server-Sent Events: each part, and how it ended. */
import { connections } from '../connection.js';
import { eventStream, type ServerSentEvent } from '../event-stream.js';
import { problemOf, refuse, textOf } from '../problem.js';
import { streamOf } from '../stream.js';
import { openly } from './openly.js';
import type { Asked } from './operation.js';

const EVENTS = 'text/event-stream';

/** A stream, as the kernel answers it. */
interface Streamed extends AsyncIterable<unknown> {
  cancel?(): Promise<void>;
}

/** Whether an answer is a stream, and the client takes one. */
export const isStreamed = (answer: unknown, { headers }: Request): answer is Streamed =>
  typeof answer === 'object' &&
  answer !== null &&
  Symbol.asyncIterator in answer &&
  headers.get('accept')?.includes(EVENTS) === true;

/** Sends the parts as they come, as fast as the client takes them. */
export function streamedAnswer(
  source: Streamed,
  { request, exchange, tenant }: Pick<Asked, 'exchange' | 'request' | 'tenant'>,
): Response {
  const { answer: most, timeout } = tenant.parts.settings.limits;
  const { headers, body } = eventStream(eventsOf(source, most));
  exchange.held = true;
  const parts = streamOf(body as AsyncIterable<string>, {
    timeout,
    most,
    cut: connections.get(request)?.cut,
    ended() {
      exchange.leave();
      // What waits for the next part notices nothing else, and the plugin goes on.
      source.cancel?.().catch(() => {});
    },
  });
  return new Response(parts, { headers: headers as Record<string, string> });
}

async function* eventsOf(
  source: AsyncIterable<unknown>,
  most: number,
): AsyncGenerator<ServerSentEvent> {
  try {
    for await (const part of source) yield { data: written(part, most) };
    yield { event: 'end', data: '' };
  } catch (error) {
    const { status, code, detail } = problemOf(openly(error));
    yield { event: 'error', data: { status, code, detail } };
  }
}

/** @throws Refusal 502. */
function written(part: unknown, most: number): string {
  const text = part === undefined ? 'null' : textOf(part);
  if (text !== undefined && text.length < most - ROOM) return text;
  throw refuse(
    502,
    'call/invalid-output',
    text === undefined ? "A part can't be written as JSON." : 'A part is too large.',
  );
}

/** Bytes of an event beside its data. */
const ROOM = 64;
