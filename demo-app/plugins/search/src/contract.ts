/** What other plugins and the host may ask of the search over notes. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

/** One matching note. Better matches have higher scores. */
export const Hit = v.object({ id: v.string(), score: v.number(), text: v.string() });

export const Search = contract('demo.search@1', {
  /** The best matches first. Each word of the text must be the start of a word in the note. */
  query: command({
    input: v.object({
      text: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
      limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 10),
    }),
    output: v.array(Hit),
    idempotent: true,
  }),
  /** Drops the index and rebuilds it from the notes. */
  reindex: command({ output: v.object({ notes: v.number() }), idempotent: true }),
  /** `reused` counts the entries that the last start loaded from storage. */
  stats: command({
    output: v.object({ notes: v.number(), words: v.number(), reused: v.number() }),
    idempotent: true,
  }),
});
