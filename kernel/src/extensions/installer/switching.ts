/** Puts one version in the place of another one in the running kernel, and back. */
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import { hookOf } from '../../lifecycle/failures.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import {
  isAsleep,
  isRunning,
  type PluginRecord,
  type ValidatedPlugin,
} from '../../plugin/record.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Log } from '../../telemetry/logger.js';

/** What this module needs from the kernel. */
export interface SwitchingParts {
  readonly registry: Pick<PluginRegistry, 'get'>;
  readonly lifecycle: Pick<Lifecycle, 'settled' | 'wantsToRun' | 'exchange' | 'reload' | 'members'>;
  readonly log: Log;
}

/** Owns nothing: what is remembered of the versions is changed by its callers. */
export class Switching {
  readonly #parts: SwitchingParts;

  constructor(parts: SwitchingParts) {
    this.#parts = parts;
  }

  /**
   * Replaces one version by another, which runs if the old one ran. A failure restores the old one.
   *
   * @param how whether to succeed without the old state: only when that can't be had, or in any
   * case, also when the old version has failed.
   * @param automatic whether it happens by itself, and starts nothing that was stopped by name.
   */
  async replace(
    old: PluginRecord,
    next: ValidatedPlugin,
    how?: 'without its state if need be' | 'whatever happens',
    automatic = false,
  ): Promise<string> {
    const { registry, lifecycle, log } = this.#parts;
    const { key } = old;
    // A plugin that is starting is replaced once it runs.
    await lifecycle.settled(key);
    if (
      !lifecycle.wantsToRun(key) &&
      !(how === 'whatever happens' && registry.get(key)?.state === 'failed')
    )
      return lifecycle.exchange(key, next);
    try {
      return await lifecycle.reload(key, next, { automatic });
    } catch (error) {
      if (how === undefined || (how !== 'whatever happens' && !isAboutState(error))) throw error;
      log.write('kernel', 'warn', `${old.id} goes on without its state: ${messageOf(error)}`, {
        plugin: old.id,
      });
    }
    // The failure has changed nothing. One more attempt is made without the state.
    return lifecycle.reload(key, next, { stateless: true, automatic });
  }

  /** Undoes a replacement. Its failure is only logged, because the first error is more useful. */
  async backTo(old: PluginRecord, key: string): Promise<void> {
    const { registry, lifecycle, log } = this.#parts;
    try {
      const present = registry.get(key);
      if (present === undefined) return;
      // One that has run goes on with its state, its pauses and what waits for it.
      const ran = isRunning(old) || isAsleep(old);
      const how = ran ? 'whatever happens' : 'without its state if need be';
      await this.replace(present, lifecycle.members.validate(old.package), how);
    } catch (error) {
      log.write(
        'kernel',
        'error',
        `could not bring ${old.id} back as it was: ${messageOf(error)}`,
        {
          plugin: old.id,
        },
      );
    }
  }
}

/** Whether the old version's own state is the obstacle, not what the new one makes of it. */
const isAboutState = (error: unknown): boolean =>
  hookOf(error) === 'getState' ||
  (error as Partial<PluginError> | null)?.code === 'plugin/state-too-large';
