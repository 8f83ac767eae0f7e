/** All events of the kernel and its plugins: filtered, paused, and emitted by hand. */
import { useState } from 'preact/hooks';
import type { EventRow } from '../model/event-log.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Action, Failure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { VirtualList } from '../parts/virtual-list.tsx';

const HEIGHT = 48;

/** The whole panel. */
export function EventsPanel() {
  const { events } = useInspector();
  useChanges(events.changes);
  const [filter, setFilter] = useState('');
  const [chosen, setChosen] = useState<EventRow>();
  const rows = events.matching(filter);
  const kept = events.seen > events.kept ? `, the last ${events.kept} are kept` : '';
  return (
    <>
      <div class="row tools">
        <label class="hidden" for="filter">
          Filter events
        </label>
        <input
          id="filter"
          class="grow"
          type="search"
          placeholder="Filter"
          autocomplete="off"
          spellcheck={false}
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
        <button
          type="button"
          aria-pressed={events.paused}
          onClick={() => events.setPaused(!events.paused)}
        >
          {events.paused ? 'Resume' : 'Pause'}
        </button>
        <button type="button" onClick={() => events.clear()}>
          Clear
        </button>
      </div>
      <p class="hint" id="event-count">
        {rows.length} shown of {events.seen}
        {kept}
        {events.paused && '; paused'}
      </p>
      <VirtualList
        live
        label="Events, newest first"
        items={rows}
        height={HEIGHT}
        row={(row) => <Row key={row.number} row={row} onChoose={setChosen} />}
      />
      {chosen !== undefined && (
        <div class="panel">
          <h3>{plainText(chosen.topic)}</h3>
          <p class="hint">
            From {plainText(chosen.source)}, {new Date(chosen.time).toISOString()}
          </p>
          <pre>{chosen.text}</pre>
        </div>
      )}
      <Emit />
    </>
  );
}

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

function Row({
  row,
  onChoose,
}: {
  readonly row: EventRow;
  readonly onChoose: (row: EventRow) => void;
}) {
  const { time, topic, source, text, kind } = row;
  return (
    <li class="line event" data-kind={kind} data-topic={topic}>
      <button type="button" class="plain" tabIndex={-1} onClick={() => onChoose(row)}>
        <time dateTime={new Date(time).toISOString()}>{clock.format(time)}</time>
        <strong>{plainText(topic)}</strong>
        <span class="source">{plainText(source)}</span>
        <code>{text}</code>
      </button>
    </li>
  );
}

/** Emits an event as the application. */
function Emit() {
  const { kernel } = useInspector();
  const [topic, setTopic] = useState('app:hello');
  const [payload, setPayload] = useState('{ "from": "the playground" }');
  const [failure, setFailure] = useState<string>();
  return (
    <details class="panel">
      <summary>Emit an event</summary>
      <div class="stack">
        <label for="topic">Topic</label>
        <input
          id="topic"
          spellcheck={false}
          value={topic}
          onInput={({ currentTarget }) => setTopic(currentTarget.value)}
        />
        <label for="payload">Payload, as JSON</label>
        <textarea
          id="payload"
          rows={3}
          spellcheck={false}
          value={payload}
          onInput={({ currentTarget }) => setPayload(currentTarget.value)}
        />
        <div class="row">
          <Action
            label="Emit"
            onFailure={setFailure}
            run={() =>
              kernel.events.emit(
                topic,
                payload === '' ? undefined : (JSON.parse(payload) as unknown),
              )
            }
          />
        </div>
        <Failure message={failure} />
      </div>
    </details>
  );
}
