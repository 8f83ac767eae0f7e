/** Makes an element. Properties are set as properties, `aria` and `role` as attributes. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  given: Partial<HTMLElementTagNameMap[K]> & {
    readonly aria?: Readonly<Record<string, string>>;
  } = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const { aria = {}, ...properties } = given;
  const made = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children);
  return made;
}

/** Makes a button. */
export const button = (text: string, onclick: () => unknown, className = ''): HTMLButtonElement =>
  element('button', { type: 'button', className, onclick: () => void onclick() }, text);
