/** The last log entries, of one plugin or of all. */

import type { LogEntry } from '@plinth/host-browser';
import { useState } from 'preact/hooks';
import { plainText, summarise } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from '../parts/context.ts';
import { PluginSelect } from '../parts/plugin-select.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** The whole panel. */
export function LogsPanel() {
  const inspector = useInspector();
  useChanges(inspector.logs);
  const [source, setSource] = useState('');
  const [least, setLeast] = useState<(typeof LEVELS)[number]>('debug');
  const levels: readonly string[] = LEVELS.slice(LEVELS.indexOf(least));
  const entries = inspector
    .logOf(source === '' ? undefined : source)
    .filter(({ level }) => levels.includes(level));
  return (
    <>
      <div class="row tools">
        <PluginSelect all="All" value={source} onChange={setSource} />
        <label class="inline">
          From level{' '}
          <select
            value={least}
            onChange={({ currentTarget: { value } }) =>
              setLeast(LEVELS.find((level) => level === value) ?? 'debug')
            }
          >
            {LEVELS.map((level) => (
              <option key={level}>{level}</option>
            ))}
          </select>
        </label>
        <span class="hint">{entries.length} entries, newest first</span>
      </div>
      <VirtualList
        live
        label="Log entries, newest first"
        items={entries}
        height={48}
        row={(entry, index) => <Entry key={index} entry={entry} />}
      />
    </>
  );
}

function Entry({ entry: { time, level, source, message, fields } }: { readonly entry: LogEntry }) {
  return (
    <li class="line event" data-kind={level === 'error' || level === 'warn' ? 'problem' : 'kernel'}>
      <div class="plain">
        <time dateTime={new Date(time).toISOString()}>{new Date(time).toLocaleTimeString()}</time>
        <strong>{plainText(message, 300)}</strong>
        <span class="source">{plainText(`${source} ${level}`)}</span>
        <code>{summarise(fields)}</code>
      </div>
    </li>
  );
}
