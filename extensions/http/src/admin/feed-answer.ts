/** Answers an operator's request for events. */
import { answerWithFeed, cursorIn } from '../feed/answer.js';
import type { Wanted } from '../feed/feed.js';
import { FeedReader } from '../feed/reader.js';
import { refuse } from '../problem.js';
import { feedOf, LIFE, WANTED } from './feed-sources.js';
import { type Asked, flagIn } from './operation.js';

/** @throws Refusal 400, 426 or 503. */
export function answerFeed({ kernel, query, request, tenant, exchange }: Asked): Response {
  const { lasting, settings } = tenant.parts;
  const wanted = wantedIn(query);
  const cursor = cursorIn(request, query);
  return answerWithFeed({
    request,
    exchange,
    lasting,
    timeout: settings.limits.timeout,
    read: () => new FeedReader(feedOf(tenant, kernel), wanted, { cursor }),
  });
}

/** @throws Refusal 400. */
function wantedIn(query: URLSearchParams): Wanted {
  const topics = query.getAll('topic').flatMap((topic) => topic.split(','));
  const names = new Set(
    topics.length === 0
      ? LIFE
      : topics.flatMap((topic) => {
          if (topic === 'plugin:*') return LIFE;
          if (LIFE.includes(topic) || WANTED.includes(topic)) return [topic];
          const known = [...WANTED, ...LIFE].join(', ');
          throw refuse(400, 'http/topics', `Topics are plugin:*, ${known}.`);
        }),
  );
  return { names, has: (name) => names.has(name), values: flagIn(query, 'values') };
}
