/**
 * `@plinth/ui/html`: views of plugins as HTML, for a server.
 *
 * @module
 */

import { View } from './contract.js';
import { escaped, htmlOf } from './markup.js';
import type { ShapeScope } from './shape.js';
import { Showing } from './showing.js';
import type { ViewKernel } from './view-kernel.js';
import { nameOf, type ViewOptions, viewSettings } from './view-options.js';

export { stylesheet } from './stylesheet.js';
export type { ViewKernel, ViewOptions };

/**
 * The view as it is at first, as HTML. It is read once and then closed. The style sheet of the page
 * is `stylesheet`.
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
  let body: string | undefined;
  const showing = new Showing(client, settings, { shown() {}, busy() {}, failed() {} });
  await showing.run({
    show(tree) {
      body = htmlOf(tree.root, settings.kit, scope);
      showing.end();
      return { insert() {}, remove() {}, text() {}, change() {}, move() {} };
    },
  });
  if (body === undefined) throw new Error(`the view '${settings.view}' has ended without a batch`);
  const name = escaped(nameOf(kernel, settings.plugin));
  return `<section data-plinth="view" aria-label="${name}"><header data-plinth="view-header">${name}</header><div data-plinth="view-body">${body}</div></section>`;
}
