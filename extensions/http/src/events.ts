/** Events for users, as Server-Sent Events or over a WebSocket. A reader that comes back resumes. */
import { decided, type Exchange, type HttpPort, type Parts, requireUser } from './exchange.js';
import { answerWithFeed, cursorIn } from './feed/answer.js';
import { Feed, type Recorder } from './feed/feed.js';
import { HeldSources } from './feed/held.js';
import { jsonWithin, OMITTED } from './feed/json-within.js';
import { FeedReader, type Frame } from './feed/reader.js';
import { covers, SCOPE } from './options.js';
import { refuse } from './problem.js';

/** Topics of one stream. */
const MOST_TOPICS = 16;
/** Characters of one event. A larger one is named, without its payload. */
const MOST_TEXT = 65_536;

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
    (await decided(events.authorize(request, topics, user), 'authorize', limits.timeout)) === true;
  if (!allowed) throw refuse(403, 'permission/denied', 'These topics are not for this user.');
  const wanted = {
    names: new Set(topics),
    has: (topic: string) => covers(topics, topic),
    values: false,
  };
  const cursor = cursorIn(request, url.searchParams);
  return answerWithFeed({
    request,
    exchange,
    lasting: parts.lasting,
    timeout: limits.timeout,
    read: () => new EventReader(feedOf(parts), wanted, { cursor, most: limits.queue }),
  });
}

/** Gives events no name of their own, so that pages get them by `onmessage`. */
class EventReader extends FeedReader {
  override async next(): Promise<Frame | undefined> {
    const frame = await super.next();
    return typeof frame === 'object' && 'time' in frame ? { ...frame, event: 'message' } : frame;
  }
}

const feeds = new WeakMap<Parts, Feed>();

/** The events of a tenant that users ask for, recorded while one does and a while longer. */
function feedOf(parts: Parts): Feed {
  const known = feeds.get(parts);
  if (known !== undefined) return known;
  const made = new Feed((record) => sourcesOf(parts.port, record));
  feeds.set(parts, made);
  return made;
}

function sourcesOf(port: HttpPort, record: Recorder): HeldSources {
  const held: HeldSources = new HeldSources(port, (pattern) => {
    const listener = port.calls.listen(pattern, (event) => {
      // Each event is recorded once, however many of the patterns cover it.
      const first = held.names.find((name) => covers([name], event.topic));
      if (first === pattern) record(event.topic, textOf(event));
    });
    return () => listener.dispose();
  });
  return held;
}

function textOf({ topic, source, payload }: Parameters<Parameters<Listen>[1]>[0]): string {
  const whole = jsonWithin({ topic, source, payload }, MOST_TEXT);
  return whole === OMITTED ? JSON.stringify({ topic, source, omitted: true }) : whole;
}

type Listen = HttpPort['calls']['listen'];
