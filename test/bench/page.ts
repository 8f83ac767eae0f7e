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
import { type PageSettings, pagePlatform } from './platform-page.ts';
import type { RowResult } from './result.ts';
import { measureCalls } from './rows/calls.ts';
import { type ColdKind, coldRate } from './rows/cold.ts';
import { IN_RUNTIME } from './rows/in-runtime.ts';
import { type MemoryKind, workersOf } from './rows/memory.ts';
import { type ReloadKind, reloadsOf } from './rows/reload-memory.ts';

/** What the driver says. */
export interface PageOptions extends PageSettings {
  readonly rounds: number;
  readonly milliseconds: number;
  /** Milliseconds that count as cold. */
  readonly cold: number;
  readonly comlinkUrl: string;
  /** Text of the echo plugin with valibot inside. */
  readonly parsedEcho: string;
}

/** Measures a row in this page. */
export async function run(row: RowName, options: PageOptions): Promise<RowResult> {
  const { rounds, milliseconds } = options;
  const platform = pagePlatform(options);
  const bench = { platform, rounds, milliseconds };
  if (row === 'calls') return measureCalls(bench, await contestants(platform, options));
  const measureRow = IN_RUNTIME[row];
  if (measureRow === undefined) throw new Error(`there is no row '${row}' in a page`);
  return { outcomes: await measureRow(bench) };
}

/** Calls a second in this page, which has made no call before. */
export function cold(kind: ColdKind, options: PageOptions): Promise<number> {
  return coldRate(kind, pagePlatform(options), options.cold, options.parsedEcho);
}

/** Lets the driver start idle workers and measure the process in between. */
export function idleWorkers(
  kind: MemoryKind,
  options: PageOptions,
): Promise<(howMany: number) => Promise<void>> {
  return workersOf(kind, pagePlatform(options));
}

/** The same for reloads. */
export function reloads(
  kind: ReloadKind,
  options: PageOptions,
): Promise<(howMany: number) => Promise<void>> {
  return reloadsOf(kind, pagePlatform(options));
}

async function contestants(platform: Platform, { comlinkUrl, parsedEcho }: PageOptions) {
  const code = `import { expose } from ${JSON.stringify(comlinkUrl)}; expose({ run: (a) => ({ ok: true, n: a.n }) });`;
  const comlink = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), {
    type: 'module',
  });
  return [
    rawContestant(platform.startWorker(rawEcho)),
    batchedContestant(platform.startWorker(batchedWorker)),
    comlinkContestant(comlink, async () => comlink.terminate()),
    await kernelContestant(platform.createHost(), 'valibot', parsedEcho),
    await kernelContestant(platform.createHost(), 'hand-written checks', parsedEcho),
    await kernelContestant(platform.createHost(), 'no validation', parsedEcho),
  ];
}
