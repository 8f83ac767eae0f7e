/** Lists and tables. */
import { flag, oneOf } from './checks.js';
import { type Kit, label, short } from './kit-spec.js';
import { attribute, box, mark } from './shape.js';

/** Lists and tables. */
export const collections: Kit = {
  list: {
    props: { label: short },
    required: ['label'],
    shape: (node) => box('ul', 'list', { role: 'list', 'aria-label': label(node) }),
  },
  item: {
    props: { selected: flag },
    events: ['press'],
    shape: ({ props, events }) => {
      const selected = { 'data-selected': mark(props.selected) };
      if (!events.includes('press')) return box('li', 'item', selected);
      const chosen = props.selected === undefined ? undefined : String(props.selected);
      const pressed = { role: 'button', tabindex: '0', 'aria-pressed': chosen };
      return {
        tag: 'li',
        attributes: { 'data-plinth': 'item', ...selected },
        inside: [box('div', 'item-press', pressed)],
      };
    },
  },
  table: {
    props: { label: short },
    required: ['label'],
    shape: (node) => ({
      tag: 'table',
      attributes: { 'data-plinth': 'table', 'aria-label': label(node) },
      inside: [{ tag: 'tbody', slot: true }],
    }),
  },
  row: {
    props: { selected: flag },
    shape: ({ props }) => box('tr', 'row', { 'data-selected': mark(props.selected) }),
  },
  cell: {
    props: { header: flag, align: oneOf('start', 'center', 'end') },
    shape: ({ props }) =>
      box(props.header === true ? 'th' : 'td', 'cell', { 'data-align': attribute(props.align) }),
  },
};
