/**
 * `@plinth/ui/html`: views of plugins as HTML, for a server.
 *
 * @module
 */

import { View } from './contract.js';
import type { HostNode } from './host-node.js';
import { isOnDemand, type Kit } from './kit.js';
import { escaped, htmlOf } from './markup.js';
import type { ShapeScope } from './shape.js';
import { Showing } from './showing.js';
import type { ViewKernel } from './view-kernel.js';
import { nameOf } from './view-names.js';
import { type ViewOptions, viewSettings } from './view-options.js';

export { stylesheet } from './stylesheet.js';
export type { ViewKernel, ViewOptions };

/** Milliseconds in which first rows that a plugin has to load are waited for. */
const ROWS_WITHIN = 2_000;

/**
 * The view as it is at first, as HTML. It is read once and then closed. Lists that ask for their
 * rows show the first 50, if they come within two seconds. The style sheet of the page is
 * `stylesheet`.
 *
 * @throws ViewRefused `view/refused`, or why the plugin has not answered.
 * @example
 * const html = await renderView(kernel, { plugin: 'com.example.notes', view: 'panel' });
 */
export async function renderView(kernel: ViewKernel, options: ViewOptions): Promise<string> {
  const settings = viewSettings(options);
  const scope: ShapeScope = {
    uid: `plinth-${crypto.randomUUID()}`,
    words: { close: 'Close' },
  };
  const client = kernel.client(View, { provider: settings.plugin });
  let root: HostNode | undefined;
  let late: ReturnType<typeof setTimeout> | undefined;
  const showing = new Showing(client, settings, { shown() {}, busy() {}, failed() {} });
  try {
    await showing.run({
      show(tree) {
        root = tree.root;
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
  if (root === undefined) throw new Error(`the view '${settings.view}' has ended without a batch`);
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
