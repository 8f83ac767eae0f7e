/** Events over Server-Sent Events, with a bounded queue for each reader. */
import { type Exchange, type Parts, requireUser } from './exchange.js';
import { covers, SCOPE } from './options.js';
import { refuse, textOf } from './problem.js';

/** Topics of one stream. */
const MOST_TOPICS = 16;
/** Characters of one event. A larger one is named, without its payload. */
const MOST_TEXT = 65_536;
/** Milliseconds between two comments, by which a reader that has gone away is noticed. */
const BEAT = 15_000;

/** Opens a stream of the topics in the query. @throws Refusal. */
export async function answerEvents(
  request: Request,
  url: URL,
  exchange: Exchange,
  parts: Parts,
): Promise<Response> {
  const { events, limits } = parts.settings;
  if (events === undefined) throw refuse(404, 'http/not-found', 'There are no events here.');
  if (request.method !== 'GET')
    throw refuse(405, 'http/method', 'Events are read with GET.', { allow: 'GET' });
  const topics = [...new Set(url.searchParams.getAll('topic'))];
  if (topics.length === 0 || topics.length > MOST_TOPICS || !topics.every((t) => SCOPE.test(t)))
    throw refuse(400, 'http/topics', `Ask for 1 to ${MOST_TOPICS} topics: ?topic=a:b&topic=c:*`);
  const user = await requireUser(request, parts);
  const allowed =
    topics.every((topic) => covers(events.topics, topic)) &&
    (await events.authorize(request, topics, user)) === true;
  if (!allowed) throw refuse(403, 'permission/denied', 'These topics are not for this user.');
  parts.lasting.check();
  // A stream is counted by itself, and is no request that a stop waits for.
  exchange.leave();
  return new Response(streamOf(request, topics, limits.queue, parts), {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    },
  });
}

/** Each reader gets the reason of its end as its last event. */
function streamOf(
  request: Request,
  topics: readonly string[],
  queue: number,
  { port, lasting }: Parts,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop: () => void = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const close = (reason: string) => {
          stop();
          controller.enqueue(encoder.encode(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`));
          controller.close();
        };
        const send = (text: string) => {
          // One place stays free for the reason.
          if ((controller.desiredSize ?? 0) <= 1) close('too slow');
          else controller.enqueue(encoder.encode(text));
        };
        const listeners = topics.map((topic) =>
          port.calls.listen(topic, (event) => send(textOfEvent(event))),
        );
        let beat = port.after(BEAT, function again() {
          send(':\n\n');
          if (!stopped) beat = port.after(BEAT, again);
        });
        let stopped = false;
        const gone = () => {
          if (stopped) return;
          stop();
          controller.close();
        };
        stop = () => {
          stopped = true;
          remove();
          beat.dispose();
          for (const one of listeners) one.dispose();
          request.signal.removeEventListener('abort', gone);
        };
        const remove = lasting.add(close);
        request.signal.addEventListener('abort', gone);
        send(':\n\n');
      },
      cancel: () => stop(),
    },
    { highWaterMark: queue + 2 },
  );
}

function textOfEvent(event: {
  readonly topic: string;
  readonly payload: unknown;
  readonly source: string;
}): string {
  const { topic, payload, source } = event;
  const whole = textOf({ topic, source, payload });
  const text =
    whole !== undefined && whole.length <= MOST_TEXT
      ? whole
      : JSON.stringify({ topic, source, omitted: true });
  return `data: ${text}\n\n`;
}
