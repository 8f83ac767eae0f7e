/** Keeps each note under a key of its own, so that two tabs never overwrite each other. */
import { definePlugin } from '@plinth/sdk';
import { type Note, Notebook } from './contract.ts';

export default definePlugin({
  provides: [Notebook],
  activate(ctx) {
    const changed = (elsewhere = false) => ctx.events.emit(Notebook.changed, { elsewhere });
    ctx.provide(Notebook, {
      async list() {
        const keys = await ctx.storage.keys('note:');
        const values = await Promise.all(keys.map((key) => ctx.storage.get(key)));
        const notes = values as readonly (Note | undefined)[];
        // Another tab may have removed one meanwhile.
        return notes.filter((note) => note !== undefined);
      },
      async add(text) {
        const number = await ctx.storage.update('count', (n: number | undefined) => (n ?? 0) + 1);
        const note = { id: String(number).padStart(8, '0'), text, at: Date.now() };
        await ctx.storage.set(`note:${note.id}`, note);
        await changed();
        return note;
      },
      async remove(id) {
        await ctx.storage.delete(`note:${id}`);
        await changed();
      },
      async clear() {
        const keys = await ctx.storage.keys('note:');
        await Promise.all(keys.map((key) => ctx.storage.delete(key)));
        await changed();
      },
    });
    // The page tells when another tab has written to the same storage.
    ctx.events.on('host:changed-elsewhere', () => changed(true));
  },
});
