/**
 * Calls in the first second and a half after activation, when nothing is compiled yet. Every sample
 * is a fresh process, or a fresh browser; so is every sample of raw workers. The clock starts when
 * the plugin is active, or when the raw worker has sent its first message.
 */
import { kernelContestant, rawContestant } from '../contestants.ts';
import { rawEcho } from '../guest-code.ts';
import { windowed } from '../measure.ts';
import { type Outcomes, ratioFigure, thousandsPerSecond } from '../outcome.ts';
import type { Platform } from '../platform.ts';
import { sideBySide } from '../statistics.ts';

export const COLD_KINDS = ['cold-plugin', 'cold-raw'] as const;
export type ColdKind = (typeof COLD_KINDS)[number];

const WINDOW = 256;

/** @param probe measures one kind in a fresh process. Returns calls a second. */
export async function measureCold(
  rounds: number,
  probe: (kind: ColdKind) => Promise<number>,
): Promise<Outcomes> {
  const rates = await sideBySide(
    rounds,
    () => probe('cold-plugin'),
    () => probe('cold-raw'),
  );
  return { rate: ratioFigure(rates.plinth, rates.raw, thousandsPerSecond) };
}

/** Calls a second in this process, which has made no call before. */
export async function coldRate(
  kind: ColdKind,
  platform: Platform,
  milliseconds: number,
  parsedEcho: string,
): Promise<number> {
  const contestant =
    kind === 'cold-plugin'
      ? await kernelContestant(platform.createHost(), 'valibot', parsedEcho)
      : rawContestant(await startedWorker(platform));
  const { rate, calls } = await windowed(contestant, WINDOW, milliseconds);
  await contestant.check?.(calls);
  await contestant.stop();
  return rate;
}

async function startedWorker(platform: Platform) {
  const worker = platform.startWorker(`${rawEcho} post(['ready']);`);
  await new Promise((resolve) => worker.listen(resolve));
  return worker;
}
