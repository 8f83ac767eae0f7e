/** The table of two commits. Pure. */
import { type Difference, differenceOf } from './difference.ts';
import { GOALS, type Goal, type RowName } from './goals.ts';
import type { Runtime } from './report.ts';
import type { Failed, RowResult } from './result.ts';

export type Side = 'here' | 'there';
/** What each round's processes of one row printed. */
export type Sides = Readonly<Record<Side, (RowResult | Failed)[]>>;

const NAMES = { node: 'Node', chromium: 'Chromium' } as const;

/** One line for every goal and runtime. */
export function comparisonTable(
  results: ReadonlyMap<RowName, Readonly<Record<Runtime, Sides>>>,
  ref: string,
): string {
  const lines = GOALS.flatMap((goal) => {
    const found = results.get(goal.row);
    if (found === undefined) return [];
    return (['node', 'chromium'] as const).map(
      (runtime) =>
        `| ${goal.row}, ${goal.key} | ${NAMES[runtime]} | ${cells(goal, found[runtime], ref).join(' | ')} |`,
    );
  });
  return [
    `| goal | | ${ref} | here | here to there (range) | difference |`,
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function cells(goal: Goal, sides: Sides, ref: string): readonly string[] {
  const there = valuesOf(goal, sides.there);
  const here = valuesOf(goal, sides.here);
  const why = [
    ...(typeof there === 'string' ? [`${ref}: ${there}`] : []),
    ...(typeof here === 'string' ? [`here: ${here}`] : []),
  ];
  if (typeof there === 'string' || typeof here === 'string') return ['–', '–', '–', why.join('; ')];
  const difference = differenceOf(here, there);
  const { ratio, lowest, highest } = difference;
  const range = Number.isFinite(ratio)
    ? `${ratio.toFixed(3)} (${lowest.toFixed(3)} to ${highest.toFixed(3)})`
    : '–';
  const unit = goal.unit === '' ? '' : ` ${goal.unit}`;
  const shown = (value: number) => `${Number(value.toPrecision(3))}${unit}`;
  return [shown(difference.there), shown(difference.here), range, inWords(goal, difference)];
}

function inWords({ is }: Goal, { verdict }: Difference): string {
  if (verdict !== 'smaller' && verdict !== 'larger')
    return verdict === 'noise' ? 'within the noise' : verdict;
  return (verdict === 'larger') === (is === 'at least') ? '**better**' : '**worse**';
}

/** The value of each round, or why there is none. */
function valuesOf(
  goal: Goal,
  results: readonly (RowResult | Failed)[],
): readonly number[] | string {
  const values: number[] = [];
  for (const result of results) {
    if ('failed' in result) return `failed: ${result.failed}`.replaceAll(/[|\n]/g, ' ');
    const outcome = result.outcomes[goal.key];
    if (outcome === undefined || 'missing' in outcome) return outcome?.missing ?? 'no answer';
    values.push(outcome.value);
  }
  return values;
}
