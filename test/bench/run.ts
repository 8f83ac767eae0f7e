/**
 * `npm run bench`: each row in its own process, in Node and in Chromium, pinned to one core if the
 * system can; two tables, or JSON with `--json`. `--only=calls,flood` chooses rows. Exits with 1
 * when a row failed or a guarantee was not kept.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { GOALS, ONLY_NODE, ROWS, type RowName, UNPINNED } from './goals.ts';
import { callsTables, goalsTable, judge } from './report.ts';
import type { Failed, RowResult } from './result.ts';
import { MILLISECONDS, ROUNDS } from './settings.ts';

/** A hanging browser or worker must not block everything else. */
const ROW_TIMEOUT = 600_000;

const json = process.argv.includes('--json');
const rows = chosenRows(
  process.argv.find((one) => one.startsWith('--only='))?.slice('--only='.length),
);
const canPin = spawnSync('taskset', ['-c', '0', 'true']).status === 0;

const results: Partial<Record<RowName, Record<'node' | 'chromium', RowResult | Failed>>> = {};
for (const row of rows)
  results[row] = { node: runRow('node', row), chromium: runRow('chromium', row) };

const judged = judge(results);
if (json) {
  const { calls } = results;
  const tables = calls && {
    node: 'table' in calls.node ? calls.node.table : undefined,
    chromium: 'table' in calls.chromium ? calls.chromium.table : undefined,
  };
  console.log(
    JSON.stringify(
      {
        pinned: canPin,
        node: process.version,
        rounds: ROUNDS,
        milliseconds: MILLISECONDS,
        ...(tables && { results: tables }),
        goals: judged,
      },
      null,
      2,
    ),
  );
} else {
  if (results.calls !== undefined) console.log(callsTables(results.calls, canPin));
  console.log(goalsTable(judged));
}
if (
  judged.some(({ node, chromium, required }) =>
    [node, chromium].some((one) => 'failed' in one || (required && 'met' in one && !one.met)),
  )
)
  process.exitCode = 1;

function chosenRows(list: string | undefined): readonly RowName[] {
  if (list === undefined) return ROWS;
  const names = list.split(',');
  const unknown = names.filter((name) => !ROWS.includes(name as RowName));
  if (unknown.length > 0) {
    console.error(`there is no row ${unknown.join(', ')}; rows are ${ROWS.join(', ')}`);
    process.exit(2);
  }
  return ROWS.filter((row) => names.includes(row));
}

function runRow(runtime: 'node' | 'chromium', row: RowName): RowResult | Failed {
  if (runtime === 'chromium' && ONLY_NODE.has(row))
    return {
      outcomes: Object.fromEntries(
        GOALS.filter((goal) => goal.row === row).map(({ key }) => [
          key,
          { missing: 'only Node reads folders' },
        ]),
      ),
    };
  if (process.stderr.isTTY) console.error(`${row}, ${runtime} …`);
  const script = fileURLToPath(new URL(`${runtime}.ts`, import.meta.url));
  const command = [
    ...(canPin && !UNPINNED.has(row) ? ['taskset', '-c', '0'] : []),
    process.execPath,
    script,
    row,
  ] as const;
  const { stdout, status, error } = spawnSync(command[0], command.slice(1), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: ROW_TIMEOUT,
  });
  if (status === 0) return JSON.parse(stdout) as RowResult | Failed;
  return { failed: error?.message ?? `the row's process ended with ${status}; its error is above` };
}
