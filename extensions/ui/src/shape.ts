/**
 * Shapes: how an element looks as markup. All renderers read the same shapes, so the markup is the
 * same in a page, in React and on a server. Tags and names of attributes are the host's; only
 * checked values of props stand in them.
 */
import type { HostNode } from './host-node.js';

/** One piece of markup. */
export interface Shape {
  readonly tag: string;
  /** Undefined leaves an attribute out; an empty text is a flag. */
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  readonly inside?: readonly Shape[];
  /** A text of the host's. */
  readonly text?: string;
  /** Children of the node stand in this piece. */
  readonly slot?: true;
  /** What a control holds, which its user changes. */
  readonly live?: { readonly value?: string; readonly checked?: boolean };
}

/** Makes the shape of a node. */
export type Shaper = (node: HostNode, scope: ShapeScope) => Shape;

/** What shapes know of the place where they stand. */
export interface ShapeScope {
  /** A name that is unique in the page. */
  readonly uid: string;
  /** Words of the host. */
  readonly words: { readonly close: string };
  /** A number for a node that its elements keep over the showings of the view. Absent: its id. */
  keyOf?(node: HostNode): number;
}

/**
 * A name for the elements of one view. A page may have the code of views twice, so a counter would
 * give two views the same.
 */
export const uidOfView = (): string => `plinth-${crypto.randomUUID()}`;

/** An element whose children stand in it. */
export function box(
  tag: string,
  kind: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
): Shape {
  return { tag, attributes: { 'data-plinth': kind, ...attributes }, slot: true };
}

/** A labelled control. */
export function labelled(kind: string, label: string, control: Shape, after = false): Shape {
  const name: Shape = {
    tag: 'span',
    attributes: { 'data-plinth': 'label' },
    text: label,
  };
  return {
    tag: 'label',
    attributes: { 'data-plinth': kind },
    inside: after ? [control, name] : [name, control],
  };
}

/** The value of a prop as the text of an attribute. */
export function attribute(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** A flag as an attribute. */
export const mark = (value: unknown): string | undefined => (value === true ? '' : undefined);
