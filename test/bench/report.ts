/** Compares results with goals, and prints both as markdown. */
import { GOALS, type Goal, meets, type RowName } from './goals.ts';
import { type Row, WINDOWS } from './measure.ts';
import type { Outcome } from './outcome.ts';
import type { Failed, RowResult } from './result.ts';

type Runtime = 'node' | 'chromium';
/** What the rows' processes printed. */
export type Results = Partial<Record<RowName, Readonly<Record<Runtime, RowResult | Failed>>>>;

/** A goal and its result in one runtime. */
export type Verdict =
  | (Outcome & { readonly met?: boolean; readonly goal: number })
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

/** The second table. */
export function goalsTable(judged: readonly Judged[]): string {
  const lines = judged.map(
    (one) =>
      `| ${one.what}${one.informational ? ' (informational)' : ''} | ${limits(one)} | ${cell(one, one.node)} | ${cell(one, one.chromium)} |`,
  );
  return ['', '| what | goal | Node | Chromium |', '|---|---|---|---|', ...lines].join('\n');
}

function limits({ is, unit, node, chromium }: Judged): string {
  const sign = is === 'at least' ? '≥' : '≤';
  const both =
    node.goal === chromium.goal
      ? `${sign} ${node.goal}`
      : `${sign} ${node.goal} / ${sign} ${chromium.goal}`;
  return unit === '' ? both : `${both} ${unit}`;
}

function cell({ unit, informational }: Judged, verdict: Verdict): string {
  if ('failed' in verdict) return `failed: ${plain(verdict.failed)}`;
  if ('missing' in verdict) return `n/a: ${plain(verdict.missing)}`;
  const { value, met, detail } = verdict;
  const mark = informational ? '' : met ? ' ✓' : ' ✗';
  return `${Number(value.toPrecision(3))}${unit === '' ? '' : ` ${unit}`}${mark}${detail === undefined ? '' : ` (${detail})`}`;
}

const plain = (text: string) => text.replaceAll(/[|\n]/g, ' ').slice(0, 160);

/** The first table, once per runtime. */
export function callsTables(calls: NonNullable<Results['calls']>, pinned: boolean): string {
  return Object.entries(calls)
    .flatMap(([runtime, result]) =>
      'table' in result && result.table !== undefined
        ? [callsTable(runtime, result.table, pinned)]
        : [],
    )
    .join('\n');
}

function callsTable(runtime: string, rows: readonly Row[], pinned: boolean): string {
  const lines = rows.map(({ name, latency, latencyRatio, throughput, throughputRatio }) => {
    const cells = WINDOWS.map(
      (window) =>
        `${Math.round((throughput[window] as number) / 1_000)}k/s (${(throughputRatio[window] as number).toFixed(2)})`,
    );
    return `| ${name} | ${latency.toFixed(1)} µs (${latencyRatio.toFixed(2)}) | ${cells.join(' | ')} |`;
  });
  return [
    `\n${runtime}${pinned ? ', pinned to one core' : ''}: calls through a worker, ratio to raw postMessage in the same rounds\n`,
    '| | one after another | 16 in flight | 256 in flight | 4 096 in flight |\n|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}
