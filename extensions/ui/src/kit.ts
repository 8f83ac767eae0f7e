/** The kit: the closed list of elements, with the checks of their props and their shapes. */
import type { HostNode } from './host-node.js';
import { collections } from './kit-collections.js';
import { controls } from './kit-controls.js';
import { figures } from './kit-figures.js';
import { layout } from './kit-layout.js';
import type { ElementSpec, Kit } from './kit-spec.js';
import { words } from './kit-words.js';
import { box } from './shape.js';

export type { ElementSpec, Kit } from './kit-spec.js';

/** The elements of version `KIT_VERSION`. */
export const KIT: Kit = Object.freeze({
  ...layout,
  ...words,
  ...collections,
  ...controls,
  ...figures,
});

/** Whether a node shows a part of its rows. */
export const isOnDemand = (kit: Kit, { type, props }: HostNode): boolean =>
  props.count !== undefined && elementOf(kit, type).onDemand === true;

/** An element that the kit doesn't know: its children alone are shown. */
const UNKNOWN: ElementSpec = { props: {}, shape: () => box('div', 'unknown') };

/** The element of a type. Names that every object has are no types. */
export function elementOf(kit: Kit, type: string): ElementSpec {
  return (Object.hasOwn(kit, type) ? kit[type] : undefined) ?? UNKNOWN;
}
