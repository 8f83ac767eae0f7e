/** Server-Sent Events of a plugin, as the answer of a route. */
import type { RouteAnswer } from './plugin-routes.js';

/** One event. */
export interface ServerSentEvent {
  /** A text is sent as it is, and another value as JSON. */
  readonly data: unknown;
  readonly event?: string;
  /** A reader that comes back sends it as `last-event-id`. */
  readonly id?: string;
  /** Milliseconds after which a reader comes back. */
  readonly retry?: number;
}

/** Options of `eventStream()`. */
export interface EventStreamOptions {
  /** Milliseconds after which a silent stream says that it lives. Default: 15 000. */
  readonly beat?: number;
}

/**
 * Answers with Server-Sent Events, as they come. It ends with the source, and the source ends when the
 * reader leaves. An event that can't be written ends it with a broken connection.
 *
 * @example
 * routes(ctx, {
 *   'GET /ticks': () => eventStream(ticks()),
 * });
 */
export function eventStream(
  source: AsyncIterable<ServerSentEvent>,
  { beat = 15_000 }: EventStreamOptions = {},
): RouteAnswer {
  return {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
    body: textOf(source, beat),
  };
}

async function* textOf(
  source: AsyncIterable<ServerSentEvent>,
  beat: number,
): AsyncGenerator<string> {
  const events = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = events.next();
      let found = await soon(next, beat);
      while (found === undefined) {
        yield ':\n\n';
        found = await soon(next, beat);
      }
      if (found.done === true) return;
      yield written(found.value);
    }
  } finally {
    // A source that waits ends when it wakes up. Nothing here waits for that.
    Promise.resolve(events.return?.()).catch(() => {});
  }
}

/** Undefined when it takes longer. */
function soon<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function written({ data, event, id, retry }: ServerSentEvent): string {
  const text = typeof data === 'string' ? data : (JSON.stringify(data) ?? 'null');
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return [field('event', event), field('id', id), field('retry', retry), ...lines, '\n'].join('');
}

function field(name: string, value: string | number | undefined): string {
  if (value === undefined) return '';
  if (/[\r\n\0]/.test(String(value))) throw new TypeError(`'${name}' of an event is one line`);
  return `${name}: ${value}\n`;
}
