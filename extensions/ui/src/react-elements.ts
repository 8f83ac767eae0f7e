/** Nodes of a view as elements of React: the application's components, or the shapes of the kit. */
import {
  type ComponentType,
  createElement,
  Fragment,
  memo,
  type ReactNode,
  type Ref,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import type { PropValue } from './checks.js';
import type { HostNode } from './host-node.js';
import { elementOf } from './kit.js';
import type { ReactRenderer } from './react-renderer.js';
import type { Shape } from './shape.js';

/** What a component of the application gets for an element of the kit. */
export interface ElementProps {
  /** Checked props of the element. */
  readonly props: Readonly<Record<string, PropValue>>;
  /**
   * Functions for the events that the plugin hears, by name: `press`, `input`, `change`, `submit`,
   * `close`. `props.value` of a field holds what was passed to `input` last.
   */
  readonly on: Readonly<Record<string, (detail?: PropValue) => void>>;
  readonly children?: ReactNode;
}

/** Components of the application, by the type of the element. The kit shows all others. */
export type Components = Readonly<Record<string, ComponentType<ElementProps>>>;

interface NodeProps {
  readonly node: HostNode;
  readonly view: ReactRenderer;
  readonly components: Components;
}

/** A node and what stands in it. It is drawn again when the node has changed. */
export const ShownNode = memo(function ShownNode({ node, view, components }: NodeProps): ReactNode {
  const version = () => view.versionOf(node);
  useSyncExternalStore(view.subscriberOf(node), version, version);
  if (node.type === '#text') return node.text;
  const kids = kidsOf(node, view, components);
  const Component = Object.hasOwn(components, node.type) ? components[node.type] : undefined;
  return Component === undefined
    ? createElement(KitElement, { node, view }, ...kids)
    : createElement(OwnElement, { node, view, component: Component }, ...kids);
});

/** What stands in a view. It is drawn again when that comes, goes or moves. */
export function ShownRoot({ node, view, components }: NodeProps): ReactNode {
  const version = () => view.versionOf(node);
  useSyncExternalStore(view.subscriberOf(node), version, version);
  return createElement(Fragment, null, ...kidsOf(node, view, components));
}

/** The children of a node. */
function kidsOf(node: HostNode, view: ReactRenderer, components: Components): readonly ReactNode[] {
  return node.kids.map((kid) =>
    createElement(ShownNode, { key: view.keyOf(kid), node: kid, view, components }),
  );
}

interface OwnProps {
  readonly node: HostNode;
  readonly view: ReactRenderer;
  readonly component: ComponentType<ElementProps>;
  readonly children?: ReactNode;
}

function OwnElement({ node, view, component, children }: OwnProps): ReactNode {
  const { value } = node.props;
  const [typed, type] = useTyped(view, node, typeof value === 'string' ? value : undefined);
  const events = node.events.join();
  const on = useMemo(() => {
    const tell = (name: string) => (detail?: PropValue) => {
      if (name === 'input' && typeof detail === 'string') type(detail);
      else view.send(node, name, detail);
    };
    return Object.fromEntries(
      events.split(',').flatMap((name) => (name === '' ? [] : [[name, tell(name)] as const])),
    );
  }, [view, node, events, type]);
  const props = typed === undefined ? node.props : { ...node.props, value: typed };
  return createElement(component, { props, on }, children);
}

/** What a field holds: typed a moment ago, or said by the plugin since. */
function useTyped(
  view: ReactRenderer,
  node: HostNode,
  value: string | undefined,
): readonly [string | undefined, (value: string) => void] {
  const held = useRef({ value: value ?? '' });
  const said = useRef(value);
  const [, draw] = useState(0);
  const type = useMemo(
    () => (next: string) => {
      held.current.value = next;
      view.echoes.typed(held.current, (text, order) => view.send(node, 'input', text, order));
      draw((count) => count + 1);
    },
    [view, node],
  );
  if (said.current !== value) {
    said.current = value;
    if (value !== undefined) view.echoes.set(held.current, value);
  }
  return [value === undefined ? undefined : held.current.value, type];
}

interface KitProps {
  readonly node: HostNode;
  readonly view: ReactRenderer;
  readonly children?: ReactNode;
}

function KitElement({ node, view, children }: KitProps): ReactNode {
  const shape = elementOf(view.kit, node.type).shape(node, view.scope);
  const root = useRef<Element>(null);
  const { value, checked } = liveOf(shape) ?? {};
  const focus = useRef(false);
  useLayoutEffect(() => {
    if (root.current === null) return;
    view.stands(root.current, node);
    const asks = node.props.focus === true;
    if (asks && !focus.current)
      view.focus.move((controlOf(root.current) ?? root.current) as HTMLElement);
    focus.current = asks;
  });
  // The plugin's word counts when it changes, also over its updates; what its user types in between
  // stays.
  const said = useRef<Shape['live']>(undefined);
  useLayoutEffect(() => {
    const { value: last, checked: tick } = said.current ?? {};
    said.current = {
      ...(value !== undefined && { value }),
      ...(checked !== undefined && { checked }),
    };
    const control = root.current && controlOf(root.current);
    if (!control) return;
    if (value !== undefined && value !== last && control.localName !== 'select')
      view.echoes.set(control, value);
    if (checked !== undefined && checked !== tick) control.checked = checked;
  }, [view, value, checked]);
  // A list of choices can only be set when its choices are there, and they may come later.
  const version = view.versionOf(node);
  useLayoutEffect(() => {
    const chosen = node.type === 'select' ? node.props.value : undefined;
    const control = root.current && controlOf(root.current);
    if (chosen !== undefined && control?.localName === 'select')
      view.choices.set(control as Element as HTMLSelectElement, String(chosen));
  }, [view, node, version]);
  return drawn(shape, children, root);
}

type Control = HTMLInputElement;

const controlOf = (element: Element): Control | null =>
  element.matches('input, textarea, select')
    ? (element as Control)
    : element.querySelector<Control>(':scope > input, :scope > textarea, :scope > select');

function liveOf(shape: Shape): Shape['live'] {
  return shape.live ?? shape.inside?.map(liveOf).find((live) => live !== undefined);
}

/** Attributes that React has under another name. */
const NAMES: Readonly<Record<string, string>> = {
  tabindex: 'tabIndex',
  maxlength: 'maxLength',
  autocomplete: 'autoComplete',
};

/** Attributes that are there or not. */
const FLAGS: ReadonlySet<string> = new Set(['disabled']);

function drawn(shape: Shape, children: ReactNode, root?: Ref<Element>): ReactNode {
  const { tag, attributes = {}, inside = [], text, slot, live } = shape;
  const props: Record<string, unknown> = root === undefined ? {} : { ref: root };
  for (const [name, value] of Object.entries(attributes)) {
    // A select says itself which of its choices is taken.
    if (value === undefined || name === 'selected') continue;
    props[NAMES[name] ?? name] = FLAGS.has(name) ? true : value;
  }
  if (live?.value !== undefined) props.defaultValue = live.value;
  if (live?.checked !== undefined) props.defaultChecked = live.checked;
  const parts = inside.map((part) => drawn(part, children));
  const content = [...(text === undefined ? [] : [text]), ...parts];
  if (slot === true) content.push(children);
  return createElement(tag, props, ...content);
}
