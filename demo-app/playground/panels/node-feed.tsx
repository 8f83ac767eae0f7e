/** What happens in the Node kernel while the panel is shown: states of plugins, calls and events. */
import { useEffect, useState } from 'preact/hooks';
import type { EventRow } from '../model/event-log.ts';
import type { NodeClient } from '../model/node-client.ts';
import { NodeFeed } from '../model/node-feed.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Badge } from '../parts/badge.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';

export function NodeFeedView({ client }: { readonly client: NodeClient }) {
  const [feed, setFeed] = useState<NodeFeed>();
  useEffect(() => {
    const made = new NodeFeed(client);
    setFeed(made);
    return () => made.close();
  }, [client]);
  return feed === undefined ? null : <Feed feed={feed} />;
}

function Feed({ feed }: { readonly feed: NodeFeed }) {
  useChanges(feed.changes);
  useChanges(feed.log.changes);
  const { status, plugins, log } = feed;
  return (
    <section class="panel feed" aria-label="Node kernel">
      <div class="card-title">
        <h3>In the Node kernel</h3>
        <span role="status" aria-label="Connection">
          <Badge state={status} />
        </span>
      </div>
      {status === 'waiting' && (
        <p class="hint">
          The server doesn't answer. What is missed meanwhile follows. If it was started again, load
          this page again: every start has a token of its own.
        </p>
      )}
      <ul class="states">
        {plugins.map(({ id, state }) => (
          <li key={id} data-node-plugin={id}>
            <bdi>{plainText(id, 80)}</bdi> <Badge state={state} />
          </li>
        ))}
      </ul>
      {log.kept === 0 && <p class="hint">Nothing has happened since this panel was opened.</p>}
      <VirtualList
        live
        label="Events of the Node kernel, newest first"
        items={log.matching('')}
        height={48}
        row={(row) => <Row key={row.number} row={row} />}
      />
    </section>
  );
}

function Row({ row: { time, topic, source, text, kind } }: { readonly row: EventRow }) {
  return (
    <li class="line event" data-kind={kind} data-topic={topic}>
      <div class="plain">
        <time dateTime={new Date(time).toISOString()}>{new Date(time).toLocaleTimeString()}</time>
        <strong>{plainText(topic)}</strong>
        <span class="source">{plainText(source)}</span>
        <code>{text}</code>
      </div>
    </li>
  );
}
