/** Elements that show something and are not changed by the user. */
import { address, type Check, flag, number, oneOf } from './checks.js';
import { codeBlock } from './code-block.js';
import { imageUrl } from './image-size.js';
import { type Kit, label, short, tone } from './kit-spec.js';
import { linkTo } from './link.js';
import { attribute, box, mark } from './shape.js';

const IMAGE_CHARACTERS = 700_000;
const IMAGE_SIDE = 4_096;
const image: Check = (data) => imageUrl(data, IMAGE_CHARACTERS, IMAGE_SIDE);

const ICONS = oneOf(
  ...['add', 'back', 'check', 'close', 'delete', 'down', 'edit', 'error', 'file', 'folder'],
  ...['forward', 'heart', 'info', 'menu', 'more', 'pause', 'play', 'refresh', 'remove', 'search'],
  ...['settings', 'star', 'up', 'user', 'warning'],
);

/** Elements that show something and are not changed by the user. */
export const words: Kit = {
  heading: {
    props: { level: oneOf(1, 2, 3) },
    // The page has headings of its own above those of a view.
    shape: ({ props }) => box(`h${Number(props.level ?? 1) + 2}`, 'heading'),
  },
  text: {
    props: { tone, size: oneOf('small', 'medium', 'large'), strong: flag },
    shape: ({ props }) =>
      box('span', 'text', {
        'data-tone': attribute(props.tone),
        'data-size': attribute(props.size),
        'data-strong': mark(props.strong),
      }),
  },
  code: {
    props: { block: flag, label: short },
    shape: ({ props }) =>
      props.block === true
        ? codeBlock(String(props.label ?? 'code'), { tag: 'code', slot: true })
        : box('code', 'code'),
  },
  link: {
    props: { to: address },
    shape: ({ props }) => ({ ...linkTo(attribute(props.to)), slot: true }),
  },
  badge: {
    props: { tone },
    shape: ({ props }) => box('span', 'badge', { 'data-tone': attribute(props.tone) }),
  },
  icon: {
    props: { name: ICONS, label: short },
    leaf: true,
    shape: ({ props }) => ({
      tag: 'span',
      attributes: {
        'data-plinth': 'icon',
        'data-icon': attribute(props.name),
        ...(props.label === undefined
          ? { 'aria-hidden': 'true' }
          : { role: 'img', 'aria-label': String(props.label) }),
      },
    }),
  },
  image: {
    props: { data: image, label: short },
    required: ['label'],
    leaf: true,
    shape: (node) => ({
      tag: 'img',
      attributes: {
        'data-plinth': 'image',
        src: attribute(node.props.data),
        alt: label(node),
        decoding: 'async',
      },
    }),
  },
  progress: {
    props: { value: number, label: short },
    required: ['label'],
    leaf: true,
    shape: (node) => ({
      tag: 'progress',
      attributes: {
        'data-plinth': 'progress',
        'aria-label': label(node),
        max: '1',
        value: attribute(node.props.value),
      },
    }),
  },
  spinner: {
    props: { label: short },
    required: ['label'],
    leaf: true,
    shape: (node) => ({
      tag: 'span',
      attributes: { 'data-plinth': 'spinner', role: 'status', 'aria-label': label(node) },
    }),
  },
};
