/** For which calls a guest acts: their callers need the rights to what it does. */
import { createError, type EventOrigin, OWN_BEHALF } from '@plinth/sdk/contract';
import { isCall } from '../calls/call.js';
import { underOf } from '../calls/chain.js';
import type { KernelCall, Under } from '../calls/kernel-call.js';
import { originOf } from '../middleware/publisher.js';
import { type GuestIdentity, malformed } from './guest-identity.js';

/** The callers that a guest acts for. */
export interface Behalf {
  /** The call that it is a part of. */
  readonly parent: KernelCall | undefined;
  /** Facts to carry on: of an event, or of an ended call whose handler is still at work. */
  readonly origin: EventOrigin | undefined;
  /** Calls whose callers need the right to it, too. */
  readonly calls: readonly KernelCall[];
  /** The open calls of the guest, when the request names no parent. */
  readonly under?: Under | undefined;
}

const OWN: Behalf = Object.freeze({ parent: undefined, origin: undefined, calls: [] });

/** The call that a guest answers, or the event it has received, for which it acts. */
export function behalfOf(guest: GuestIdentity, sequence: unknown): Behalf {
  if (typeof sequence !== 'number') throw malformed(guest);
  if (sequence === OWN_BEHALF) return OWN;
  if (sequence > 0) return forCall(guest, sequence);
  const origin = sequence === 0 ? undefined : guest.causes.get(sequence);
  if (origin !== undefined) return { parent: undefined, origin, calls: [] };
  // It could be any of them, so all of their callers need the right.
  const open = guest.link.open().flatMap((reply) => callOf(reply) ?? []);
  if (open.length === 0) return OWN;
  return {
    parent: undefined,
    origin: undefined,
    calls: guest.services.rights.grants.delegation.strict ? open : [],
    under: underOf(open, guest.manifest.id),
  };
}

function forCall(guest: GuestIdentity, sequence: number): Behalf {
  const call = callOf(guest.link.worksFor(sequence));
  if (call === undefined) {
    const { id } = guest.manifest;
    throw createError(
      'call/cancelled',
      `${id} works for a call that is over: what it does on its own behalf goes into ctx.own()`,
      { plugin: id },
    );
  }
  if (!call.over) return { parent: call, origin: undefined, calls: [call] };
  checkEnded(guest, call);
  return { parent: undefined, origin: originOf(call), calls: [call] };
}

/** Milliseconds for which a handler may go on for a call after the latest end that it can have. */
const AFTERWARDS = 30_000;
/** Calls that were made, one for the other, after the one before had ended. */
const MAX_ENDED = 32;

/**
 * Refuses to act for a call that has ended long ago, or that stands at the end of a long line of
 * such calls: neither the user's identity nor the line may last for ever.
 *
 * @throws PluginCancelledError `call/cancelled`.
 */
function checkEnded(guest: GuestIdentity, call: KernelCall): void {
  const latest = call.started + call.timeout + AFTERWARDS;
  let ended = 0;
  for (let above: KernelCall | undefined = call; above !== undefined && ended <= MAX_ENDED; )
    if (above.parent === undefined) {
      ended += 1;
      above = above.madeFor?.[0];
    } else above = above.parent;
  if (performance.now() <= latest && ended <= MAX_ENDED) return;
  const { id } = guest.manifest;
  throw createError(
    'call/cancelled',
    `${id} works for a call that ended long ago: what it does on its own behalf goes into ctx.own()`,
    { plugin: id },
  );
}

function callOf(reply: unknown): KernelCall | undefined {
  return isCall(reply) ? reply : (reply as { readonly call?: KernelCall } | undefined)?.call;
}
