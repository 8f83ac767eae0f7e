/** The facts of a call as they go over a link. */
import {
  type Baggage,
  type Caller,
  type CallMeta,
  callerText,
  DEFAULT_TIMEOUT,
  pairOf,
} from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { KernelCall } from './kernel-call.js';

/** What calls carry whose callers give no baggage. One object, so that it is known by identity. */
export const NO_BAGGAGE: Baggage = Object.freeze({});
/** Milliseconds by which a deadline may differ from the usual one before the handler is told. */
const NEGLIGIBLE = 1_000;

// Calls of one guest follow one another.
let lastCaller: Caller | undefined;
let lastText = '';

function textOf(caller: Caller): string {
  if (caller !== lastCaller) {
    lastCaller = caller;
    lastText = callerText(caller);
  }
  return lastText;
}

/**
 * The facts as they go over a link: a number for a plain call, which is the common case.
 *
 * @param subject the id of the command or event that a middleware wraps.
 */
export function metaOf(call: KernelCall, link: Link, subject?: string): CallMeta {
  const { caller, user, traceparent, baggage } = call;
  // A call made at once for another has almost its time left. It stays exact to the millisecond.
  const usual = call.timeout <= DEFAULT_TIMEOUT && call.timeout > DEFAULT_TIMEOUT - NEGLIGIBLE;
  if (
    subject === undefined &&
    usual &&
    user === undefined &&
    traceparent === undefined &&
    baggage === NO_BAGGAGE
  ) {
    if (caller.kind === 'host') return pairOf(call.number, 0);
    const name = link.nameOf(textOf(caller));
    if (name > 0) return pairOf(call.number, name);
  }
  return [
    call.number,
    callerText(caller),
    user,
    call.remaining,
    traceparent,
    baggage === NO_BAGGAGE ? undefined : baggage,
    subject,
  ];
}
