import { command, contract, event } from '@plinth/sdk';
import * as v from 'valibot';

/** What applications and other plugins may ask of this one. */
export const __NAME__ = contract('__ID__@1', {
  greet: command({
    input: v.object({ name: v.pipe(v.string(), v.minLength(1)) }),
    output: v.object({ text: v.string(), times: v.number() }),
  }),
  greeted: event(v.object({ name: v.string() })),
});
