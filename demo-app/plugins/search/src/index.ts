/**
 * Finds notes by their words. Listens to the notes, and keeps its index in storage so that a start
 * has less to do.
 */
import { definePlugin } from '@plinth/sdk';
import * as v from 'valibot';
import { Notes } from '../../notes/src/contract.ts';
import { Search } from './contract.ts';
import { countWords, WordIndex } from './word-index.ts';

const PREFIX = 'words:';

/**
 * The text is stored with its words: an entry with another text under the same id is out of date.
 */
const Entry = v.object({ text: v.string(), words: v.map(v.string(), v.number()) });

export default definePlugin({
  provides: [Search],
  needs: { notes: Notes },
  async activate(ctx) {
    const { storage, needs, events } = ctx;
    const index = new WordIndex();
    const texts = new Map<string, string>();
    let reused = 0;

    const remember = async (id: string, text: string) => {
      const words = countWords(text);
      texts.set(id, text);
      index.add(id, words);
      await storage.set(PREFIX + id, { text, words });
    };
    const forget = async (id: string) => {
      texts.delete(id);
      index.remove(id);
      await storage.delete(PREFIX + id);
    };

    // Before the notes are listed, so that none is missed in between. Indexing one twice is
    // harmless.
    events.on(Notes.added, ({ id, text }) => remember(id, text));
    events.on(Notes.removed, ({ id }) => forget(id));

    /** Updates the index to match the notes. Returns how many entries came from storage. */
    const catchUp = async () => {
      const [notes, keys] = await Promise.all([needs.notes.list(), storage.keys(PREFIX)]);
      const known = new Set(notes.map(({ id }) => PREFIX + id));
      await Promise.all(keys.filter((key) => !known.has(key)).map((key) => storage.delete(key)));
      const taken = await Promise.all(
        notes.map(async ({ id, text }) => {
          const entry = v.safeParse(Entry, await storage.get(PREFIX + id));
          const current = entry.success && entry.output.text === text;
          if (!current) await remember(id, text);
          else {
            texts.set(id, text);
            index.add(id, entry.output.words);
          }
          return current;
        }),
      );
      return taken.filter(Boolean).length;
    };

    ctx.provide(Search, {
      query: ({ text, limit }) =>
        index
          .query(text)
          .slice(0, limit)
          .map(({ id, score }) => ({ id, score, text: texts.get(id) ?? '' })),
      async reindex() {
        index.clear();
        texts.clear();
        await storage.clear();
        await catchUp();
        return { notes: index.texts };
      },
      stats: () => ({ notes: index.texts, words: index.words, reused }),
    });
    reused = await catchUp();
    ctx.logger.info('the index is ready', { notes: index.texts, reused });
  },
});
