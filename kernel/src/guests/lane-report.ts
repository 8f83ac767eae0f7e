/** Reads what a guest reports of the calls that it has answered over a lane. */
import { createError } from '@plinth/sdk/contract';

/** Answered calls of one command since the last report. Times in milliseconds. */
export interface LaneReport {
  readonly calls: number;
  readonly failures: number;
  readonly total: number;
  readonly slowest: number;
}

/** More calls than this in one report can't be honest. */
const MAX_REPORTED = 10_000_000;

/** @throws PluginProtocolError `wire/refused`. */
export function reportOf(
  plugin: string,
  [calls, failures, total, slowest]: readonly unknown[],
): LaneReport {
  if (isCount(calls) && isCount(failures) && failures <= calls && isTime(total) && isTime(slowest))
    return { calls, failures, total, slowest };
  throw createError('wire/refused', `refused a report of ${plugin}: it is not well formed`, {
    plugin,
  });
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_REPORTED;
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;
