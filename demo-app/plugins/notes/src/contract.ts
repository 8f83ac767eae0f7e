/** What other plugins and the host may ask of the notes. */
import { command, contract, event, hook } from '@plinth/sdk';
import * as v from 'valibot';

/** Longest note, in characters. */
export const MAX_TEXT = 10_000;

const id = v.pipe(v.string(), v.regex(/^n[1-9]\d*$/, "an id looks like 'n1'"));
const reference = v.object({ id });

/** One note. `created` is in milliseconds since the epoch. */
export const Note = v.object({ id, text: v.string(), created: v.number() });
export type Note = v.InferOutput<typeof Note>;

export const Notes = contract('demo.notes@1', {
  add: command({
    input: v.object({
      text: v.pipe(v.string(), v.minLength(1, 'a note needs some text'), v.maxLength(MAX_TEXT)),
    }),
    output: reference,
    errors: { full: v.object({ max: v.number() }) },
    timeout: 5_000,
  }),
  /** Oldest first. */
  list: command({ output: v.array(Note), idempotent: true }),
  get: command({ input: reference, output: v.nullable(Note), idempotent: true }),
  remove: command({
    input: reference,
    output: v.object({ removed: v.boolean() }),
    idempotent: true,
  }),
  /** Removes all notes, if the person at the page says yes. Without a page it removes none. */
  clear: command({ output: v.object({ removed: v.number() }), timeout: 600_000 }),
  added: event(v.object({ id, text: v.string() })),
  removed: event(reference),
  /**
   * From a note's text to what is shown. For `waterfall`: each handler receives the previous one's
   * result.
   */
  render: hook({ input: v.string(), output: v.string() }),
});
