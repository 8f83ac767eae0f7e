/** Elements that the user changes or presses. */
import { flag, number, oneOf, text, whole } from './checks.js';
import type { HostNode } from './host-node.js';
import { type Kit, label, short, tone, value } from './kit-spec.js';
import { attribute, box, labelled, mark, type Shape } from './shape.js';

const disabled = ({ props }: HostNode) => ({ disabled: mark(props.disabled) });
const focusable = { disabled: flag, focus: flag };
const edited = { placeholder: short, value: text(), label: short };

const input = (kind: string, attributes: Shape['attributes'], live: Shape['live']): Shape => ({
  tag: 'input',
  attributes: { 'data-plinth': 'control', type: kind, ...attributes },
  live,
});

/** Elements that the user changes or presses. */
export const controls: Kit = {
  button: {
    props: { tone, label: short, ...focusable },
    events: ['press'],
    shape: (node) =>
      box('button', 'button', {
        type: 'button',
        'data-tone': attribute(node.props.tone),
        'aria-label': attribute(node.props.label),
        ...disabled(node),
      }),
  },
  field: {
    props: {
      ...edited,
      ...focusable,
      kind: oneOf('text', 'email', 'number', 'search', 'date', 'url', 'tel'),
    },
    required: ['label'],
    events: ['input', 'change', 'submit'],
    leaf: true,
    shape: (node) =>
      labelled(
        'field',
        label(node),
        input(
          String(node.props.kind ?? 'text'),
          {
            placeholder: attribute(node.props.placeholder),
            autocomplete: 'off',
            maxlength: '10000',
            ...disabled(node),
          },
          { value: value(node) },
        ),
      ),
  },
  textarea: {
    props: { ...edited, ...focusable, rows: whole(1, 40) },
    required: ['label'],
    events: ['input', 'change'],
    leaf: true,
    shape: (node) =>
      labelled('textarea', label(node), {
        tag: 'textarea',
        attributes: {
          'data-plinth': 'control',
          rows: String(node.props.rows ?? 3),
          placeholder: attribute(node.props.placeholder),
          maxlength: '10000',
          ...disabled(node),
        },
        live: { value: value(node) },
      }),
  },
  select: {
    props: { value: text(200), label: short, ...focusable },
    required: ['label'],
    events: ['change'],
    shape: (node) =>
      labelled('select', label(node), {
        tag: 'select',
        attributes: { 'data-plinth': 'control', ...disabled(node) },
        slot: true,
        live: { value: value(node) },
      }),
  },
  radio: {
    props: { value: text(200), label: short, disabled: flag },
    required: ['label'],
    events: ['change'],
    shape: (node) => ({
      tag: 'fieldset',
      attributes: { 'data-plinth': 'radio', ...disabled(node) },
      inside: [
        { tag: 'legend', attributes: { 'data-plinth': 'label' }, text: label(node) },
        box('div', 'options'),
      ],
    }),
  },
  option: {
    props: { value: text(200), disabled: flag },
    required: ['value'],
    shape: (node, { uid, keyOf = ({ id }) => id }) => {
      const { parent } = node;
      if (parent?.type !== 'radio')
        return {
          tag: 'option',
          attributes: {
            value: value(node),
            // For markup; in a page the select itself is set.
            selected: mark(parent !== undefined && parent.props.value === node.props.value),
            ...disabled(node),
          },
          slot: true,
        };
      const name = `${uid}-${keyOf(parent)}`;
      const checked = parent.props.value === node.props.value;
      return {
        tag: 'label',
        attributes: { 'data-plinth': 'option' },
        inside: [
          input('radio', { name, value: value(node), ...disabled(node) }, { checked }),
          { tag: 'span', slot: true },
        ],
      };
    },
  },
  checkbox: {
    props: { checked: flag, label: short, ...focusable },
    required: ['label'],
    events: ['change'],
    leaf: true,
    shape: (node) =>
      labelled(
        'checkbox',
        label(node),
        input('checkbox', disabled(node), { checked: node.props.checked === true }),
        true,
      ),
  },
  slider: {
    props: { value: number, min: number, max: number, step: number, label: short, ...focusable },
    required: ['label'],
    events: ['input', 'change'],
    leaf: true,
    shape: (node) => {
      const { min, max, step } = node.props;
      const range = { min: attribute(min), max: attribute(max), step: attribute(step) };
      const live = node.props.value === undefined ? {} : { value: String(node.props.value) };
      return labelled('slider', label(node), input('range', { ...range, ...disabled(node) }, live));
    },
  },
};
