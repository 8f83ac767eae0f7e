/**
 * `@plinth/ui/html`: views of plugins as HTML, for a server.
 *
 * @module
 */

import { createError } from '@plinth/sdk/contract';
import { View } from './contract.js';
import type { HostNode } from './host-node.js';
import { isOnDemand, type Kit } from './kit.js';
import { escaped, htmlOf } from './markup.js';
import { type ShapeScope, uidOfView } from './shape.js';
import { Showing } from './showing.js';
import type { ViewKernel } from './view-kernel.js';
import { nameOf, shownBy } from './view-names.js';
import { type ViewOptions, viewSettings } from './view-options.js';

export { stylesheet } from './stylesheet.js';
export type { ViewKernel, ViewOptions };

/** Options of {@link renderView}. */
export interface RenderOptions extends ViewOptions {
  /** Milliseconds in which the view has to come, with the start of its plugin. Default: 30 000. */
  readonly timeout?: number;
}

const TIMEOUT = 30_000;
/** Milliseconds in which first rows that a plugin has to load are waited for. */
const ROWS_WITHIN = 2_000;

/**
 * The view as it is at first, as HTML. It is read once and then closed. Lists that ask for their
 * rows show the first 50, if they come within two seconds. The style sheet of the page is
 * `stylesheet`.
 *
 * @throws ViewRefused `view/refused`, PluginTimeoutError `call/timeout` when nothing of the view has
 * come in time, or why the plugin has not answered.
 * @example
 * const html = await renderView(kernel, { plugin: 'com.example.notes', view: 'panel' });
 */
export async function renderView(kernel: ViewKernel, options: RenderOptions): Promise<string> {
  const { timeout = TIMEOUT, ...given } = Object(options) as RenderOptions;
  const settings = viewSettings(given);
  const scope: ShapeScope = {
    uid: uidOfView(),
    words: { close: 'Close' },
  };
  const client = kernel.client(View, shownBy(kernel, View, settings.plugin));
  let root: HostNode | undefined;
  const showing = new Showing(client, settings, { shown() {}, busy() {}, failed() {} });
  let late = setTimeout(() => showing.end(), timeout);
  try {
    await showing.run({
      show(tree) {
        root = tree.root;
        clearTimeout(late);
        late = setTimeout(() => showing.end(), ROWS_WITHIN);
        return { insert() {}, remove() {}, text() {}, change() {}, move() {} };
      },
      settle(whole) {
        if (whole && root !== undefined && hasRows(root, settings.kit)) showing.end();
      },
    });
  } finally {
    clearTimeout(late);
  }
  if (root === undefined)
    throw createError(
      'call/timeout',
      `the view '${settings.view}' of ${settings.plugin} has shown nothing: it has ended, or ${timeout} ms have passed`,
      { plugin: settings.plugin },
    );
  const body = htmlOf(root, settings.kit, scope);
  const name = escaped(nameOf(kernel, settings.plugin));
  return `<section data-plinth="view" aria-label="${name}"><header data-plinth="view-header">${name}</header><div data-plinth="view-body">${body}</div></section>`;
}

/** Whether each list that asks for its rows has the first ones. */
function hasRows(node: HostNode, kit: Kit): boolean {
  const { count, head = 0 } = node.props;
  const waits = isOnDemand(kit, node) && Number(count) > 0 && node.kids.length <= Number(head);
  return !waits && node.kids.every((kid) => hasRows(kid, kit));
}
