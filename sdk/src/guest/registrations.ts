/** What a plugin has registered for the kernel to call, by the guest's own numbers. */

import type { EventOrigin } from '../contract/call-context.js';
import type { CallMeta } from '../contract/call-facts.js';
import { createSharedError, messageOf } from '../contract/errors.js';
import type { RegistrationKind } from '../contract/protocol.js';
import type { Inbound } from '../rpc/inbound.js';

/** A handler that the kernel can call by number, once its registration is confirmed. */
export interface Handle {
  (input: unknown, meta: CallMeta, inbound: Inbound): unknown;
  about?: readonly [kind: RegistrationKind, name: string];
}
/** A listener that the kernel can notify by number. */
export type Listener = (
  payload: unknown,
  topic: string,
  source: string,
  origin: EventOrigin | undefined,
  cause: number,
) => void;

/** The guest's tables, shared with the runtime that dispatches frames. */
export interface Registrations {
  readonly handles: Map<number, Handle>;
  readonly listeners: Map<number, Listener>;
  /** Registrations the kernel has not confirmed yet. `activate` waits for them. */
  readonly unconfirmed: Set<Promise<unknown>>;
  /** See `walked` of the link's options. */
  walked?: () => void;
}

/** The error of a call for a handler that is no longer registered. */
export const takenBack = () =>
  createSharedError('plugin/unavailable', 'the handler has been taken back', { retryable: true });

/** `activate` succeeds only when the kernel has accepted everything it registered. */
export async function confirm(unconfirmed: Registrations['unconfirmed']): Promise<void> {
  const results = await Promise.allSettled(unconfirmed);
  unconfirmed.clear();
  const refused = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (refused.length === 1) throw refused[0];
  if (refused.length > 1)
    throw new AggregateError(
      refused,
      `the kernel refused ${refused.length} registrations: ${refused.map(messageOf).join('; ')}`,
    );
}
