/** Facts of calls and events as frames carry them. */
import type { Baggage, EventOrigin } from './call-context.js';

/** Two names, or a number and a name, as one number. Calls and events carry them in this form. */
export const pairOf = (high: number, name: number): number => high * 4_096 + name;
/** The first of a pair. */
export const highOf = (pair: number): number => Math.floor(pair / 4_096);
/** The second of a pair. */
export const nameIn = (pair: number): number => pair % 4_096;

/**
 * Facts of a call on the wire. A plain call is a pair: its number, and the name of its caller (0:
 * the host). A call with more facts is a list: [number, caller (empty: the host), user, remaining
 * ms, traceparent, baggage, and for middleware the id of the command or event and the number of the
 * step]. Deadlines travel as remaining time, because two clocks never agree.
 */
export type CallMeta =
  | number
  | readonly [
      number: number,
      caller: string,
      user: string | undefined,
      remaining: number,
      traceparent: string | undefined,
      baggage: Baggage | undefined,
      subject: string | undefined,
      step?: number,
      /** How many lane calls this one is nested in. */
      depth?: number,
    ];

/**
 * Facts of an event: the names of its topic and source as a pair, or both as texts. The texts are
 * followed by what it was emitted for, when known, and by the kernel's number for that: calls of
 * its listeners refer to the number.
 */
export type EventMeta =
  | number
  | readonly [topic: string, source: string, origin?: EventOrigin, cause?: number];

/** Calls over lanes are numbered from here. The range keeps them distinct from the kernel's own. */
export const LANE_NUMBERS = 2 ** 40;

/** A calling plugin as text, as links carry it. */
export const callerText = (caller: {
  readonly kind: string;
  readonly id: string;
  readonly version?: string;
}): string =>
  caller.kind === 'host'
    ? ''
    : caller.kind === 'remote'
      ? `${REMOTE}${caller.id}`
      : `${caller.id}@${caller.version}`;

/** What the text of a remote caller begins with: no plugin's id has a space. */
export const REMOTE = 'remote ';

/** The request id of a call's number. */
export const requestIdOf = (prefix: string, number: number): string =>
  `${prefix}-${number.toString(36)}`;
