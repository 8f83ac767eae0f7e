/**
 * `@plinth/ui/html`: views of plugins as HTML, for a server.
 *
 * @module
 */

import { View } from './contract.js';
import type { HostNode } from './host-node.js';
import { elementOf } from './kit.js';
import type { Shape, ShapeScope } from './shape.js';
import { Showing } from './showing.js';
import type { ViewKernel } from './view-kernel.js';
import { nameOf, type ViewOptions, viewSettings } from './view-options.js';

export { stylesheet } from './stylesheet.js';
export type { ViewKernel, ViewOptions };

/** Elements without an end tag. */
const VOID: ReadonlySet<string> = new Set(['hr', 'img', 'input']);
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

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
      const draw = (node: HostNode): string =>
        node.type === '#text'
          ? escaped(node.text)
          : markup(elementOf(settings.kit, node.type).shape(node, scope), () =>
              node.kids.map(draw).join(''),
            );
      body = tree.root.kids.map(draw).join('');
      showing.end();
      return { insert() {}, remove() {}, text() {}, change() {}, move() {} };
    },
  });
  if (body === undefined) throw new Error(`the view '${settings.view}' has ended without a batch`);
  const name = escaped(nameOf(kernel, settings.plugin));
  return `<section data-plinth="view" aria-label="${name}"><header data-plinth="view-header">${name}</header><div data-plinth="view-body">${body}</div></section>`;
}

function markup(
  { tag, attributes = {}, inside = [], text, slot, live }: Shape,
  kids: () => string,
): string {
  const own = {
    ...attributes,
    ...(tag === 'input' && live?.value !== undefined && { value: live.value }),
    ...(live?.checked === true && { checked: '' }),
  };
  const written = Object.entries(own)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(value as string)}"`)
    .join('');
  if (VOID.has(tag)) return `<${tag}${written}>`;
  // A browser takes away one line break at the start of these.
  const held = tag === 'textarea' ? `\n${escaped(live?.value ?? '')}` : '';
  const parts = inside.map((part) => markup(part, kids)).join('');
  return `<${tag}${written}>${held}${escaped(text ?? '')}${parts}${slot === true ? kids() : ''}</${tag}>`;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] as string);
