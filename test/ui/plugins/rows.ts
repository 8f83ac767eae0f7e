/** A plugin with a table and lists that ask for their rows. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';
import { kit, preact } from '@plinth/ui/preact';
import { h as p } from 'preact';

let count = 100_000;
const asked: string[] = [];
let gate: (() => void) | undefined;
let held = false;
let ticks = 0;
let gives: (() => void) | undefined;
const answers: (() => void)[] = [];

const row = (at: number) =>
  h('row', null, h('cell', null, at), h('cell', { align: 'end' }, `entry ${at}`));
const between = <T>(from: number, to: number, make: (at: number) => T): readonly T[] =>
  Array.from({ length: to - from }, (_, index) => make(from + index));

export default definePlugin({
  provides: [View],
  activate(ctx) {
    const shown = views(ctx, {
      panel: () =>
        h(
          'table',
          {
            label: 'Log',
            count,
            rows(from, to) {
              asked.push(`${from}-${to}`);
              return between(from, to, row);
            },
          },
          h(
            'row',
            null,
            h('cell', { header: true }, 'Number'),
            h('cell', { header: true }, 'Entry'),
          ),
        ),
      later: () =>
        h('list', {
          label: 'Later',
          count,
          async rows(from, to) {
            asked.push(`${from}-${to}`);
            if (held)
              await new Promise<void>((done) => {
                gate = done;
              });
            return between(from, to, (at) =>
              h('item', { onPress: () => asked.push(`pressed ${at}`) }, `item ${at}`),
            );
          },
        }),
      preact: preact(() =>
        p(kit.List, {
          label: 'In Preact',
          count,
          rows: (from, to) =>
            between(from, to, (at) => p(kit.Item, { key: at }, `item ${at}`)) as never,
        }),
      ),
      // Something beside the list changes faster than its rows are answered.
      busy: () =>
        h('stack', null, h('text', null, `tick ${ticks}`), [
          h('list', {
            label: 'Busy',
            count,
            rows: (from, to) =>
              new Promise((done, fail) => {
                // The first question is given up by the next one.
                if (answers.length === 0) gives = () => fail(new Error('given up'));
                answers.push(() => done(between(from, to, (at) => h('item', null, `item ${at}`))));
              }),
          }),
        ]),
      tooMany: () => h('list', { label: 'Many', count, rows: () => between(0, 900, String) }),
    });
    ctx.commands.handle('asked', () => asked.splice(0));
    ctx.commands.handle('hold', (on) => {
      held = on as boolean;
      gate?.();
    });
    ctx.commands.handle('tick', () => {
      ticks += 1;
      shown.refresh();
    });
    ctx.commands.handle('giveUp', () => {
      answers.shift();
      gives?.();
    });
    ctx.commands.handle('answer', () => {
      answers.shift()?.();
      return answers.length;
    });
    ctx.commands.handle('count', (next) => {
      count = next as number;
      shown.refresh();
    });
  },
});
