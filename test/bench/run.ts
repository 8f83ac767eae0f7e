/**
 * `npm run bench`: each row in its own process, in Node and in Chromium, pinned to one core if the
 * system can; two tables, or JSON with `--json`. `--only=calls,flood` chooses rows, and `--write`
 * publishes the run in the documentation. Exits with 1 when a row failed or a guarantee was not
 * kept.
 */
import { fileURLToPath } from 'node:url';
import { chosenRows } from './chosen-rows.ts';
import type { RowName } from './goals.ts';
import { publish } from './publish.ts';
import { callsOf, callsTables, goalsTable, judge } from './report.ts';
import type { Failed, RowResult } from './result.ts';
import { canPin, runRow } from './row-process.ts';
import { MILLISECONDS, ROUNDS } from './settings.ts';

const has = (option: string) => process.argv.includes(option);
const folder = fileURLToPath(new URL('.', import.meta.url));

const results: Partial<Record<RowName, Record<'node' | 'chromium', RowResult | Failed>>> = {};
for (const row of chosenRows(process.argv))
  results[row] = {
    node: await runRow(folder, 'node', row),
    chromium: await runRow(folder, 'chromium', row),
  };

const judged = judge(results);
const calls = callsOf(results);
if (has('--json')) {
  const run = { pinned: canPin, node: process.version, rounds: ROUNDS, milliseconds: MILLISECONDS };
  const tables = Object.fromEntries(
    Object.entries(results.calls ?? {}).map(([runtime, result]) => [
      runtime,
      'table' in result ? result.table : undefined,
    ]),
  );
  console.log(JSON.stringify({ ...run, results: tables, goals: judged }, null, 2));
} else {
  console.log(`\n${callsTables(calls, canPin)}\n\n${goalsTable(judged)}`);
}
if (has('--write')) await publish(judged, calls, canPin);
if (
  judged.some(({ node, chromium, required }) =>
    [node, chromium].some((one) => 'failed' in one || (required && 'met' in one && !one.met)),
  )
)
  process.exitCode = 1;
