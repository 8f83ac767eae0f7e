import { command, contract, event } from '@plinth/sdk';
import * as v from 'valibot';

const Note = v.object({ id: v.string(), text: v.string(), at: v.number() });
export type Note = v.InferOutput<typeof Note>;

/** The notes, for the page and for other plugins. */
export const Notebook = contract('com.example.notebook@1', {
  list: command({ output: v.array(Note) }),
  add: command({
    input: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(2_000)),
    output: Note,
  }),
  remove: command({ input: v.string() }),
  clear: command({}),
  /** `elsewhere`: in another tab. */
  changed: event(v.object({ elsewhere: v.boolean() })),
});
