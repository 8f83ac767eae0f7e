/**
 * What remains of a plugin that is reloaded, or updated, repeatedly, each time with other code: memory after two
 * hundred of them minus memory before, in a fresh process. Compared with as many raw workers with
 * the same code, started and ended one after another, which shows what the runtime itself keeps.
 */
import { createKernel, packageOf, packageSource } from '@plinth/kernel';
import { packageFor } from '../guest-code.ts';
import type { Figure, Outcomes } from '../outcome.ts';
import { asking, type Platform } from '../platform.ts';
import { everyRound, medianOf } from '../statistics.ts';

export const RELOAD_KINDS = ['reloads', 'updates', 'restarts'] as const;
export type ReloadKind = (typeof RELOAD_KINDS)[number];

const RELOADS = 200;
/** The first ones include shared costs. */
const FIRST = 10;
const ID = 'bench.large';
/** Characters of the plugin's code. */
const SIZE = 300_000;
/** Fewer rounds than others: one round is six hundred workers. */
const MOST_ROUNDS = 3;

/** @param probe starts a fresh process that does one of the three. Returns bytes each. */
export async function measureReloadMemory(
  rounds: number,
  probe: (kind: ReloadKind) => Promise<number>,
): Promise<Outcomes> {
  const bytes = await everyRound(Math.min(rounds, MOST_ROUNDS), {
    reloads: () => probe('reloads'),
    updates: () => probe('updates'),
    restarts: () => probe('restarts'),
  });
  const figure = (samples: readonly number[]): Figure => {
    const growth = samples.map((one) => one / 1_000_000);
    return {
      value: medianOf(growth),
      rounds: growth,
      detail: `raw workers ${(medianOf(bytes.restarts) / 1_000_000).toFixed(3)} MB`,
    };
  };
  return { growth: figure(bytes.reloads), updateGrowth: figure(bytes.updates) };
}

/** Returns bytes each. */
export async function bytesPerReload(
  read: () => Promise<number>,
  reload: (howMany: number) => Promise<void>,
): Promise<number> {
  await reload(FIRST);
  const before = await read();
  await reload(RELOADS);
  return ((await read()) - before) / RELOADS;
}

/** Reloads or updates a plugin, or restarts a raw worker, the given number of times. */
export async function reloadsOf(
  kind: ReloadKind,
  platform: Platform,
): Promise<(howMany: number) => Promise<void>> {
  const one =
    kind === 'restarts'
      ? (build: number) => rawRestart(build, platform)
      : await nextVersion(kind, platform);
  let build = 0;
  return async (howMany) => {
    for (let time = 0; time < howMany; time++) await one(++build);
  };
}

async function nextVersion(
  kind: 'reloads' | 'updates',
  platform: Platform,
): Promise<(build: number) => Promise<void>> {
  const kernel = await createKernel({
    host: platform.createHost(0),
    sources: [packageSource([largePlugin(0)])],
  });
  await kernel.start();
  return async (build) => {
    const found = packageOf(largePlugin(build));
    if (kind === 'reloads') await kernel.plugins.reload(ID, found);
    else await kernel.plugins.update(ID, found);
    check(build, await kernel.commands.execute(`${ID}:build`));
  };
}

async function rawRestart(build: number, platform: Platform): Promise<void> {
  const worker = platform.startWorker(`${largeCode(build)} listen(() => post(build(1)));`);
  check(build, await asking(worker)('build?'));
  await worker.terminate();
}

function check(build: number, answer: unknown): void {
  if (answer !== build) throw new Error(`build ${build} answered ${String(answer)}`);
}

function largePlugin(build: number) {
  const code = `${largeCode(build)} export default { activate(ctx) { ctx.commands.handle('build', () => build(1)); } };`;
  return packageFor(ID, code, { version: `1.0.${build}` });
}

/** Functions up to the size, and one that differs per build, so that no cache has the text. */
function largeCode(build: number): string {
  const functions: string[] = [`const build = (value) => value * ${build};`];
  for (let length = 0, n = 0; length < SIZE; n++) {
    const text = `function render${n}(value) { return { index: ${n}, label: 'row ' + value, cells: [value, ${n}, value * ${n + build}] }; }`;
    functions.push(text);
    length += text.length + 1;
  }
  return functions.join('\n');
}
