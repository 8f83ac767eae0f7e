/**
 * `@plinth/ui/preact`: views of a plugin that are written in Preact.
 *
 * @module
 */
import {
  type ComponentType,
  type ContainerNode,
  createElement,
  type FunctionComponent,
  options,
  render,
} from 'preact';
import type { Elements } from './elements.js';
import { tinyRoot } from './tiny-dom.js';
import type { Mount } from './views.js';

/**
 * Makes a view of a component. It gets what the application passes to the view as its props.
 *
 * @example
 * const { Button } = kit;
 * function Counter() {
 *   const [count, setCount] = useState(0);
 *   return <Button onPress={() => setCount(count + 1)}>Count {count}</Button>;
 * }
 * views(ctx, { counter: preact(Counter) });
 */
export function preact<P extends object>(component: ComponentType<P>): Mount {
  // A guest has no frames. Preact would wait for one, in vain, before each effect.
  options.requestAnimationFrame ??= (done: () => void) => queueMicrotask(done);
  return {
    mount(session, props) {
      const root = tinyRoot(session) as unknown as ContainerNode;
      render(createElement(component, (props ?? {}) as P), root);
      return () => render(null, root);
    },
  };
}

type Capital<T extends string> = T extends `${infer First}${infer Rest}`
  ? `${Uppercase<First>}${Rest}`
  : never;

/** The elements of the kit as components, by their names with a capital. */
export type PreactKit = {
  readonly [T in keyof Elements & string as Capital<T>]: FunctionComponent<Elements[T]>;
};

type Handler = (detail: unknown) => unknown;

/** Handlers get the detail of their event, as with `h()`. */
const plain = (props: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(props).map(([name, value]) => [
      name,
      typeof value === 'function' && name !== 'ref'
        ? (event: { readonly detail: unknown }) => (value as Handler)(event.detail)
        : value,
    ]),
  );

const made = new Map<string, FunctionComponent<never>>();

/** The elements of the kit, with checked props. An element that an application adds is there, too. */
export const kit: PreactKit = new Proxy({} as PreactKit, {
  get(_, name) {
    if (typeof name !== 'string') return undefined;
    const known = made.get(name);
    if (known !== undefined) return known;
    const type = name.slice(0, 1).toLowerCase() + name.slice(1);
    const component = (props: Readonly<Record<string, unknown>>) =>
      createElement(type, plain(props));
    made.set(name, component as FunctionComponent<never>);
    return component;
  },
});
