/**
 * Private memory of a kernel with a thousand plugins of which twenty are active, compared with one
 * that has only those twenty. The others were awake and sleep now, or were never awake. Compared
 * with raw workers: twenty that stay, and as many others that were started and ended alike. Each in
 * a fresh process. Runs in Node.
 */
import { createKernel } from '@plinth/host-node';
import type { Kernel } from '@plinth/kernel';
import { sleepers } from '../many.ts';
import { megabytes, type Outcomes, ratioFigure } from '../outcome.ts';
import { asking, type Platform } from '../platform.ts';
import { writePlugins } from '../plugin-folder.ts';
import { everyRound, medianOf, pause, ratios } from '../statistics.ts';

const INSTALLED = 1_000;
const ACTIVE = 20;
/** Plugins, or raw workers, that are awake together before they sleep. */
const GROUP = 5;
const ATTEMPTS = 100;
/** Milliseconds. */
const BETWEEN_ATTEMPTS = 10;
/** Fewer rounds than others: one round starts two thousand workers. */
const MOST_ROUNDS = 3;

const ASLEEP_KINDS = ['few', 'never-awake', 'slept', 'few-raw', 'ended-raw'] as const;
export type AsleepKind = (typeof ASLEEP_KINDS)[number];

/** Whether {@link bytesAsleep} knows this kind. */
export const isAsleepKind = (kind: string): kind is AsleepKind =>
  ASLEEP_KINDS.includes(kind as AsleepKind);

/**
 * @param probe starts a fresh process with a kernel over the plugins of a folder, or with raw
 * workers. Returns the bytes that they added.
 */
export async function measureAsleep(
  rounds: number,
  probe: (kind: AsleepKind, folder: string) => Promise<number>,
): Promise<Outcomes> {
  // None depends on another, so that each starts and sleeps alone.
  const plugins = sleepers(INSTALLED).map((manifest, n) => ({
    ...manifest,
    dependencies: {},
    ...(n < ACTIVE && { activation: ['startup'] }),
  }));
  const many = writePlugins(plugins);
  const few = writePlugins(plugins.slice(0, ACTIVE));
  const folderOf = (kind: AsleepKind) => (kind === 'few' ? few : many).path;
  const variant = (kind: AsleepKind) => () => probe(kind, folderOf(kind));
  try {
    const bytes = await everyRound(Math.min(rounds, MOST_ROUNDS), {
      few: variant('few'),
      neverAwake: variant('never-awake'),
      slept: variant('slept'),
      fewRaw: variant('few-raw'),
      endedRaw: variant('ended-raw'),
    });
    const slept = ratios(bytes.slept, bytes.few);
    const ended = ratios(bytes.endedRaw, bytes.fewRaw);
    const each = bytes.slept.map(
      (all, round) => (all - (bytes.few[round] as number)) / (INSTALLED - ACTIVE) / 1_000,
    );
    return {
      slept: ratioFigure(slept, ended, (ratio) => ratio.toFixed(2)),
      sleeper: { value: medianOf(each), rounds: each },
      memory: ratioFigure(bytes.neverAwake, bytes.few, megabytes),
    };
  } finally {
    many.remove();
    few.remove();
  }
}

/** Starts what a kind says in this process and keeps it. Returns the bytes that it added. */
export async function bytesAsleep(
  read: () => Promise<number>,
  kind: AsleepKind,
  folder: string,
  platform: Platform,
): Promise<number> {
  const before = await read();
  if (kind === 'few-raw' || kind === 'ended-raw') {
    await rawWorkers(platform, kind === 'ended-raw' ? INSTALLED - ACTIVE : 0);
    return (await read()) - before;
  }
  const kernel = await createKernel({ plugins: folder });
  await kernel.start();
  if (kind === 'slept') await wakeAndSleep(kernel);
  const bytes = (await read()) - before;
  const installed = kind === 'few' ? ACTIVE : INSTALLED;
  const count = (state?: 'active') => kernel.plugins.list(state && { state }).length;
  if (count() !== installed || count('active') !== ACTIVE)
    throw new Error(`${count()} plugins are installed, ${count('active')} of them active`);
  return bytes;
}

/** Wakes all that aren't active, a group at a time. */
async function wakeAndSleep(kernel: Kernel): Promise<void> {
  const ids = kernel.plugins.list({ state: 'resolved' }).map(({ id }) => id);
  for (let first = 0; first < ids.length; first += GROUP)
    await Promise.all(
      ids.slice(first, first + GROUP).map(async (id) => {
        const answer = await kernel.commands.execute(`${id}:run`);
        if (answer !== 'ran') throw new Error(`${id} answered ${String(answer)}`);
        await hibernate(kernel, id);
      }),
    );
}

/** A plugin that still has something to settle is busy, and doesn't sleep at once. */
async function hibernate(kernel: Kernel, id: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await kernel.plugins.hibernate(id)) return;
    await pause(BETWEEN_ATTEMPTS);
  }
  throw new Error(`${id} didn't hibernate in ${ATTEMPTS} attempts`);
}

/** Starts workers that stay, then others that end, a group at a time. */
async function rawWorkers(platform: Platform, ended: number): Promise<void> {
  const start = async () => {
    const worker = platform.startWorker('listen(post);');
    await asking(worker)('here');
    return worker;
  };
  await Promise.all(Array.from({ length: ACTIVE }, start));
  for (let done = 0; done < ended; done += GROUP)
    await Promise.all(Array.from({ length: GROUP }, async () => (await start()).terminate()));
}
