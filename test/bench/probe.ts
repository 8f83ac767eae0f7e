/** Measures something in a fresh Node process, so that nothing earlier is in its memory or caches. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A thousand plugins that start one group after another take two minutes on a slow machine. */
const LONGEST = 600_000;

/** @param kind what to measure, and its arguments: see `fresh-process.ts`. */
export async function probe(kind: string, ...more: readonly (string | number)[]): Promise<number> {
  const script = fileURLToPath(new URL('fresh-process.ts', import.meta.url));
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--expose-gc', script, kind, ...more.map(String)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: LONGEST },
  );
  if (status !== 0) throw new Error(`the process that measures '${kind}' ended with ${status}`);
  return Number(stdout);
}
