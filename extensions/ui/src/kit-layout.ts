/** Elements that hold others. */
import { flag, oneOf, whole } from './checks.js';
import type { HostNode } from './host-node.js';
import { gap, type Kit, label, short } from './kit-spec.js';
import { attribute, box, mark } from './shape.js';

const align = oneOf('start', 'center', 'end', 'stretch');
const group = ({ props }: HostNode) =>
  props.label === undefined ? {} : { role: 'group', 'aria-label': String(props.label) };

/** Whether keys enter a row of tabs here: at its first one, where none is selected. */
const isEntry = ({ parent, id }: HostNode): boolean =>
  parent?.kids.find(({ type }) => type === 'tab')?.id === id &&
  !parent.kids.some(({ props }) => props.selected === true);

/** Elements that hold others. */
export const layout: Kit = {
  stack: {
    props: { gap, direction: oneOf('row', 'column'), align, wrap: flag, label: short },
    shape: (node) => {
      const { props } = node;
      return box('div', 'stack', {
        'data-gap': attribute(props.gap),
        'data-direction': attribute(props.direction),
        'data-align': attribute(props.align),
        'data-wrap': mark(props.wrap),
        ...group(node),
      });
    },
  },
  grid: {
    props: { columns: whole(1, 12), gap, label: short },
    shape: (node) =>
      box('div', 'grid', {
        'data-columns': String(node.props.columns ?? 2),
        'data-gap': attribute(node.props.gap),
        ...group(node),
      }),
  },
  divider: { props: {}, leaf: true, shape: () => ({ ...box('hr', 'divider'), slot: undefined }) },
  dialog: {
    props: { label: short },
    required: ['label'],
    events: ['close'],
    shape: (node, { words }) => ({
      tag: 'section',
      attributes: { 'data-plinth': 'dialog', role: 'dialog', 'aria-label': label(node) },
      inside: [
        {
          tag: 'header',
          attributes: { 'data-plinth': 'dialog-header' },
          inside: [
            { tag: 'span', attributes: { 'data-plinth': 'label' }, text: label(node) },
            {
              tag: 'button',
              attributes: { type: 'button', 'data-plinth': 'close', 'aria-label': words.close },
              text: '×',
            },
          ],
        },
        box('div', 'dialog-body'),
      ],
    }),
  },
  tabs: {
    props: { label: short },
    required: ['label'],
    shape: (node) => box('div', 'tabs', { role: 'tablist', 'aria-label': label(node) }),
  },
  tab: {
    props: { selected: flag },
    events: ['press'],
    shape: (node) => {
      const isSelected = node.props.selected === true;
      return box('button', 'tab', {
        type: 'button',
        role: 'tab',
        'aria-selected': String(isSelected),
        tabindex: isSelected || isEntry(node) ? '0' : '-1',
      });
    },
  },
};
