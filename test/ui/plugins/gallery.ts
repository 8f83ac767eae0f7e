/** A plugin that shows every element of the kit. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

/** A PNG of one pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const nothing = () => undefined;
const many = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => h('item', null, `Row ${from + at}`));

export default definePlugin({
  provides: [View],
  activate(ctx) {
    views(ctx, {
      panel: () => [
        h('heading', { level: 1 }, 'Gallery'),
        h('heading', { level: 2 }, 'Words'),
        h(
          'stack',
          { direction: 'row', wrap: true, label: 'Tones' },
          h('text', { tone: 'accent' }, 'accent'),
          h('text', { tone: 'good', size: 'small' }, 'good'),
          h('text', { tone: 'warn', strong: true }, 'warn'),
          h('text', { tone: 'bad', size: 'large' }, 'bad'),
          h('badge', { tone: 'good' }, 'badge'),
          h('code', null, 'code'),
          h('link', { to: 'https://example.com/' }, 'a link'),
        ),
        h('code', { block: true, label: 'An example' }, 'const a = 1;\nconst b = 2;'),
        h(
          'grid',
          { columns: 3 },
          h('icon', { name: 'star' }),
          h('icon', { name: 'user', label: 'You' }),
        ),
        h('image', { data: PIXEL, label: 'A pixel' }),
        h('chart', {
          label: 'Visits',
          points: ['Mon', 'Tue', 'Wed'],
          series: [
            { label: 'Here', values: [1, 3, 2] },
            { label: 'There', values: [2, null, 1] },
          ],
        }),
        h('chart', { label: 'Sums', kind: 'bar', series: [{ label: 'Sum', values: [4, -1] }] }),
        h('markdown', {
          text: '# Title\n\n*Words* with `code`, a [link](https://a.test/)\n\n- one\n- two',
        }),
        h('list', { label: 'Many', count: 1_000, rows: (from, to) => many(from, to) }),
        h('progress', { label: 'Done', value: 0.4 }),
        h('spinner', { label: 'Loading' }),
        h('divider'),
        h('heading', { level: 2 }, 'Controls'),
        h('button', { onPress: nothing }, 'Plain'),
        h('button', { tone: 'accent', onPress: nothing }, 'Accent'),
        h('button', { disabled: true }, 'Disabled'),
        h('button', { label: 'Close', onPress: nothing }, h('icon', { name: 'close' })),
        h('field', { label: 'Name', placeholder: 'Ada', onInput: nothing }),
        h('textarea', { label: 'Text', value: 'lines' }),
        h(
          'select',
          { label: 'Pick', value: 'b' },
          h('option', { value: 'a' }, 'A'),
          h('option', { value: 'b' }, 'B'),
        ),
        h(
          'radio',
          { label: 'Size', value: 's' },
          h('option', { value: 's' }, 'Small'),
          h('option', { value: 'l' }, 'Large'),
        ),
        h('checkbox', { label: 'Yes', checked: true }),
        h('slider', { label: 'Loud', value: 3, max: 10 }),
        h(
          'tabs',
          { label: 'Parts' },
          h('tab', { selected: true, onPress: nothing }, 'One'),
          h('tab', { onPress: nothing }, 'Two'),
        ),
        h(
          'list',
          { label: 'Rows' },
          h('item', { onPress: nothing }, 'Pressed'),
          h('item', null, 'Still'),
        ),
        h(
          'table',
          { label: 'Numbers' },
          h(
            'row',
            null,
            h('cell', { header: true }, 'Name'),
            h('cell', { header: true, align: 'end' }, 'Count'),
          ),
          h('row', { selected: true }, h('cell', null, 'a'), h('cell', { align: 'end' }, 1)),
        ),
        h('dialog', { label: 'Sure?', onClose: nothing }, h('text', null, 'It is gone then.')),
      ],
    });
  },
});
