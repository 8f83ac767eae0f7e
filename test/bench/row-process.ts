/** Runs one row in a process of its own, pinned to one core if the system can. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { allMissing, ONLY_NODE, ONLY_PAGE, type RowName, UNPINNED } from './goals.ts';
import type { Failed, RowResult } from './result.ts';

/** A hanging browser or worker must not block everything else. */
const ROW_TIMEOUT = 1_800_000;

/** Whether this system can pin a process to a core. */
export const canPin = spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** The process that runs a row now. */
let current: ChildProcess | undefined;

/** Ends the row that runs now. */
export function endRow(): void {
  current?.kill();
}

/**
 * @param folder with the code of the benchmark. Its packages are what is measured.
 * @param settings environment variables beside those of this process.
 */
export async function runRow(
  folder: string,
  runtime: 'node' | 'chromium',
  row: RowName,
  settings: Readonly<Record<string, string>> = {},
): Promise<RowResult | Failed> {
  if (runtime === 'chromium' && ONLY_NODE.has(row))
    return { outcomes: allMissing(row, 'only Node reads folders and listens') };
  if (runtime === 'node' && ONLY_PAGE.has(row))
    return { outcomes: allMissing(row, 'only a page shows views') };
  if (process.stderr.isTTY) console.error(`${row}, ${runtime} …`);
  const [program, ...words] = [
    ...(canPin && !UNPINNED.has(row) ? ['taskset', '-c', '0'] : []),
    process.execPath,
    join(folder, `${runtime}.ts`),
    row,
  ] as readonly string[] as readonly [string, ...string[]];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: ROW_TIMEOUT,
    env: { ...process.env, ...settings },
  });
  current = child;
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const ended = await new Promise<string | number | null>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  current = undefined;
  if (ended === 0) return JSON.parse(text) as RowResult | Failed;
  return { failed: `the row's process ended with ${ended}; its error is above` };
}
