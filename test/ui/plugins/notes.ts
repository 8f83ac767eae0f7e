/** A plugin that contributes commands, menus, keys and a status item, and speaks with its user. */
import { definePlugin } from '@plinth/sdk';
import { Ui } from '@plinth/ui';

export default definePlugin({
  needs: { ui: Ui },
  activate(ctx) {
    const { ui } = ctx.needs;
    ctx.commands.handle('new', async () => {
      await ui.status({ id: 'count', text: '1 note' });
      await ui.fact({ name: 'dirty', value: true });
      const choice = await ui.ask({ title: 'Keep it?', choices: ['Yes', 'No'] });
      await ui.notify({ text: `chosen ${choice}`, tone: 'good' });
      return choice;
    });
    ctx.commands.handle('save', () => ui.fact({ name: 'dirty', value: false }));
    ctx.commands.handle('left', (_, call) => call.deadline - Date.now());
    ctx.commands.handle('say', (input) => {
      const { what, value } = input as { readonly what: 'ask'; readonly value: never };
      return ui[what](value);
    });
  },
});
