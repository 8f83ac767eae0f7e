/** A plugin that says little of what its controls hold, and some of it late. */
import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let choices: readonly string[] = [];
let finds = false;
let level = 50;
let there = false;
const heard: number[] = [];

export default definePlugin({
  provides: [View],
  activate(ctx) {
    const shown = views(ctx, {
      panel: () =>
        h(
          'stack',
          null,
          h('field', { label: 'Draft', onSubmit: () => {} }),
          h('checkbox', { label: 'Agree' }),
          h(
            'select',
            { label: 'Pick', value: 'b' },
            choices.map((value) => h('option', { key: value, value }, value)),
          ),
          h('slider', {
            label: 'Level',
            min: 0,
            max: 100,
            value: level,
            onInput: (value) => heard.push(value),
          }),
          h('text', null, `said ${level}`),
          h('button', { onPress: find }, 'find'),
          finds && h('field', { label: 'Search', focus: true }),
        ),
      empty: () => there && h('text', null, 'there'),
    });
    const changed = () => shown.refresh();
    ctx.commands.handle('choices', (next) => {
      choices = next as readonly string[];
      changed();
    });
    ctx.commands.handle('level', (next) => {
      level = next as number;
      changed();
    });
    ctx.commands.handle('there', (next) => {
      there = next as boolean;
      changed();
    });
    ctx.commands.handle('find', () => {
      find();
      changed();
    });
    ctx.commands.handle('heard', () => heard);
  },
});

function find(): void {
  finds = true;
}
