/** A node of a view, as the host has checked it. */
import type { PropValue } from './checks.js';
import type { RowSpan } from './row-span.js';

/** A checked element or text of a view. */
export interface HostNode {
  /** The plugin's name for it. The root is 0. */
  readonly id: number;
  /** An element of the kit, `#text`, `#root`, or what the kit doesn't know. */
  readonly type: string;
  /** Of a text. */
  readonly text: string;
  readonly props: Readonly<Record<string, PropValue>>;
  /** Events that the plugin hears. */
  readonly events: readonly string[];
  readonly kids: readonly HostNode[];
  readonly parent: HostNode | undefined;
}

/** What an event says: the value of a control, or the rows that are in sight. */
export type EventDetail = PropValue | RowSpan;

/**
 * Tells the plugin of an event. It resolves, and never rejects, when the plugin has answered.
 *
 * @param order the number of what was typed.
 */
export type SendEvent = (
  node: HostNode,
  name: string,
  detail?: EventDetail,
  order?: number,
) => Promise<void>;
