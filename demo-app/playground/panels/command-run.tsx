/** One run of a command: progress, cancel, items of a stream, the answer, and its trace. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { newTrace } from '../kernel/trace.ts';
import { plainText, showValue, summarise } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { messageOf } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { milliseconds, Waterfall } from '../parts/waterfall.tsx';

/** Items of a stream that stay in sight. */
const MOST_ITEMS = 50;
/** Items between two pauses, so that an endless stream leaves the page its time. */
const ITEMS_A_TURN = 100;

interface Run {
  readonly command: string;
  readonly trace: string;
  readonly status: 'running' | 'ok' | 'failed' | 'cancelled';
  readonly took?: number;
  readonly progress?: unknown;
  readonly items?: { readonly count: number; readonly last: readonly string[] };
  readonly text?: string;
  cancel(): void;
}

/** The current run, and what starts the next one, which cancels it. */
export function useRun(): [Run | undefined, (command: string, input: unknown) => void] {
  const { kernel } = useInspector();
  const [run, setRun] = useState<Run>();
  const current = useRef<Run>(undefined);
  useEffect(() => () => current.current?.cancel(), []);

  const start = async (command: string, input: unknown) => {
    current.current?.cancel();
    const stop = new AbortController();
    const { trace, traceparent } = newTrace();
    let state: Run = { command, trace, status: 'running', cancel: () => stop.abort() };
    current.current = state;
    const number = state.trace;
    const change = (next: Partial<Run>) => {
      // What an earlier run still tells must not replace a later one.
      if (current.current?.trace !== number) return;
      state = { ...state, ...next };
      current.current = state;
      setRun(state);
    };
    change({});
    const started = performance.now();
    const took = () => performance.now() - started;
    try {
      const answer = await kernel.commands.execute(command, input, {
        signal: stop.signal,
        traceparent,
        onProgress: (progress) => change({ progress }),
      });
      if (isStream(answer)) await read(answer, stop.signal, (items) => change({ items }));
      else change({ text: showValue(answer) });
      change({ status: stop.signal.aborted ? 'cancelled' : 'ok', took: took() });
    } catch (error) {
      if (stop.signal.aborted) change({ status: 'cancelled', took: took() });
      else change({ status: 'failed', took: took(), text: messageOf(error) });
    }
  };
  return [run, (command, input) => void start(command, input)];
}

/** Reads a stream to its end or until it is cancelled. */
async function read(
  stream: AsyncIterable<unknown>,
  signal: AbortSignal,
  tell: (items: NonNullable<Run['items']>) => void,
): Promise<void> {
  let count = 0;
  let last: string[] = [];
  const iterator = stream[Symbol.asyncIterator]();
  // The stream is told at once, also while its next item is awaited. How it ends is of no interest.
  const end = () => void Promise.resolve(iterator.return?.()).catch(() => {});
  signal.addEventListener('abort', end, { once: true });
  try {
    while (!signal.aborted) {
      const { done, value } = await iterator.next();
      if (done === true) break;
      last = [summarise(value), ...last].slice(0, MOST_ITEMS);
      tell({ count: ++count, last });
      if (count % ITEMS_A_TURN === 0) await new Promise((resolve) => setTimeout(resolve));
    }
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** The result. */
export function CommandRun({ run }: { readonly run: Run | undefined }) {
  const { traces } = useInspector();
  useChanges(traces.changes);
  if (run === undefined)
    return (
      <section aria-label="Answer">
        <p class="panel hint">The answer will be here, with the way of the call.</p>
      </section>
    );
  const trace = traces.get(run.trace);
  return (
    <section aria-label="Answer">
      <div class="panel result" role="status" aria-label="Result" data-status={run.status}>
        <p class="result-title">
          <strong>{titleOf(run)}</strong>
          {run.took !== undefined && <span class="took">{milliseconds(run.took)}</span>}
        </p>
        {/* Above what grows, which would move it away from under the pointer. */}
        {run.status === 'running' && (
          <button type="button" onClick={run.cancel}>
            Cancel
          </button>
        )}
        {typeof run.progress === 'number' && (
          <progress aria-label="Progress" max={1} value={run.progress} />
        )}
        {run.progress !== undefined && typeof run.progress !== 'number' && (
          <p class="hint">{summarise(run.progress)}</p>
        )}
        {run.items !== undefined && (
          <>
            <p class="hint">{run.items.count} items, the last first</p>
            <pre>{run.items.last.join('\n')}</pre>
          </>
        )}
        {run.text !== undefined && <pre>{run.text}</pre>}
      </div>
      {trace !== undefined && (
        <div class="panel">
          <h3>Way of the call</h3>
          <Waterfall trace={trace} />
        </div>
      )}
    </section>
  );
}

function titleOf({ command, status, items }: Run): string {
  const name = plainText(command, 100);
  if (status === 'running') return items === undefined ? `${name} is running…` : `${name} streams…`;
  if (status === 'failed') return `${name} failed`;
  if (status === 'cancelled') return `${name} was cancelled`;
  return items === undefined ? `${name} answered` : `${name} ended its stream`;
}

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
