/** Has no right to read notes. It asks for it when it is used. */
import { definePlugin } from '@plinth/sdk';
import { Ui } from '@plinth/ui';
import type { Note } from '../../notebook/src/contract.ts';

const LIST = 'com.example.notebook:list';

export default definePlugin({
  needs: { ui: Ui },
  activate(ctx) {
    const { ui } = ctx.needs;
    ctx.commands.handle('count', async () => {
      const why = 'It counts their words and keeps nothing.';
      if (!(await ctx.permissions.request('commands.execute', LIST, { why })))
        return ui.notify({ text: 'Without the notes there is nothing to count.', tone: 'warn' });
      const notes = (await ctx.commands.execute(LIST)) as readonly Note[];
      const words = notes.flatMap(({ text }) => text.split(/\s+/).filter(Boolean)).length;
      return ui.notify({ text: `Your notes have ${words} words.`, tone: 'good' });
    });
  },
});
