/** The way to the other end of a link in the same thread: calls instead of messages. */
import type { DirectEnd, DirectReceiver } from './endpoint.js';
import type { IncomingValues } from './incoming-values.js';
import type { Outbox } from './outbox.js';
import type { StreamDoor } from './stream-door.js';
import { copyValue } from './value.js';

/** Deepest nesting of direct calls between the two ends; deeper ones go by messages. */
const MAX_DEPTH = 16;

/** Current nesting of direct calls between ends in this thread. */
let depth = 0;

/** Runs a direct call, one level deeper. */
export function nested(run: () => void): void {
  depth += 1;
  try {
    run();
  } finally {
    depth -= 1;
  }
}

/** What this module needs from its link. */
export interface DirectPathParts {
  readonly end: DirectEnd | undefined;
  readonly outbox: Pick<Outbox, 'empty'>;
  readonly values: Pick<IncomingValues, 'bounds'>;
  /** Whether errors in values include their stacks. */
  readonly stacks: boolean;
}

/** Owns this end's receiver. */
export class DirectPath {
  readonly #parts: DirectPathParts;
  readonly #end: DirectEnd | undefined;

  constructor(parts: DirectPathParts) {
    this.#parts = parts;
    this.#end = parts.end;
  }

  /** The other end, if it can be called directly: nothing sent before is still on its way. */
  get open(): DirectReceiver | undefined {
    const end = this.#end;
    if (end === undefined) return undefined;
    const receiver = end.other?.receiver;
    return end.inFlight === 0 && depth < MAX_DEPTH && this.#parts.outbox.empty && receiver?.idle
      ? receiver
      : undefined;
  }

  /** Takes direct calls of the other end, where there is one. */
  listen(receiver: DirectReceiver): void {
    if (this.#end !== undefined) this.#end.receiver = receiver;
  }

  /** A copy of a value, as the other end would read it. @throws as on any wire. */
  copy(value: unknown, from?: StreamDoor, to?: StreamDoor): unknown {
    return copyValue(value, from, to, this.#parts.values.bounds, this.#parts.stacks);
  }

  close(): void {
    if (this.#end !== undefined) this.#end.receiver = undefined;
  }
}
