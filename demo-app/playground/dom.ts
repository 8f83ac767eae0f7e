/** The DOM helpers of this page. Text is always set as text, never as HTML. */

/** Creates an element. Properties are set directly, `data` as data attributes. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> & {
    readonly data?: Readonly<Record<string, string>>;
  } = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const { data, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

/** An element by an id that must exist. */
export function byId<E extends HTMLElement>(
  id: string,
  type: abstract new (...args: never[]) => E,
): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} with the id '${id}'`);
  return found;
}

/** Runs a function at most once per frame, however often it is requested. */
export function oncePerFrame(run: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}
