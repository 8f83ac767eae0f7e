/** The result of a comparison, side by side. */
import type { Column, Run } from '../model/comparison.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Badge } from '../parts/badge.tsx';
import { useInspector } from '../parts/context.ts';
import { milliseconds } from '../parts/waterfall.tsx';

/** Digits of a digest that are shown. Its title has all. */
const DIGITS = 12;

export function CompareResult() {
  const { comparison } = useInspector();
  useChanges(comparison.changes);
  const { run } = comparison;
  return (
    <section class="compared" aria-label="Answers">
      <p class="panel verdict" role="status" aria-label="Verdict" data-status={run?.status}>
        {run === undefined ? 'The answers will be here, side by side.' : verdictOf(run)}
      </p>
      {run !== undefined && (
        <>
          <ul class="cards">
            {run.columns.map((column, index) => (
              <Card key={column.title} column={column} asked={run.calls} first={index === 0} />
            ))}
          </ul>
          <p class="hint">
            Answers are compared as JSON, the first one of each. Every runtime keeps data of its
            own: the worker's is in this browser, that of the others in memory. Node's times have
            the way over HTTP in them.
          </p>
        </>
      )}
    </section>
  );
}

function Card({
  column,
  asked,
  first,
}: {
  readonly column: Column;
  readonly asked: number;
  readonly first: boolean;
}) {
  const { title, ended, failed, outcome, text, times, artefact, difference } = column;
  return (
    <li
      class="panel card result"
      data-runtime={title}
      data-status={outcome === 'error' ? 'failed' : outcome && 'ok'}
    >
      <div class="card-title">
        <h3>{title}</h3>
        <Badge state={badgeOf(column, first)} />
      </div>
      <dl class="facts">
        <Fact name="Median" value={times && milliseconds(times.median)} />
        <Fact name="p99" value={times && milliseconds(times.p99)} />
        <Fact
          name="Calls"
          value={`${ended} of ${asked}${failed === 0 ? '' : `, ${failed} failed`}`}
        />
        <div>
          <dt>SHA-256 of the file</dt>
          <dd>
            <code title={artefact}>{artefact?.slice(0, DIGITS) ?? '…'}</code>
          </dd>
        </div>
      </dl>
      {difference?.equal === false && (
        <p class="problem">
          Differs at <code>{difference.path}</code>: {difference.there} here, {difference.here} in
          the first
        </p>
      )}
      {text !== undefined && <pre>{text}</pre>}
    </li>
  );
}

const Fact = ({ name, value }: { readonly name: string; readonly value: string | undefined }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value ?? '…'}</dd>
  </div>
);

function badgeOf({ state, difference }: Column, first: boolean): string {
  if (state !== 'done') return state;
  if (difference === undefined) return first ? 'first' : 'done';
  return difference.equal ? 'equal' : 'differs';
}

/** What came out, in a sentence or three. */
function verdictOf({ command, status, columns, problem = '' }: Run): string {
  const name = plainText(command, 100);
  if (status === 'running') {
    const current = columns.find(({ state }) => state !== 'done');
    return `${name}: ${current === undefined ? 'opening' : current.title} …`;
  }
  if (status === 'cancelled') return `${name} was cancelled.`;
  if (status === 'failed') return `${name} can't be compared: ${plainText(problem, 400)}`;
  return `${name}: ${outcomes(columns)} ${files(columns)}`;
}

function outcomes(columns: readonly Column[]): string {
  const others = columns.slice(1);
  const differing = others.filter(({ difference }) => difference?.equal === false);
  if (differing.length > 0)
    return `${differing.map(({ title }) => title).join(' and ')} differ${
      differing.length === 1 ? 's' : ''
    } from ${columns[0]?.title}.`;
  const cut = others.some(({ difference }) => difference?.equal === true && difference.cut);
  const what = columns[0]?.outcome === 'error' ? 'the same error' : 'equal';
  return `${what} in ${columns.length} runtimes${cut ? ', as far as they were compared' : ''}.`;
}

function files(columns: readonly Column[]): string {
  const digests = new Set(columns.map(({ artefact }) => artefact));
  if (digests.has(undefined)) return 'Not every runtime tells its file.';
  return digests.size === 1
    ? 'The same file runs in each.'
    : 'The files differ: build and load again.';
}
