/** Stores short notes: in memory for fast answers, in storage to survive a restart. */
import { definePlugin, type PluginStorage } from '@plinth/sdk';
import * as v from 'valibot';
import { Note, Notes } from './contract.ts';

type Note = v.InferOutput<typeof Note>;

const PREFIX = 'note:';

export default definePlugin({
  provides: [Notes],
  config: v.object({ max: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 100) }),
  async activate(ctx) {
    const { storage, events, config } = ctx;
    const notes = await load(storage);
    // Notes that are being stored count too. Otherwise two calls at once could both take the last
    // place.
    let adding = 0;
    ctx.provide(Notes, {
      async add({ text }, call) {
        if (notes.size + adding >= config.max) call.fail('full', { max: config.max });
        adding += 1;
        let note: Note;
        try {
          const number = await storage.update<number>('last', (last = 0) => last + 1);
          note = { id: `n${number}`, text, created: Date.now() };
          await storage.set(PREFIX + note.id, note);
          notes.set(note.id, note);
        } finally {
          adding -= 1;
        }
        await events.emit(Notes.added, { id: note.id, text });
        return { id: note.id };
      },
      list: () => [...notes.values()],
      get: ({ id }) => notes.get(id) ?? null,
      async remove({ id }) {
        const removed = await storage.delete(PREFIX + id);
        if (removed) {
          notes.delete(id);
          await events.emit(Notes.removed, { id });
        }
        return { removed };
      },
      render: (text) => text,
    });
    ctx.logger.info('notes are ready', { kept: notes.size, max: config.max });
  },
});

async function load(storage: PluginStorage): Promise<Map<string, Note>> {
  const keys = await storage.keys(PREFIX);
  const stored = await Promise.all(keys.map(async (key) => v.parse(Note, await storage.get(key))));
  stored.sort((a, b) => numberOf(a) - numberOf(b));
  return new Map(stored.map((note) => [note.id, note]));
}

function numberOf({ id }: Note): number {
  return Number(id.slice(1));
}
