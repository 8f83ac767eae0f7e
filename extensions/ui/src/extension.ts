/** The extension `ui()`. */
import { defineExtension } from '@plinth/kernel/extension';
import { ANSWER_WITHIN, Ui } from './contract.js';
import { contributionProblem, placesOf } from './contribution.js';
import { contributionSchema } from './contribution-schema.js';
import { settingsOf, type UiOptions } from './ui-options.js';
import { Words } from './words.js';
import { LiveWorkbench } from './workbench.js';
import type { Workbench } from './workbench-api.js';

/**
 * Reads what plugins contribute to a user interface, and answers `plinth.ui@1`.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none.
 * @example
 * const kernel = await createKernel({
 *   plugins: './plugins',
 *   extensions: [ui({ slots: ['sidebar'], present: { notify: toast, ask: dialog } })],
 * });
 * const bench = kernel.extension(ui);
 * for (const { plugin, id } of bench.views('sidebar')) mountView(aside, kernel, { plugin, view: id });
 */
export const ui = defineExtension(
  {
    name: 'ui',
    uses: ['calls', 'contribute', 'events', 'provide'],
    features: ['ui'],
  },
  (options: UiOptions) => {
    const settings = settingsOf(options);
    return {
      install(port): Workbench {
        const contributions = port.contribute.point({
          point: 'ui',
          schema: contributionSchema,
          check: contributionProblem,
          reach: placesOf,
        });
        const isEnabled = (id: string) =>
          port.plugins.all().some((one) => one.id === id && one.enabled);
        const words = new Words(
          settings.present,
          {
            nameOf: (plugin) => port.plugins.get(plugin)?.manifest?.name ?? plugin,
            isPlugin: (id) => port.plugins.get(id) !== undefined,
            isEnabled,
            statusIds(plugin) {
              const view = port.plugins.get(plugin);
              return (view && contributions.of(view))?.status?.map(({ id }) => id) ?? [];
            },
          },
          () => bench.changed(),
          (error) => port.log.error('`present.notify` failed', { error }),
        );
        const bench = new LiveWorkbench({
          ...{ contributions, settings, words, plugins: () => port.plugins.all() },
          isDefault: (view) => port.plugins.get(view.id) === view,
          execute: (id, input) => port.calls.execute(id, input, { timeout: ANSWER_WITHIN }),
          mayShow: (plugin, slot, asks) =>
            asks
              ? port.calls.may(plugin, 'ui.show', slot)
              : !port.calls.revoked(plugin, 'ui.show', slot),
          failed: (what, error) => port.log.error(`${what} of the workbench failed`, { error }),
        });
        port.own(contributions.onChange(() => bench.changed()));
        port.events.on(
          ['permission:granted', 'permission:revoked', 'permission:forgotten'],
          ({ permission }) => permission === 'ui.show' && bench.changed(),
        );
        port.events.on('permission:changed', () => bench.changed());
        port.events.on(['plugin:disabled', 'plugin:uninstalled'], ({ id }) => {
          if (!isEnabled(id)) words.forget(id);
        });
        port.provide(Ui, {
          notify: (input, call) => words.notify(input, call),
          ask: (input, call) => words.ask(input, call),
          status: (input, call) => words.status(input, call),
          fact: (input, call) => words.setPluginFact(input, call),
        });
        return bench;
      },
    };
  },
);
