/** What the digest offers. */
import { command, contract, stream } from '@plinth/sdk';
import * as v from 'valibot';

export const Digest = contract('demo.digest@1', {
  /** Each note that matches as HTML, best first. Reports its progress as a share, 0 to 1. */
  make: command({
    input: v.object({ text: v.pipe(v.string(), v.minLength(1), v.maxLength(200)) }),
    output: v.object({ notes: v.number(), html: v.string() }),
  }),
  /** The number of notes, again and again, until its reader stops. `every` is in milliseconds. */
  follow: command({
    input: v.object({
      every: v.optional(v.pipe(v.number(), v.integer(), v.minValue(50), v.maxValue(60_000)), 500),
    }),
    output: stream(v.object({ notes: v.number() })),
  }),
});
