/**
 * What a published run looks like in the documentation. Pure, so that a test can compare the pages
 * with `docs/benchmarks.json`.
 */
import { ROWS, type RowName } from './goal.ts';
import { type Calls, callsTables, cellOf, goalsTable, type Judged, missedIn } from './report.ts';

/** A run as `docs/benchmarks.json` holds it. */
export interface Published {
  /** The day, as in 2026-11-30. */
  readonly date: string;
  readonly commit: string;
  readonly machine: {
    readonly cores: number;
    /** Gigabytes. */
    readonly memory: number;
    readonly cpu: string;
  };
  readonly node: string;
  readonly chromium: string;
  readonly rounds: number;
  readonly milliseconds: number;
  /** Whether rows ran pinned to one core. */
  readonly pinned: boolean;
  readonly calls: Calls;
  readonly goals: readonly Judged[];
}

/** Columns of prose. */
const WIDTH = 116;
const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** What README shows, in words for its reader. */
const SHORT: readonly (readonly [row: RowName, key: string, what: string])[] = [
  ['calls', 'valibot256', 'calls a second with 256 in flight, to raw workers'],
  ['calls', 'single', 'time of calls one after another, to raw workers'],
  ['cold', 'rate', 'calls a second just after activation, to raw workers'],
  ['relay', 'policed', 'calls a second of plugin to plugin, to joined raw workers'],
  ['events', 'lone', 'time of one event to many plugins, to raw messages'],
  ['flood', 'neighbour', "a neighbour's latency while a plugin floods, to raw workers"],
  ['crowd', 'start', 'time until 50 plugins have answered, to empty workers'],
  ['spare', 'activation', 'activation on a warm spare, to the start of an empty worker'],
  ['sandbox', 'startTime', 'activation in a sandbox that waits already'],
  ['memory', 'idle', 'memory of an idle plugin, to an empty worker'],
  ['swap', 'latency', 'p99 that 50 reloads in a row under load add'],
  ['settle', 'worst', 'calls settled after their plugin died, worst cause'],
];

/** The generated part of `docs/benchmarks.md`. */
export function benchmarksPart(run: Published): string {
  const calls = callsTables(run.calls, run.pinned);
  return [
    wrapped(`${machineOf(run)} ${partOf(run)}${missedGoals(run)}`),
    ...(calls === '' ? [] : [calls]),
    goalsTable(run.goals),
  ].join('\n\n');
}

/** The generated part of README. */
export function readmePart(run: Published): string {
  const lines = SHORT.flatMap(([row, key, what]) => {
    const found = run.goals.find((one) => one.row === row && one.key === key);
    if (found === undefined) return [];
    const missed = missedIn(found);
    const cells = (['node', 'chromium'] as const).map(
      (runtime) =>
        `${cellOf(found, runtime, false)}${missed.includes(runtime === 'node' ? 'Node' : 'Chromium') ? ' ✗' : ''}`,
    );
    return [`| ${what} | ${cells.join(' | ')} |`];
  });
  return [
    ['| | Node | Chromium |', '| --- | --- | --- |', ...lines].join('\n'),
    wrapped(`${machineOf(run)} A ✗ marks a missed goal. ${partOf(run)}${missedGoals(run)}`),
  ].join('\n\n');
}

/** Puts a part between a page's markers. */
export function withPart(page: string, part: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`the page has no ${BEGIN} before ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${part}\n\n${page.slice(end)}`;
}

function machineOf({ date, commit, machine, node, chromium, rounds, milliseconds }: Published) {
  const day = new Date(date).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  return (
    `Measured on ${day} at commit ${commit}: ${machine.cores} cores of ${machine.cpu} with ` +
    `${machine.memory} GB of memory, Node ${node}, Chromium ${chromium}, medians of ${rounds} ` +
    `${rounds === 1 ? 'round' : 'rounds'} of ${milliseconds} ms.`
  );
}

/** Says so when the run is not of all rows. */
function partOf({ goals }: Published): string {
  const measured = ROWS.filter((row) => goals.some((one) => one.row === row));
  return measured.length === ROWS.length
    ? ''
    : `Only ${measured.length} of ${ROWS.length} rows were measured: ${measured.join(', ')}. `;
}

/** Says how many goals of which rows are missed, in either runtime. */
function missedGoals({ goals }: Published): string {
  const judged = goals.filter(({ informational }) => !informational);
  const missed = judged.filter((one) => missedIn(one).length > 0);
  if (missed.length === 0) return `All ${judged.length} goals are met.`;
  const rows = ROWS.flatMap((row) => {
    const of = (list: readonly Judged[]) => list.filter((one) => one.row === row).length;
    return of(missed) === 0 ? [] : [`${row} (${of(missed)} of ${of(judged)})`];
  });
  const verb = missed.length === 1 ? 'is' : 'are';
  return `Of ${judged.length} goals, ${missed.length} ${verb} missed in a runtime: ${rows.join(', ')}.`;
}

/** Lines of at most {@link WIDTH} columns. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ').filter(Boolean)) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join('\n');
}
