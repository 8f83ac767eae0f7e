/** What a kit is made of, and what its parts share. */
import { type Check, oneOf, type PropValue, text } from './checks.js';
import type { HostNode } from './host-node.js';
import type { Shaper } from './shape.js';

/** An element of a kit. */
export interface ElementSpec {
  /** The checks of its props, by name. Other props are left out. */
  readonly props: Readonly<Record<string, Check>>;
  /** Props that it cannot do without. Where one is missing, the type stands in its place. */
  readonly required?: readonly string[];
  readonly events?: readonly string[];
  /** Whether it shows a part of its rows, and hears `range`: those that are in sight. */
  readonly onDemand?: true;
  /**
   * How many elements it makes of a prop, by its name, with all of its props beside it. They count
   * as nodes of the view.
   */
  readonly sizes?: Readonly<
    Record<string, (value: PropValue, props: Readonly<Record<string, PropValue>>) => number>
  >;
  /** Whether it takes no children. */
  readonly leaf?: true;
  readonly shape: Shaper;
}

/**
 * The elements of a host, by type.
 *
 * @example
 * const kit = { ...KIT, chart: { props: { points: text(5_000) }, leaf: true, shape: chart } };
 */
export type Kit = Readonly<Record<string, ElementSpec>>;

/** How something is meant. */
export const tone = oneOf('plain', 'accent', 'good', 'warn', 'bad');
/** The space between children. */
export const gap = oneOf('none', 'small', 'medium', 'large');
/** A label, a title, a short value. */
export const short = text(200);

/** The label of a node. */
export const label = ({ props }: HostNode): string => String(props.label ?? '');
/** The text that a control holds. */
export const value = ({ props }: HostNode): string => String(props.value ?? '');
