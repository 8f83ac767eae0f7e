/** `h()`: what a view shows, as plain objects. */
import type { Elements } from './elements.js';

/** An element that a view shows. */
export interface ViewNode {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly children: readonly Child[];
}

/** What may stand in an element. Null, undefined and booleans show nothing. */
export type Child = ViewNode | string | number | boolean | null | undefined | readonly Child[];

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

/** An element or a text, as it is compared with what is shown. */
export type Wanted = ViewNode | string;

/** The children that show something, without nesting. */
export function wantedOf(child: Child, into: Wanted[] = []): Wanted[] {
  if (Array.isArray(child)) for (const one of child as readonly Child[]) wantedOf(one, into);
  else if (typeof child === 'number') into.push(String(child));
  else if (typeof child === 'string') into.push(child);
  else if (typeof child === 'object' && child !== null) into.push(child as ViewNode);
  return into;
}
