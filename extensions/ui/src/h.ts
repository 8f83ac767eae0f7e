/** `h()`: what a view shows, as plain objects. */
import type { Child, ViewNode } from './child.js';
import type { Elements } from './elements.js';

/** A key that keeps an element the same when its place among its siblings changes. */
interface Keyed {
  readonly key?: string | number;
}

/**
 * Makes an element of the kit, or asks a component for what it shows.
 *
 * @example
 * h('stack', { gap: 'small' }, h('text', null, 'Hello'), h('button', { onPress: greet }, 'Again'));
 */
export function h<T extends keyof Elements>(
  type: T,
  props?: (Elements[T] & Keyed) | null,
  ...children: Child[]
): ViewNode;
/** Asks a component for what it shows. */
export function h<P>(
  component: (props: P & { readonly children: readonly Child[] }) => Child,
  props: P,
  ...children: Child[]
): Child;
/** Makes an element, or asks a component. */
export function h(
  type: string | ((props: object) => Child),
  props: object | null = null,
  ...children: Child[]
): Child {
  if (typeof type === 'function') return type({ ...props, children });
  return { type, props: { ...props }, children };
}
