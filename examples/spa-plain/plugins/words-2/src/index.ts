/** Version 2 keeps the text. It needs storage for that, so the page asks before it is installed. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let text = '';

export default definePlugin({
  provides: [View],
  async activate(ctx) {
    // What version 1 has handed over counts, else what was kept.
    if (text === '') text = String((await ctx.storage.get('text')) ?? '');
    else await ctx.storage.set('text', text);
    views(ctx, {
      words: () =>
        h(
          'stack',
          { gap: 'small' },
          h('textarea', {
            label: 'Text',
            value: text,
            rows: 3,
            onInput: async (value) => {
              text = value;
              await ctx.storage.set('text', value);
            },
          }),
          h('text', null, `${text.split(/\s+/).filter(Boolean).length} words, kept`),
        ),
    });
  },
  getState: () => text,
  restoreState(last) {
    text = String(last);
  },
});
