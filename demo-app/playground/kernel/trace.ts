/** What a trace consists of, and its ids. The frame of the page needs it before there is a kernel. */

import type { Step } from './call-steps.ts';

/** One call of a command or hook, or one event. Times are milliseconds of `performance.now()`. */
export interface Span {
  readonly id: string;
  readonly trace: string;
  /** The span that made this one. Absent for the first of a trace. */
  readonly parent: string | undefined;
  readonly kind: 'command' | 'hook' | 'event';
  readonly target: string;
  readonly caller: string;
  readonly provider: string;
  readonly started: number;
  /** Absent while it runs. */
  readonly took?: number;
  /** The part of `took` inside of all middleware. */
  readonly handler?: number;
  /** Whether what is inside of all middleware has answered. */
  readonly answered?: boolean;
  /** Each middleware that was entered, the outermost first. */
  readonly steps?: readonly Step[];
  readonly ok?: boolean;
  readonly code?: string;
}

/** The form of a `traceparent`: trace, and span. */
export const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/;

let last = 0;
/** An id that this page has not given out before. */
export const nextId = (digits: number): string => (++last).toString(16).padStart(digits, '0');

/** The parent of calls that the person at the page makes. */
const PERSON = 'f'.repeat(16);

/** A `traceparent` that begins a trace, for a call whose trace is to be found again. */
export function newTrace(): { readonly trace: string; readonly traceparent: string } {
  const trace = nextId(32);
  return { trace, traceparent: `00-${trace}-${PERSON}-01` };
}

/** Whether the person at the page has made a call, and not a plugin or a probe. */
export const isByHand = ({ parent }: Span): boolean => parent === PERSON;
