/**
 * Finds code of the plugin that holds the guest's thread for long. Reading the precise clock costs
 * more than all else that a guest does for a short call: half a microsecond in a browser. So the
 * wall clock is read, which costs a fifth, and the runs of a turn share readings once there are
 * several.
 */
import type { RegistrationKind } from '../../contract/protocol.js';

/** What runs: a registration of the plugin. */
export type About = readonly [kind: RegistrationKind, name: string];

/** A handle takes the first three. Named, as a list of them would be made for each call. */
export type Run = (
  one: unknown,
  two: unknown,
  three: unknown,
  four: unknown,
  five: unknown,
) => unknown;

/** Is told of what has held the thread for so many milliseconds, until it returned or awaited. */
export type Tell = (took: number, about: About) => void;

/** Makes the same code, watched. */
export type Watch = (run: Run, about: About) => Run;

/** Milliseconds for which code may hold the guest's thread before the kernel is told. */
const LONG = 50;
/** The first runs of a turn, which are measured each. */
const EACH = 4;
/** Later runs of the turn that are measured together. */
const TOGETHER = 16;

/** Captured before the plugin's code runs, which may change it. */
const { now } = Date;
const resolved = Promise.resolve();

/** Measures each run. */
export const watchEach =
  (tell: Tell): Watch =>
  (run, about) =>
  (one, two, three, four, five) => {
    const began = now();
    try {
      return run(one, two, three, four, five);
    } finally {
      const took = now() - began;
      if (took > LONG) tell(took, about);
    }
  };

/**
 * Measures the runs of a turn, many of them together. Runs of one registration that take long
 * together count as one. Of several registrations it may be any, so that nothing is told.
 */
export function watchTurns(tell: Tell): Watch {
  /** When the runs that are not measured yet began. Undefined before the first of a turn. */
  let began: number | undefined;
  let runs = 0;
  /** What has run since then; null for more than one registration. */
  let ran: About | undefined | null;
  const measure = () => {
    const time = now();
    const took = time - (began as number);
    if (took > LONG && ran) tell(took, ran);
    began = time;
    ran = undefined;
  };
  const endTurn = () => {
    if (ran !== undefined) measure();
    began = undefined;
    runs = 0;
  };
  return (run, about) => (one, two, three, four, five) => {
    if (began === undefined) {
      began = now();
      // Cheaper than a microtask of its own.
      void resolved.then(endTurn);
    }
    try {
      return run(one, two, three, four, five);
    } finally {
      runs += 1;
      ran = ran === undefined || ran === about ? about : null;
      if (runs <= EACH || runs % TOGETHER === 0) measure();
    }
  };
}
