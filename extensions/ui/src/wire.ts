/** What crosses between a view and its host. A batch is the JSON text of a list of `ViewOp`. */

/** Values of props. Null takes a prop away. */
export type ViewProps = Readonly<Record<string, string | number | boolean | null>>;

/** A new node: a text, or an element with the names of the events that it hears. */
export type WireNode =
  | readonly [id: number, text: string]
  | readonly [
      id: number,
      type: string,
      props: ViewProps | null,
      events: readonly string[] | null,
      children: readonly WireNode[],
    ];

/** One change. The root is the node 0. */
export type ViewOp =
  /** Inserts a node. */
  | readonly [0, parent: number, at: number, node: WireNode]
  /** Removes a node with all that it contains. */
  | readonly [1, id: number]
  /** Sets the text of a text. */
  | readonly [2, id: number, text: string]
  /** Sets props, and the events that are heard from then on. */
  | readonly [3, id: number, props: ViewProps, events?: readonly string[]]
  /** Moves a node. The place counts without the node itself. */
  | readonly [4, id: number, parent: number, at: number]
  /**
   * What follows was made after the events up to this order were heard, 0 at first. Only for a host
   * that counts.
   */
  | readonly [5, order: number];
