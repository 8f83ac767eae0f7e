/** Lists and tables. */
import { flag, oneOf, whole } from './checks.js';
import type { HostNode } from './host-node.js';
import { type Kit, label, short } from './kit-spec.js';
import { ROWS_IN_ALL } from './row-span.js';
import { attribute, box, mark, type Shape } from './shape.js';

const rows = whole(0, ROWS_IN_ALL);
/** What a list or a table has that asks for its rows by range. */
const onDemand = { count: rows, from: rows, head: whole(0, 16) };

/** Where a row stands among all rows, from 1. Undefined in a list that shows all of its rows. */
function placeOf(node: HostNode): string | undefined {
  const { parent } = node;
  if (parent?.props.count === undefined) return undefined;
  const at = parent.kids.indexOf(node);
  const skipped = at < Number(parent.props.head ?? 0) ? 0 : Number(parent.props.from ?? 0);
  return String(at + 1 + skipped);
}

/** Rows of a list that aren't all there, and those above them. */
function totalOf({ props }: HostNode): string | undefined {
  const { count, head = 0 } = props;
  return count === undefined ? undefined : String(Number(count) + Number(head));
}

/** A part of a list, in a box that scrolls. What scrolls can be reached by keys. */
function scrolled(node: HostNode, shape: Shape): Shape {
  if (node.props.count === undefined) return shape;
  return {
    tag: 'div',
    attributes: {
      'data-plinth': 'window',
      role: 'group',
      'aria-label': label(node),
      tabindex: '0',
    },
    inside: [shape],
  };
}

/** Lists and tables. */
export const collections: Kit = {
  list: {
    props: { label: short, ...onDemand },
    required: ['label'],
    events: ['range'],
    onDemand: true,
    shape: (node) => scrolled(node, box('ul', 'list', { role: 'list', 'aria-label': label(node) })),
  },
  item: {
    props: { selected: flag },
    events: ['press'],
    shape: (node) => {
      const { props, events, parent } = node;
      const item = {
        'data-selected': mark(props.selected),
        'aria-posinset': placeOf(node),
        'aria-setsize': parent && totalOf(parent),
      };
      if (!events.includes('press')) return box('li', 'item', item);
      const chosen = props.selected === undefined ? undefined : String(props.selected);
      const pressed = { role: 'button', tabindex: '0', 'aria-pressed': chosen };
      return {
        tag: 'li',
        attributes: { 'data-plinth': 'item', ...item },
        inside: [box('div', 'item-press', pressed)],
      };
    },
  },
  table: {
    props: { label: short, ...onDemand },
    required: ['label'],
    events: ['range'],
    onDemand: true,
    shape: (node) =>
      scrolled(node, {
        tag: 'table',
        attributes: {
          'data-plinth': 'table',
          'aria-label': label(node),
          'aria-rowcount': totalOf(node),
        },
        inside: [{ tag: 'tbody', slot: true }],
      }),
  },
  row: {
    props: { selected: flag },
    shape: (node) =>
      box('tr', 'row', {
        'data-selected': mark(node.props.selected),
        'aria-rowindex': placeOf(node),
      }),
  },
  cell: {
    props: { header: flag, align: oneOf('start', 'center', 'end') },
    shape: ({ props }) =>
      box(props.header === true ? 'th' : 'td', 'cell', { 'data-align': attribute(props.align) }),
  },
};
