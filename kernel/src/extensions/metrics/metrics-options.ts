/** Options of metrics, and their check. */
import { messageOf } from '@plinth/sdk/contract';
import { objectAt, wrong } from '../../option-checks.js';
import type { Level } from './ring.js';

/** What is kept of metrics. */
export interface MetricsOptions {
  /**
   * The resolutions that reports have, the finest first: milliseconds of a slot, and how many slots
   * are kept. A minute for an hour and an hour for a week when absent.
   */
  readonly levels?: readonly Level[];
  /**
   * Whether the bytes that cross the boundary of guests are counted. Each message is then walked
   * once more. False when absent.
   */
  readonly bytes?: boolean;
}

/** Shortest slot, in milliseconds, and most slots of a level. */
const [SHORTEST, MOST] = [10, 10_000];

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkMetrics(options: MetricsOptions): void {
  objectAt('metrics', options);
  for (const name of Object.keys(options))
    if (name !== 'levels' && name !== 'bytes')
      throw wrong(`metrics.${name}`, "is no option: there are 'levels' and 'bytes'");
  const { levels, bytes } = options;
  if (bytes !== undefined && typeof bytes !== 'boolean')
    throw wrong('metrics.bytes', `must be a boolean, not ${messageOf(bytes)}`);
  if (levels === undefined) return;
  if (!Array.isArray(levels) || levels.length === 0 || levels.length > 4)
    throw wrong('metrics.levels', 'must be a list of one to four resolutions');
  let before = 0;
  for (const level of levels as readonly (Level | null)[]) {
    const { every, keep } = level ?? {};
    if (!isCount(every) || every < SHORTEST || every <= before)
      throw wrong(
        'metrics.levels',
        `must have 'every' as whole milliseconds from ${SHORTEST} on, the finest first`,
      );
    if (!isCount(keep) || keep < 1 || keep > MOST)
      throw wrong('metrics.levels', `must have 'keep' as a whole number from 1 to ${MOST}`);
    before = every;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value);
