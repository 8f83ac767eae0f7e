/** Compares results with goals, and prints both as markdown. */
import { GOALS, type Goal, meets, type RowName } from './goals.ts';
import { type Row, WINDOWS } from './measure.ts';
import type { Figure, Missing } from './outcome.ts';
import type { Failed, RowResult } from './result.ts';

/** Where a row runs. */
export type Runtime = 'node' | 'chromium';
/** A row of the table of calls, without its samples. */
export type CallsRow = Omit<Row, 'rounds'>;
/** The table of calls, by runtime. */
export type Calls = Partial<Readonly<Record<Runtime, readonly CallsRow[]>>>;
/** What the rows' processes printed. */
export type Results = Partial<Record<RowName, Readonly<Record<Runtime, RowResult | Failed>>>>;

/** A goal and its result in one runtime. */
export type Verdict =
  | (Figure & { readonly met: boolean; readonly goal: number })
  | (Missing & { readonly goal: number })
  | (Failed & { readonly goal: number });

/** A goal and its verdicts. */
export interface Judged extends Omit<Goal, Runtime> {
  readonly node: Verdict;
  readonly chromium: Verdict;
}

/** Compares every goal of the rows that ran with its outcomes. */
export function judge(results: Results): readonly Judged[] {
  return GOALS.flatMap((goal) => {
    const result = results[goal.row];
    if (result === undefined) return [];
    const verdict = (runtime: Runtime): Verdict => {
      const limit = goal[runtime];
      const found = result[runtime];
      if ('failed' in found) return { failed: found.failed, goal: limit };
      const outcome = found.outcomes[goal.key] ?? { missing: 'the row answered nothing' };
      return 'missing' in outcome
        ? { ...outcome, goal: limit }
        : { ...outcome, met: meets(goal, outcome.value, limit), goal: limit };
    };
    return [{ ...goal, node: verdict('node'), chromium: verdict('chromium') }];
  });
}

/** The table of goals. */
export function goalsTable(judged: readonly Judged[]): string {
  const lines = judged.map(
    (one) =>
      `| ${one.what}${one.informational ? ' (informational)' : ''} | ${limitsOf(one)} | ${cellOf(one, 'node')} | ${cellOf(one, 'chromium')} | ${verdictOf(one)} |`,
  );
  return ['| what | goal | Node | Chromium | |', '|---|---|---|---|---|', ...lines].join('\n');
}

/** The limits of both runtimes in words. */
export function limitsOf({ is, unit, node, chromium, informational }: Judged): string {
  if (informational) return '–';
  const sign = is === 'at least' ? '≥' : '≤';
  const both =
    node.goal === chromium.goal
      ? `${sign} ${node.goal}`
      : `${sign} ${node.goal} / ${sign} ${chromium.goal}`;
  return unit === '' ? both : `${both} ${unit}`;
}

/** The figure of one runtime in words, with what it consists of when asked. */
export function cellOf(judged: Judged, runtime: Runtime, detailed = true): string {
  const verdict = judged[runtime];
  if ('failed' in verdict) return `failed: ${plain(verdict.failed)}`;
  if ('missing' in verdict) return `n/a: ${plain(verdict.missing)}`;
  const value = `${shown(verdict.value)}${judged.unit === '' ? '' : ` ${judged.unit}`}`;
  return detailed && verdict.detail !== undefined ? `${value} (${plain(verdict.detail)})` : value;
}

/** Three significant digits are enough for every figure here. */
const shown = (value: number) => Number(value.toPrecision(3));

const NAMES = { node: 'Node', chromium: 'Chromium' } as const;

/** The runtimes that miss a goal. A row that failed misses it. */
export function missedIn(judged: Judged): readonly string[] {
  if (judged.informational) return [];
  return (['node', 'chromium'] as const)
    .filter((runtime) => {
      const verdict = judged[runtime];
      return 'failed' in verdict || ('value' in verdict && !verdict.met);
    })
    .map((runtime) => NAMES[runtime]);
}

/** Whether a goal is met, in words. */
export function verdictOf(judged: Judged): string {
  if (judged.informational) return '–';
  const missed = missedIn(judged);
  const measured = (['node', 'chromium'] as const).filter((one) => !('missing' in judged[one]));
  if (measured.length === 0) return 'not measured';
  if (missed.length === 0) return 'met';
  return missed.length === measured.length ? '**missed**' : `**missed** in ${missed[0]}`;
}

const plain = (text: string) => text.replaceAll(/[|\n]/g, ' ').slice(0, 300);

/** What the row of calls found, without its samples. */
export function callsOf(results: Results): Calls {
  return Object.fromEntries(
    Object.entries(results.calls ?? {}).flatMap(([runtime, result]) =>
      'table' in result && result.table !== undefined
        ? [[runtime, result.table.map(({ rounds: _, ...row }) => row)]]
        : [],
    ),
  );
}

/** The table of calls, once per runtime. */
export function callsTables(calls: Calls, pinned: boolean): string {
  return Object.entries(calls)
    .map(([runtime, rows]) => callsTable(NAMES[runtime as Runtime], rows, pinned))
    .join('\n\n');
}

function callsTable(runtime: string, rows: readonly CallsRow[], pinned: boolean): string {
  const lines = rows.map(({ name, latency, latencyRatio, throughput, throughputRatio }) => {
    const cells = WINDOWS.map(
      (window) =>
        `${Math.round((throughput[window] as number) / 1_000)}k/s (${(throughputRatio[window] as number).toFixed(2)})`,
    );
    return `| ${name} | ${latency.toFixed(1)} µs (${latencyRatio.toFixed(2)}) | ${cells.join(' | ')} |`;
  });
  return [
    `${runtime}${pinned ? ', pinned to one core' : ''}: calls through a worker, in brackets the ratio to raw postMessage\n`,
    '| | one after another | 16 in flight | 256 in flight | 4 096 in flight |\n|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}
