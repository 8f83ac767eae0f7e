/** Keeps short notes, and shows them where there is a page. */
import { definePlugin, optional } from '@plinth/sdk';
import { Ui, View, views } from '@plinth/ui';
import * as v from 'valibot';
import { Book } from './book.ts';
import { Notes } from './contract.ts';
import { Desk } from './desk.ts';
import { faceOf } from './face.ts';

/** What the view knows besides the notes. The next guest gets it when this one is replaced. */
const State = v.object({ draft: v.string(), added: v.number() });
let state: v.InferOutput<typeof State> = { draft: '', added: 0 };

export default definePlugin({
  provides: [Notes, View],
  needs: { ui: optional(Ui) },
  config: v.object({ max: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 100) }),
  async activate(ctx) {
    const book = await Book.open(ctx.storage);
    const desk = new Desk(ctx, book, () => shown.refresh());
    const shown = views(ctx, {
      notes: () => faceOf({ notes: book.list(), ...state }, deeds),
    });
    const deeds = {
      write(draft: string) {
        state.draft = draft;
      },
      async add() {
        const text = state.draft.trim();
        if (text === '') return;
        // At once: what is typed meanwhile belongs to the next note.
        state.draft = '';
        if ((await desk.add(text)) === undefined) {
          state.draft ||= text;
          throw new Error(`there are ${ctx.config.max} notes, which is the most`);
        }
        state.added += 1;
      },
      remove: (id: string) => desk.remove(id),
      clear: () => desk.clear(),
    };
    ctx.provide(Notes, {
      async add({ text }, call) {
        return { id: (await desk.add(text)) ?? call.fail('full', { max: ctx.config.max }) };
      },
      list: () => book.list(),
      get: ({ id }) => book.get(id) ?? null,
      remove: async ({ id }) => ({ removed: await desk.remove(id) }),
      clear: async () => ({ removed: await desk.clear() }),
      render: (text) => text,
    });
    ctx.logger.info('notes are ready', { kept: book.size, max: ctx.config.max });
    desk.told();
  },
  getState: () => state,
  restoreState(last) {
    state = v.parse(State, last);
  },
});
