/**
 * How long the host's thread is held while a plugin of three megabytes starts in a sandbox: the
 * longest time between two ticks, from the start of its activation to its end. Several kinds of
 * code, because a reader of code that is fast with one may be slow with another. Needs more than one
 * core, so that another process can't hold the thread.
 */
import { createKernel, type PackageInput, packageSource } from '@plinth/kernel';
import { packageFor } from '../guest-code.ts';
import { LARGE_CODES } from '../large-code.ts';
import type { Outcomes } from '../outcome.ts';
import type { Bench, Platform } from '../platform.ts';
import { everyRound, medianOf, pause } from '../statistics.ts';

const ID = 'bench.large';
/** Milliseconds in which nothing happens, to show what the machine does by itself. */
const IDLE = 500;

export async function measureHeld({ platform, rounds }: Bench): Promise<Outcomes> {
  const kinds = Object.entries(LARGE_CODES).map(
    ([kind, text]) => [kind, largePlugin(text)] as const,
  );
  // Loads what is read only once.
  await heldBy(largePlugin(''), platform);
  const held = await everyRound(rounds, {
    ...Object.fromEntries(kinds.map(([kind, large]) => [kind, () => heldBy(large, platform)])),
    'no plugin': () => longestGap(platform, () => pause(IDLE)),
  } as Readonly<Record<string, () => Promise<number>>>);
  const medians = Object.entries(held).map(([kind, gaps]) => [kind, medianOf(gaps)] as const);
  const ofPlugins = kinds.map(([kind]) => held[kind] as readonly number[]);
  return {
    longest: {
      value: Math.max(...ofPlugins.map(medianOf)),
      rounds: Array.from({ length: rounds }, (_, round) =>
        Math.max(...ofPlugins.map((gaps) => gaps[round] as number)),
      ),
      detail: medians.map(([kind, gap]) => `${kind} ${gap.toFixed(0)}`).join(', '),
    },
  };
}

async function heldBy(large: PackageInput, platform: Platform): Promise<number> {
  const kernel = await createKernel({
    host: platform.createHost(),
    isolation: 'sandbox',
    sources: [packageSource([large])],
  });
  try {
    await kernel.start();
    const gap = await longestGap(platform, () => kernel.plugins.activate(ID));
    const answer = await kernel.commands.execute(`${ID}:here`);
    if (answer !== 'here') throw new Error(`the plugin answered ${String(answer)}`);
    return gap;
  } finally {
    await kernel.stop();
  }
}

/** The longest time between two ticks while some work is done. */
async function longestGap(platform: Platform, work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const stop = platform.everyTick(tick);
  await work();
  stop();
  tick();
  return longest;
}

function largePlugin(text: string): PackageInput {
  const code = `${text}\nexport default { activate(ctx) { ctx.commands.handle('here', () => 'here'); } };`;
  return packageFor(ID, code, { activation: [] });
}
