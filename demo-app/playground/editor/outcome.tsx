/** What runs of a draft: its state, why it doesn't run, its views and its log. */
import type { LogEntry } from '@plinth/host-browser';
import { plainText, summarise } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Badge } from '../parts/badge.tsx';
import { useInspector } from '../parts/context.ts';
import { PluginViews } from '../parts/plugin-views.tsx';
import { lineIn, type Problem } from './problem.ts';
import type { Work } from './session.ts';

/** Shows a place in a file. */
type OnShow = (place: Pick<Problem, 'file' | 'line'>) => void;

/** Entries of the log that are shown. */
const MOST_ENTRIES = 50;

export function Outcome({ work, onShow }: { readonly work: Work; readonly onShow: OnShow }) {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const id = work.runningIn(kernel);
  const plugin = id === undefined ? undefined : kernel.plugins.get(id);
  return (
    <div>
      <section class="panel" aria-label="Running">
        <div class="card-title">
          <h3>
            <bdi>
              {plugin === undefined ? 'Nothing runs' : plainText(plugin.name ?? plugin.id, 80)}
            </bdi>
          </h3>
          {plugin !== undefined && <Badge state={plugin.state} />}
        </div>
        {plugin === undefined ? (
          <p class="hint">Run it, and its views and its log are here.</p>
        ) : (
          <p class="identity">
            {plugin.id}@{plugin.version}
            {!work.isSaved && ', changed since'}
          </p>
        )}
        {plugin !== undefined && <Cut id={plugin.id} />}
        {plugin !== undefined && <Commands id={plugin.id} />}
        <ProblemList
          problems={work.problems}
          isRunning={plugin?.state === 'active'}
          onShow={onShow}
        />
      </section>
      {plugin !== undefined && (
        <section class="panel" aria-label="Views">
          <h3>Views</h3>
          <PluginViews plugin={plugin.id} />
        </section>
      )}
      {id !== undefined && <Log id={id} onShow={onShow} />}
    </div>
  );
}

/** Its commands, which another panel runs. */
function Commands({ id }: { readonly id: string }) {
  const { kernel } = useInspector();
  const commands = kernel.commands.list().filter(({ plugin }) => plugin === id);
  if (commands.length === 0) return null;
  return (
    <p class="hint">
      <a href="#/commands">Commands</a> runs{' '}
      {commands.map((one) => plainText(one.id, 80)).join(', ')}.
    </p>
  );
}

/** The rights that it asks for and doesn't get. */
function Cut({ id }: { readonly id: string }) {
  const { kernel } = useInspector();
  const rights = Object.entries(kernel.plugins.explain(id).cut?.policy ?? {});
  if (rights.length === 0) return null;
  return (
    <p class="hint">
      It asks for rights that code of a link doesn't get:{' '}
      {rights.map(([name]) => plainText(name, 60)).join(', ')}.
    </p>
  );
}

function ProblemList({
  problems,
  isRunning,
  onShow,
}: {
  readonly problems: readonly Problem[];
  readonly isRunning: boolean;
  readonly onShow: OnShow;
}) {
  if (problems.length === 0) return null;
  return (
    <div role="alert" aria-label="Problems">
      <ul class="problems">
        {problems.map(({ file, line, message }, index) => (
          <li key={index}>
            <button type="button" onClick={() => onShow({ file, line })}>
              {line === undefined ? file : `${file}, line ${line}`}
            </button>{' '}
            <span class="problem">{plainText(message, 1_000)}</span>
          </li>
        ))}
      </ul>
      {isRunning && <p class="hint">What ran before still runs.</p>}
    </div>
  );
}

function Log({ id, onShow }: { readonly id: string; readonly onShow: OnShow }) {
  const inspector = useInspector();
  useChanges(inspector.logs);
  const entries = inspector.logOf(id).slice(0, MOST_ENTRIES);
  return (
    <section class="panel" aria-label="Log">
      <h3>Log</h3>
      {entries.length === 0 && <p class="hint">It has written nothing.</p>}
      <div role="log" aria-label="Log entries, newest first" aria-live="off">
        <ol class="log">
          {entries.map((entry, index) => (
            <Entry key={index} entry={entry} onShow={onShow} />
          ))}
        </ol>
      </div>
    </section>
  );
}

function Entry({
  entry: { time, level, message, fields },
  onShow,
}: {
  readonly entry: LogEntry;
  readonly onShow: OnShow;
}) {
  const { stack, ...rest } = (fields ?? {}) as Readonly<Record<string, unknown>>;
  const line = typeof stack === 'string' ? lineIn(stack) : undefined;
  return (
    <li data-kind={level === 'error' || level === 'warn' ? 'problem' : 'kernel'}>
      <time dateTime={new Date(time).toISOString()}>{new Date(time).toLocaleTimeString()}</time>{' '}
      <strong>{plainText(message, 300)}</strong>{' '}
      {Object.keys(rest).length > 0 && <code>{summarise(rest)}</code>}{' '}
      {line !== undefined && (
        <button type="button" onClick={() => onShow({ file: 'plugin.ts', line })}>
          line {line}
        </button>
      )}
    </li>
  );
}
