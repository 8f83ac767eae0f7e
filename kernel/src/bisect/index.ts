/**
 * `@plinth/kernel/bisect`: names the plugin, or the plugins together, that cause a fault, by
 * switching halves of the running plugins off and on.
 *
 * @module
 */
import { makeExtension } from '../extension/make-extension.js';
import type { CoreTenant } from '../tenant/core-tenant.js';
import type { Bisector } from './bisector.js';
import type { BisectOptions, Predicate } from './options.js';
import type { BisectResult } from './result.js';

export type { BisectOptions, Predicate } from './options.js';
export type { BisectResult, BisectStep, BisectVerdict } from './result.js';

/** Topics that say that something else changes plugins meanwhile. */
const CHANGES = [
  'plugin:installed',
  'plugin:uninstalled',
  'plugin:enabled',
  'plugin:disabled',
  'plugin:updated',
  'plugin:rolled-back',
] as const;

/**
 * Lets {@link bisect} switch plugins off without storing it. It does nothing until it is asked.
 *
 * @example
 * const kernel = await createKernel({ extensions: [bisecting()] });
 */
export const bisecting = makeExtension({ name: 'bisecting', uses: ['core', 'events'] }, () => ({
  install({ core, events, on, log }): {
    run(predicate: Predicate, options?: BisectOptions): Promise<BisectResult>;
  } {
    let now: Bisector | undefined;
    const made = core.add(async () => {
      const { Bisector: Made } = await import('./bisector.js');
      return ({ registry, lifecycle }) => {
        now = new Made({ registry, lifecycle, log });
        return now;
      };
    });
    events.on(CHANGES, (payload, topic) => now?.changed(topic, payload));
    on('stopping', () => now?.close());
    return {
      async run(predicate, options) {
        core.check();
        return (await made()).run(predicate, options);
      },
    };
  },
}));

/**
 * Finds out which plugins cause a fault. Running and sleeping plugins are suspects; a plugin is off
 * as well while one that it needs is off. Afterwards all of them are as before, also when the
 * predicate throws or is late, or the signal ends it. A plugin starts again with what its
 * `getState` has answered; what else it had in memory is lost. Nothing is stored.
 *
 * @param predicate whether the fault is there now.
 * @throws what the predicate throws, PluginTimeoutError `call/timeout` when it is late,
 * PluginCancelledError `call/cancelled` when a plugin is installed, updated, enabled or disabled
 * meanwhile, PluginUnavailableError `kernel/stopped`, PluginConfigurationError
 * `kernel/invalid-option`, `extension/missing` for a kernel without {@link bisecting}.
 * @example
 * const kernel = await createKernel({ extensions: [bisecting()] });
 * const { text } = await bisect(kernel, async () => (await fetch('/cart')).status === 500, { keep: ['com.example.cart'] });
 */
export function bisect(
  kernel: Pick<CoreTenant, 'extension'>,
  predicate: Predicate,
  options?: BisectOptions,
): Promise<BisectResult> {
  return kernel.extension(bisecting).run(predicate, options);
}
