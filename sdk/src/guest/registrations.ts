/** What a plugin has given the kernel to call, by the guest's own numbers. */
import type { EventOrigin } from '../contract/call-context.js';
import type { CallMeta } from '../contract/protocol.js';
import type { Inbound } from '../rpc/inbound.js';

/** What the kernel can call by handle. */
export type Handle = (input: unknown, meta: CallMeta, inbound: Inbound) => unknown;
/** What the kernel can notify by handle. */
export type Listener = (payload: unknown, topic: string, source: string, origin: EventOrigin | undefined, cause: number) => void;

/** The guest's tables, shared with the runtime that dispatches frames. */
export interface Registrations {
  readonly handles: Map<number, Handle>;
  readonly listeners: Map<number, Listener>;
  /** Registrations the kernel has not confirmed yet; `activate` waits for them. */
  readonly unconfirmed: Set<Promise<unknown>>;
}
