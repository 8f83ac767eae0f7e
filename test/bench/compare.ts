/**
 * `npm run bench:compare <ref>`: this tree beside another commit. Both run the benchmark of this
 * tree, each with its own packages, once a round in a random order. Tells for every goal whether
 * the difference is larger than the noise. `--only=calls,flood` chooses rows.
 */
import { fileURLToPath } from 'node:url';
import { chosenRows } from './chosen-rows.ts';
import { comparisonTable, type Side, type Sides } from './comparison.ts';
import type { RowName } from './goals.ts';
import type { Runtime } from './report.ts';
import { endRow, runRow } from './row-process.ts';
import { ROUNDS } from './settings.ts';
import { shuffled } from './statistics.ts';
import { makeWorktree } from './worktree.ts';

const words = process.argv.slice(2);
const ref = words.find((word) => !word.startsWith('--'));
if (ref === undefined) {
  console.error('usage: npm run bench:compare <commit, branch or tag> [-- --only=calls,flood]');
  process.exit(2);
}
const rows = chosenRows(words);

let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    stopped = true;
    endRow();
  });

const other = await makeWorktree(ref);
try {
  const unknown = rows.filter((row) => !other.rows.includes(row));
  if (unknown.length > 0)
    console.error(
      `The benchmark of ${ref} has no row ${unknown.join(', ')}: measured with this tree's code.`,
    );
  const folders = { here: fileURLToPath(new URL('.', import.meta.url)), there: other.bench };
  const results = new Map<RowName, Readonly<Record<Runtime, Sides>>>(
    rows.map((row) => [row, { node: { here: [], there: [] }, chromium: { here: [], there: [] } }]),
  );
  for (let round = 0; round < ROUNDS; round++)
    for (const row of rows)
      for (const runtime of ['node', 'chromium'] as const)
        for (const side of shuffled<Side>(['here', 'there'])) {
          if (stopped) break;
          const result = await runRow(folders[side], runtime, row, { ROUNDS: '1' });
          results.get(row)?.[runtime][side].push(result);
        }
  if (!stopped) console.log(`\n${comparisonTable(results, ref)}`);
} finally {
  other.remove();
}
// What a row left open must not keep this process.
process.exit(stopped ? 130 : 0);
