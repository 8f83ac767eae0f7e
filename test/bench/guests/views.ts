/** A view with a counter and a list, for the row of views. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let count = 0;
let rows: readonly number[] = [];
let ticking: ReturnType<typeof setInterval> | undefined;

export default definePlugin({
  provides: [View],
  activate(ctx) {
    const shown = views(ctx, {
      counter: () =>
        h(
          'button',
          {
            onPress: () => {
              count += 1;
            },
          },
          `count ${count}`,
        ),
      list: () =>
        h(
          'list',
          { label: 'Rows' },
          rows.map((row) => h('item', { key: row }, h('text', null, `Row ${row}`))),
        ),
    });
    ctx.commands.handle('nothing', () => undefined);
    ctx.commands.handle('rows', (from) => {
      const first = from as number;
      rows = first < 0 ? [] : Array.from({ length: 1_000 }, (_, at) => first + at);
      shown.refresh('list');
    });
    ctx.commands.handle('tick', (on) => {
      clearInterval(ticking);
      if (on !== true) return;
      ticking = setInterval(() => {
        count += 1;
        shown.refresh('counter');
      }, 1_000 / 60);
    });
  },
});
