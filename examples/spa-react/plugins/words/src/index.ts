/** A plugin of a stranger: the page loads it from a URL and runs it in the sandbox. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let text = '';

export default definePlugin({
  provides: [View],
  activate(ctx) {
    views(ctx, {
      words: () =>
        h(
          'stack',
          { gap: 'small' },
          h('textarea', {
            label: 'Text',
            value: text,
            rows: 3,
            onInput: (value) => {
              text = value;
            },
          }),
          h('text', null, `${text.split(/\s+/).filter(Boolean).length} words`),
        ),
    });
  },
  // The text outlives sleep and updates, not the page.
  getState: () => text,
  restoreState(last) {
    text = String(last);
  },
});
