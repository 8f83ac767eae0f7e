import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let count = 0;

function add() {
  count += 1;
}

export default definePlugin({
  provides: [View],
  activate(ctx) {
    views(ctx, {
      counter: () =>
        h(
          'stack',
          { gap: 'small' },
          h('text', null, `Count ${count}`),
          h('button', { tone: 'accent', onPress: add }, 'More'),
        ),
    });
  },
  // The count outlives updates and sleep.
  getState: () => count,
  restoreState(last) {
    count = Number(last);
  },
});
