/**
 * Nodes of a view as HTML. A browser moves, closes or drops elements that stand where they can't, and
 * with them what follows, so that a view would end outside of its box. Such an element is written as
 * another one.
 */
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

/** Elements that stand only in some others: anywhere else they are boxes. */
const PARENTS: Readonly<Record<string, readonly string[]>> = {
  li: ['ul', 'ol', 'menu'],
  option: ['select', 'optgroup', 'datalist'],
  optgroup: ['select'],
  caption: ['table'],
  thead: ['table'],
  tbody: ['table'],
  tfoot: ['table'],
  tr: ['thead', 'tbody', 'tfoot'],
  td: ['tr'],
  th: ['tr'],
};
/** Elements that hold only some others: what else stands in them is put into the first of those. */
const HOLDS: Readonly<Record<string, readonly string[]>> = {
  table: ['tbody', 'thead', 'tfoot', 'caption', 'colgroup'],
  thead: ['tr'],
  tbody: ['tr'],
  tfoot: ['tr'],
  tr: ['td', 'th'],
};
/** Elements that hold choices, and show nothing else. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  select: ['option', 'optgroup'],
  optgroup: ['option'],
};
/** Elements that end one of their kind around them. */
const ALONE: ReadonlySet<string> = new Set(['a', 'button']);
const HEADING = /^h[1-6]$/;

/** Where something is written. */
interface Place {
  readonly parent: string;
  /** Those of {@link ALONE} that are open. */
  readonly open: readonly string[];
}

const BODY: Place = { parent: 'div', open: [] };

/** The HTML of a node and of what it contains. */
export function htmlOf(node: HostNode, kit: Kit, scope: ShapeScope, place = BODY): string {
  if (node.type === '#text') return fitted('#text', place, () => escaped(node.text));
  const kids = (at: Place) => node.kids.map((kid) => htmlOf(kid, kit, scope, at)).join('');
  if (node.id === 0) return kids(place);
  return markup(elementOf(kit, node.type).shape(node, scope), kids, place);
}

/** Writes something where it can stand, with what has to stand around it. */
function fitted(tag: string, place: Place, write: (at: Place) => string): string {
  const { parent } = place;
  if (LISTS[parent] !== undefined) return LISTS[parent].includes(tag) ? write(place) : '';
  const [first] = HOLDS[parent] ?? [];
  if (first === undefined || HOLDS[parent]?.includes(tag) === true) return write(place);
  const inside = fitted(tag, { ...place, parent: first }, write);
  return `<${first}>${inside}</${first}>`;
}

function markup(shape: Shape, kids: (at: Place) => string, around: Place): string {
  return fitted(shape.tag, around, (place) => {
    // A choice of a list holds nothing but text.
    if (place.parent === 'option') return contentOf(shape, kids, place);
    const tag = tagIn(shape.tag, place);
    const written = attributesOf(shape, tag)
      .map(([name, value]) => ` ${name}="${escaped(value)}"`)
      .join('');
    if (VOID.has(tag)) return `<${tag}${written}>`;
    const open = ALONE.has(tag) ? [...place.open, tag] : place.open;
    return `<${tag}${written}>${contentOf(shape, kids, { parent: tag, open })}</${tag}>`;
  });
}

/** The element in whose place it can stand without an end of another one. */
function tagIn(tag: string, { parent, open }: Place): string {
  if (PARENTS[tag]?.includes(parent) === false) return 'div';
  if (open.includes(tag)) return 'span';
  return HEADING.test(tag) && HEADING.test(parent) ? 'div' : tag;
}

function attributesOf(
  { tag, attributes = {}, live }: Shape,
  written: string,
): readonly (readonly [string, string])[] {
  const own = {
    ...attributes,
    ...(tag === 'input' && live?.value !== undefined && { value: live.value }),
    ...(live?.checked === true && { checked: '' }),
  };
  return Object.entries(own).flatMap(([name, value]) =>
    // Another element has the look alone.
    value !== undefined && (written === tag || name.startsWith('data-')) ? [[name, value]] : [],
  );
}

function contentOf(
  { tag, inside = [], text, slot, live }: Shape,
  kids: (at: Place) => string,
  place: Place,
): string {
  // A browser takes away one line break at the start of these.
  const held = tag === 'textarea' ? `\n${escaped(live?.value ?? '')}` : '';
  const parts = inside.map((part) => markup(part, kids, place)).join('');
  return `${held}${escaped(text ?? '')}${parts}${slot === true ? kids(place) : ''}`;
}

/** A text as HTML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] as string);
