/** What the application and other plugins may ask of this one. */
import { command, contract, event } from '@plinth/sdk';
import * as v from 'valibot';
import { Note, NoteRecord } from './note.ts';

export const Notes = contract('com.example.notes@1', {
  /** The notes with all of these words and this tag, the latest first. */
  find: command({
    input: v.object({ words: v.optional(v.string(), ''), tag: v.optional(v.string()) }),
    output: v.array(Note),
  }),
  /** Takes notes in with their ids and trails. Those that are there stay as they are. */
  load: command({
    input: v.pipe(v.array(NoteRecord), v.maxLength(500)),
    output: v.object({ added: v.number() }),
  }),
  count: command({ output: v.object({ notes: v.number(), revisions: v.number() }) }),
  saved: event(v.object({ id: v.string(), title: v.string(), revision: v.number() })),
});
