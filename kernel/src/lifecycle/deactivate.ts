/**
 * Last stage: asks the plugin to stop, removes everything it registered, and ends its guest,
 * whatever fails on the way.
 */
import {
  A_TIME,
  createError,
  isTime,
  type PluginError,
  type StopReason,
} from '@plinth/sdk/contract';
import type { GuestConnection } from '../guests/guest-connection.js';
import type { KernelParts } from '../parts.js';
import {
  asResolved,
  isRunning,
  type RunningPlugin,
  type UnloadedPlugin,
} from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

/** A plugin that has ended, and what it threw while it ended. */
export interface Deactivated {
  readonly record: UnloadedPlugin;
  readonly problem?: Error;
}

/** How long work in flight may take. */
export interface Drain {
  /** Milliseconds. Infinity waits without a limit. */
  readonly time: number;
  /** Whether streams must have ended, too. Some never end. */
  readonly streams: boolean;
}

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
export function drainOf(
  options: DrainOptions | undefined,
  { swap }: Pick<KernelParts['limits'], 'swap'>,
): Drain {
  const { drain } = options ?? {};
  if (drain === undefined) return { time: swap, streams: false };
  if (drain !== 0 && !isTime(drain))
    throw createError(
      'kernel/invalid-option',
      `'drain' must be 0 or ${A_TIME}, not ${String(drain)}`,
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

/**
 * Takes no new calls, lets the calls in flight finish, and ends the plugin. Never rejects: the
 * guest is gone when this resolves.
 *
 * @param refusal the error for calls that wait or come too late.
 */
export async function deactivate(
  record: RunningPlugin,
  reason: StopReason,
  { time, streams }: Drain,
  refusal: Error,
  parts: KernelParts,
): Promise<Deactivated> {
  const { connection } = record;
  connection.meter.letThrough();
  const problems: Error[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      problems.push(error as Error);
    }
  };
  if (time > 0 && (record.state === 'active' || record.state === 'suspended')) {
    connection.registrations.close(refusal);
    await parts.lanes.detour(connection, time);
    await connection.drained(time, streams);
  }
  if (record.state === 'active' || record.state === 'suspended')
    await attempt(() => askToStop(connection, reason, parts));
  await attempt(() => record.scope.dispose());
  await attempt(() => connection.terminate());
  const unloaded: UnloadedPlugin = { ...asResolved(record), state: 'unloaded' };
  return problems.length === 0
    ? { record: unloaded }
    : { record: unloaded, problem: problems[0] as Error };
}

/**
 * Milliseconds for a guest to release what its plugin owns, after the plugin itself didn't stop in
 * time.
 */
const RELEASE = 1_500;

/**
 * Asks the plugin to stop. If it never finishes, it is asked again, and its guest then releases
 * what the plugin owns without it.
 */
export async function askToStop(
  connection: GuestConnection,
  reason: StopReason,
  { limits }: Pick<KernelParts, 'limits'>,
): Promise<void> {
  try {
    await connection.ask('deactivate', limits.deactivate, reason);
  } catch (error) {
    if ((error as Partial<PluginError>).code === 'plugin/timeout')
      await connection.ask('deactivate', RELEASE, reason, true).catch(() => {});
    throw error;
  }
}
