/** Nodes of a view as HTML. */
import type { HostNode } from './host-node.js';
import { elementOf, type Kit } from './kit.js';
import type { Shape, ShapeScope } from './shape.js';

/** Elements without an end tag. */
const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'input']);
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** The HTML of a node and of what it contains. */
export function htmlOf(node: HostNode, kit: Kit, scope: ShapeScope): string {
  if (node.type === '#text') return escaped(node.text);
  const kids = () => node.kids.map((kid) => htmlOf(kid, kit, scope)).join('');
  return node.id === 0 ? kids() : markup(elementOf(kit, node.type).shape(node, scope), kids);
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

/** A text as HTML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] as string);
