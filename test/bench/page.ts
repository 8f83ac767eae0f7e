/** One row in a page: the driver calls these functions and reads their results. */
import {
  batchedContestant,
  batchedWorker,
  comlinkContestant,
  kernelContestant,
  rawContestant,
} from './contestants.ts';
import type { RowName } from './goals.ts';
import { rawEcho } from './guest-code.ts';
import type { Platform } from './platform.ts';
import { pagePlatform } from './platform-page.ts';
import type { RowResult } from './result.ts';
import { measureCalls } from './rows/calls.ts';
import { IN_RUNTIME } from './rows/in-runtime.ts';
import { type MemoryKind, workersOf } from './rows/memory.ts';
import { type ReloadKind, reloadsOf } from './rows/reload-memory.ts';

/** What the driver says. */
export interface PageOptions {
  readonly rounds: number;
  readonly milliseconds: number;
  readonly crowd: number;
  readonly comlinkUrl: string;
  /** Text of the file that guests boot from. */
  readonly guestCode: string;
}

/** Measures a row in this page. */
export async function run(
  row: RowName,
  { rounds, milliseconds, crowd, comlinkUrl, guestCode }: PageOptions,
): Promise<RowResult> {
  const platform = pagePlatform(crowd, guestCode);
  const bench = { platform, rounds, milliseconds };
  if (row === 'calls') return measureCalls(bench, await contestants(platform, comlinkUrl));
  const measureRow = IN_RUNTIME[row];
  if (measureRow === undefined) throw new Error(`there is no row '${row}' in a page`);
  return { outcomes: await measureRow(bench) };
}

/** Lets the driver start idle workers and measure the process in between. */
export function idleWorkers(kind: MemoryKind): Promise<(howMany: number) => Promise<void>> {
  return workersOf(kind, pagePlatform(0, ''));
}

/** The same for reloads. */
export function reloads(kind: ReloadKind): Promise<(howMany: number) => Promise<void>> {
  return reloadsOf(kind, pagePlatform(0, ''));
}

async function contestants(platform: Platform, comlinkUrl: string) {
  const code = `import { expose } from ${JSON.stringify(comlinkUrl)}; expose({ run: (a) => ({ ok: true, n: a.n }) });`;
  const comlink = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), {
    type: 'module',
  });
  return [
    rawContestant(platform.startWorker(rawEcho)),
    batchedContestant(platform.startWorker(batchedWorker)),
    comlinkContestant(comlink, async () => comlink.terminate()),
    await kernelContestant(platform.createHost()),
  ];
}
