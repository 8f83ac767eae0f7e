/**
 * Finds code of the plugin that holds the guest's thread for long. Reading the precise clock costs
 * more than all else that a guest does for a short call: half a microsecond in a browser. So the
 * wall clock is read, which costs a fifth, and the runs of a message share readings once there are
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
/** The first runs of a message, which are measured each. */
const EACH = 4;
/** Later runs of it that are measured together. */
const TOGETHER = 16;

/** Captured before the plugin's code runs, which may change it. */
const { now } = Date;

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

/** Watches runs, some of them together. */
export interface SharedWatch {
  readonly watch: Watch;
  /** The runs so far are over. What comes until the next one isn't theirs. */
  readonly walked: () => void;
}

/**
 * Measures the runs of a message, many of them together. Runs of one registration that take long
 * together count as one. Of several registrations it may be any, so that nothing is told.
 */
export function watchMessages(tell: Tell): SharedWatch {
  /** When the runs that are not measured yet began. */
  let began = 0;
  let runs = 0;
  /** What has run since then, if anything has; null for more than one registration. */
  let ran: About | undefined | null;
  const measure = () => {
    const took = now() - began;
    if (took > LONG && ran) tell(took, ran);
    ran = undefined;
  };
  return {
    watch: (run, about) => (one, two, three, four, five) => {
      if (ran === undefined) {
        began = now();
        ran = about;
      } else if (ran !== about) ran = null;
      try {
        return run(one, two, three, four, five);
      } finally {
        runs += 1;
        if (runs <= EACH || runs % TOGETHER === 0) measure();
      }
    },
    walked() {
      if (ran !== undefined) measure();
      runs = 0;
    },
  };
}
