/** How long calls in flight may take before a plugin ends. */
import { A_TIME, checkOptionNames, createError, isTime, messageOf } from '@plinth/sdk/contract';
import type { Limits } from '../limits.js';
import type { Drain } from '../plugin/plugin.js';
import { isRunning, type RunningPlugin } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

export type { Drain } from '../plugin/plugin.js';

/** The options of an operator who stops a plugin. */
export interface DrainOptions {
  /**
   * Milliseconds that calls in flight and open streams may take before the plugin ends. New calls
   * are refused. 0 ends it at once, Infinity waits without a limit. When absent, calls may take
   * `limits.swap`, and streams are not waited for, because some never end.
   */
  readonly drain?: number;
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function drainOf(options: DrainOptions | undefined, { swap }: Pick<Limits, 'swap'>): Drain {
  checkOptionNames('a stop', options, ['drain', 'purge']);
  const { drain } = options ?? {};
  if (drain === undefined) return { time: swap, streams: false };
  if (drain !== 0 && !isTime(drain))
    throw createError(
      'kernel/invalid-option',
      `'drain' must be 0 or ${A_TIME}, not ${messageOf(drain)}`,
      { details: { option: 'drain' } },
    );
  return { time: drain, streams: true };
}

/** Waits for the calls in flight, including the calls that they make to other plugins. */
export async function drainAll(registry: PluginRegistry, { time, streams }: Drain): Promise<void> {
  const end = performance.now() + time;
  const busy = () =>
    registry
      .all()
      .filter(
        (record): record is RunningPlugin => isRunning(record) && record.connection.isBusy(streams),
      );
  for (let left = time; left > 0; left = end - performance.now()) {
    const working = busy();
    if (working.length === 0) return;
    const patience = left;
    await Promise.all(working.map(({ connection }) => connection.drained(patience, streams)));
  }
}

/** For a plugin whose calls in flight don't matter any more. */
export const AT_ONCE: Drain = { time: 0, streams: false };
