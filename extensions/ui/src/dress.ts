/** Elements of a page that have the shape of their node. */
import type { Shape } from './shape.js';

/** An element that shows a node. */
export interface Dressed {
  readonly element: Element;
  /** Where children stand. */
  readonly slot: Element;
  /** The control that its user changes. */
  readonly control: Control | undefined;
}

/** An element with a value of its own. */
export type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

interface Found {
  slot?: Element;
  control?: Control;
}

const NONE: NonNullable<Shape['attributes']> = Object.freeze({});
const SVG = 'http://www.w3.org/2000/svg';

/** Makes the elements of a shape. */
export function dress(document: Document, shape: Shape): Dressed {
  const found: Found = {};
  const element = build(document, shape, found, false);
  return { element, slot: found.slot ?? element, control: found.control };
}

function build(document: Document, shape: Shape, found: Found, inSvg: boolean): Element {
  const isSvg = inSvg || shape.tag === 'svg';
  const element = isSvg
    ? document.createElementNS(SVG, shape.tag)
    : document.createElement(shape.tag);
  const { attributes = NONE } = shape;
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) element.setAttribute(name, value);
  }
  if (shape.text !== undefined) element.textContent = shape.text;
  for (const part of shape.inside ?? []) element.append(build(document, part, found, isSvg));
  if (shape.slot === true) found.slot = element;
  if (shape.live !== undefined) {
    const control = element as Control;
    found.control = control;
    const { value, checked } = shape.live;
    if (value !== undefined) control.value = value;
    if (checked !== undefined) (control as HTMLInputElement).checked = checked;
  }
  return element;
}

/** Whether two shapes have the same elements, which may differ in attributes and texts. */
export function alike(one: Shape, other: Shape): boolean {
  const [inside = [], others = []] = [one.inside, other.inside];
  return (
    one.tag === other.tag &&
    one.slot === other.slot &&
    inside.length === others.length &&
    inside.every((part, at) => alike(part, others[at] as Shape))
  );
}

/** Changes the elements of one shape to those of another that is alike. */
export function redress(
  element: Element,
  before: Shape,
  shape: Shape,
  set: (control: Control, value: string) => void,
): void {
  const [{ attributes: was = NONE }, { attributes = NONE }] = [before, shape];
  for (const name in was) if (attributes[name] === undefined) element.removeAttribute(name);
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined && value !== was[name]) element.setAttribute(name, value);
  }
  if (shape.text !== before.text) element.textContent = shape.text ?? '';
  const { live } = shape;
  if (live?.value !== undefined && live.value !== before.live?.value)
    set(element as Control, live.value);
  if (live?.checked !== undefined && live.checked !== before.live?.checked)
    (element as HTMLInputElement).checked = live.checked;
  for (const [at, part] of (shape.inside ?? []).entries())
    redress(element.children[at] as Element, before.inside?.[at] as Shape, part, set);
}
