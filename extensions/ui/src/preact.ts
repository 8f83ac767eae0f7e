/**
 * `@plinth/ui/preact`: views of a plugin that are written in Preact.
 *
 * @module
 */
import {
  Component,
  type ComponentChildren,
  type ComponentType,
  type ContainerNode,
  createContext,
  createElement,
  type FunctionComponent,
  options,
  render,
  toChildArray,
  type VNode,
} from 'preact';
import { AskedRows, type RowSource } from './asked-rows.js';
import type { Child } from './child.js';
import type { Elements } from './elements.js';
import type { Pictures } from './pictures.js';
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
      const shown = createElement(component, (props ?? {}) as P);
      render(createElement(Loading.Provider, { value: session.pictures }, shown), root);
      return () => render(null, root);
    },
  };
}

/** What loads images by URL. */
const Loading = createContext<Pictures | undefined>(undefined);

type Capital<T extends string> = T extends `${infer First}${infer Rest}`
  ? `${Uppercase<First>}${Rest}`
  : never;

/** Rows of a list are made of Preact's elements here. */
type PreactProps<P> = P extends { readonly rows: RowSource<Child> }
  ? Omit<P, 'rows'> & { readonly rows: RowSource<ComponentChildren> }
  : P;

/** The elements of the kit as components, by their names with a capital. */
export type PreactKit = {
  readonly [T in keyof Elements & string as Capital<T>]: FunctionComponent<
    PreactProps<Elements[T]>
  >;
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

type Rows = RowSource<ComponentChildren>;
interface RangedProps {
  readonly type: string;
  readonly given: Readonly<Record<string, unknown>> & { readonly children?: ComponentChildren };
}

/** An element whose rows are asked for by range. What came later is drawn without asking again. */
class Ranged extends Component<RangedProps> {
  readonly #asked = new AskedRows<ComponentChildren>({
    sizeOf: (rows) => toChildArray(rows).length,
    came: () => this.setState({}),
    failed: (error) =>
      this.setState(() => {
        throw error;
      }),
  });
  #last: readonly unknown[] = [];

  override render({ type, given }: RangedProps): VNode {
    const { rows, children, ...own } = given;
    const asked = this.#asked;
    if (this.#last[0] !== given || this.#last[1] !== asked.span) {
      this.#last = [given, asked.span];
      asked.ask(rows as Rows, own.count);
    }
    const onRange = (span: unknown) => {
      asked.move(span);
      this.setState({});
    };
    const head = toChildArray(children).length;
    const props = plain({ ...own, from: asked.from, head, onRange });
    return createElement(type, props, children, asked.rows);
  }

  override componentWillUnmount(): void {
    this.#asked.end();
  }
}

type Given = Readonly<Record<string, unknown>>;

/** An image by URL, which is drawn again when it is there. */
class Picture extends Component<{ readonly given: Given }> {
  static override contextType = Loading;
  readonly #came = (): void => this.setState({});

  override render({ given: { url, ...props } }: { readonly given: Given }): VNode {
    const pictures = this.context as Pictures | undefined;
    const data = pictures?.get(String(url), this.#came);
    return createElement('image', { ...props, ...(data !== undefined && { data }) });
  }
}

const made = new Map<string, FunctionComponent<never>>();

/** The elements of the kit, with checked props. An element that an application adds is there, too. */
export const kit: PreactKit = new Proxy({} as PreactKit, {
  get(_, name) {
    if (typeof name !== 'string') return undefined;
    const known = made.get(name);
    if (known !== undefined) return known;
    const type = name.slice(0, 1).toLowerCase() + name.slice(1);
    const component = (props: Readonly<Record<string, unknown>>) =>
      typeof props.rows === 'function'
        ? createElement(Ranged, { type, given: props })
        : type === 'image' && props.url !== undefined
          ? createElement(Picture, { given: props })
          : createElement(type, plain(props));
    made.set(name, component as FunctionComponent<never>);
    return component;
  },
});
