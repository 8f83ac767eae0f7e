/** A plugin with views that tests use by hand. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let count = 0;
let note = '';
let rows: readonly number[] = [];
let broken = false;
let slow: (() => void) | undefined;
const version = 'one';

export default definePlugin({
  provides: [View],
  activate(ctx) {
    const shown = views(ctx, {
      panel({ props }: { readonly props: { readonly greet?: string } | undefined }) {
        if (broken) throw new Error('render is broken');
        return h(
          'stack',
          { gap: 'small' },
          h('heading', { level: 1 }, `${props?.greet ?? 'Hello'} ${version}`),
          h('button', { onPress: () => add(1) }, `count ${count}`),
          h('field', {
            label: 'Note',
            value: note,
            onInput: (value) => {
              note = value;
            },
            onSubmit: () => {
              note = '';
            },
          }),
          h(
            'list',
            { label: 'Rows' },
            rows.map((row) =>
              h('item', { key: row, onPress: () => add(row) }, h('text', null, `Row ${row}`)),
            ),
          ),
          h('button', { onPress: failing }, 'fail'),
          h('button', { onPress: breaking }, 'break'),
          h('button', { onPress: waiting }, 'wait'),
        );
      },
    });
    ctx.commands.handle('rows', (next) => {
      rows = next as readonly number[];
      shown.refresh();
    });
    ctx.commands.handle('mend', () => {
      broken = false;
    });
    ctx.commands.handle('answer', () => slow?.());
    ctx.commands.handle('note', () => note);
    ctx.commands.handle('crash', () => {
      setTimeout(() => {
        throw new Error('gone');
      }, 0);
      return new Promise(() => {});
    });
  },
  getState: () => ({ count, note, rows }),
  restoreState(last) {
    ({ count, note, rows } = last as { count: number; note: string; rows: readonly number[] });
  },
});

function add(number: number): void {
  count += number;
}

function breaking(): void {
  broken = true;
}

function waiting(): Promise<void> {
  return new Promise((done) => {
    slow = done;
  });
}

function failing(): never {
  throw new Error('handler is broken');
}
