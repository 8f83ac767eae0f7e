import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

const text = v.pipe(v.string(), v.minLength(1));

/** What applications and other plugins may ask of this one. */
export const __NAME__ = contract('__ID__@1', {
  add: command({ input: v.object({ text }), output: v.object({ id: v.number() }) }),
  find: command({
    input: v.object({ words: v.string() }),
    output: v.array(v.object({ id: v.number(), text: v.string() })),
  }),
  remove: command({ input: v.object({ id: v.number() }), output: v.boolean() }),
});
