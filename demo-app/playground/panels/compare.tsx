/** The same plugin file in several runtimes: one command, and what each of them answers. */
import { useEffect, useState } from 'preact/hooks';
import { isDemo } from '../kernel/playground-kernel.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { CommandInput } from '../parts/command-input.tsx';
import { useInspector } from '../parts/context.ts';
import './compare.css';
import { CompareResult } from './compare-result.tsx';
import { NodeFeedView } from './node-feed.tsx';

/** It answers the same wherever it runs, and changes nothing. */
const FIRST = 'demo.markdown:toHtml';
const CALLS = [1, 20, 200];

/** The whole panel. What it opens ends with it. */
export function ComparePanel() {
  const { comparison } = useInspector();
  useEffect(() => () => void comparison.close(), [comparison]);
  return (
    <>
      <Choice />
      <CompareResult />
      {comparison.node === undefined ? (
        <p class="panel hint">
          This page was served without a Node kernel: its worker and its sandbox are compared.{' '}
          <code>npm start</code> serves it with one.
        </p>
      ) : (
        <NodeFeedView client={comparison.node} />
      )}
    </>
  );
}

/** What is compared. */
function Choice() {
  const { kernel, plugins, comparison } = useInspector();
  useChanges(plugins);
  useChanges(comparison.changes);
  const [id, setId] = useState(FIRST);
  const [calls, setCalls] = useState(1);
  const commands = kernel.commands.list().filter(({ plugin }) => isDemo(plugin));
  const command = commands.find((one) => one.id === id);
  return (
    <section class="panel stack" aria-label="Input">
      <div class="compared-choice">
        <div class="stack">
          <label for="compared">Command</label>
          <select
            id="compared"
            value={id}
            onChange={({ currentTarget }) => setId(currentTarget.value)}
          >
            {commands.map(({ id, title }) => (
              <option key={id} value={id}>
                {plainText(title === undefined ? id : `${id} – ${title}`, 120)}
              </option>
            ))}
          </select>
        </div>
        <div class="stack">
          <label for="calls">Calls in each runtime</label>
          <select
            id="calls"
            value={calls}
            onChange={({ currentTarget }) => setCalls(Number(currentTarget.value))}
          >
            {CALLS.map((count) => (
              <option key={count} value={count}>
                {count}
              </option>
            ))}
          </select>
        </div>
      </div>
      <CommandInput
        key={command?.id ?? ''}
        command={command}
        action="Compare"
        onRun={(input) => void comparison.start({ command: id, input, calls })}
      />
      {comparison.run?.status === 'running' && (
        <div class="row">
          <button type="button" onClick={() => comparison.cancel()}>
            Cancel
          </button>
        </div>
      )}
    </section>
  );
}
