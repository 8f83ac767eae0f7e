/** Checks of single parts of a change, before any of it is done. */
import type { PropValue } from './checks.js';
import { refuse } from './fault.js';
import type { HostNode } from './host-node.js';
import type { ElementSpec } from './kit.js';

/** Children of an element that asks for its rows: one answer, while the last one is still there. */
const ROWS_MOST = 500;

/** @throws ViewRefused for an element that has more rows than are ever asked for. */
export function checkRows(element: {
  readonly type: string;
  readonly spec: ElementSpec;
  readonly props: Readonly<Record<string, PropValue>>;
  readonly kids: readonly unknown[];
}): void {
  const { spec, type, props, kids } = element;
  if (spec.onDemand === true && props.count !== undefined && kids.length > ROWS_MOST)
    refuse(`'${type}' has ${kids.length} rows at once, at most ${ROWS_MOST}`);
}

/** @throws ViewRefused when there is no such place. */
export function placeIn(kids: readonly unknown[], at: unknown): number {
  if (!Number.isSafeInteger(at) || (at as number) < 0 || (at as number) > kids.length)
    refuse(`there is no place '${shown(at)}' among ${kids.length}`);
  return at as number;
}

/** @throws ViewRefused */
export function orderOf(order: unknown): number {
  if (!Number.isSafeInteger(order)) refuse(`'${shown(order)}' is no number of an event`);
  return order as number;
}

/** What a plugin has sent, cut for a message. */
export const shown = (value: unknown): string =>
  typeof value === 'object' ? typeof value : String(value).slice(0, 40);

/** Whether a prop that an element can't do without is missing. */
export function lacks({ type, props }: HostNode, name: string): boolean {
  const value = props[name];
  if (value === undefined) return true;
  // An image without words only decorates. Anything else has a name.
  return name === 'label' && type !== 'image' && String(value).trim() === '';
}

/** How many elements a node makes of its props. */
export function sizeOf({ sizes = {} }: ElementSpec, props: HostNode['props']): number {
  let size = 0;
  for (const [name, made] of Object.entries(sizes)) {
    const value = Object.hasOwn(props, name) ? props[name] : undefined;
    if (value !== undefined) size += made(value, props);
  }
  return size;
}
