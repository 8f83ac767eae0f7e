/** Shows the notes that the notebook keeps: two views, commands, a key, a status item, settings. */
import { definePlugin } from '@plinth/sdk';
import { h, Ui, View, views } from '@plinth/ui';
import * as v from 'valibot';
import { type Note, Notebook } from '../../notebook/src/contract.ts';

const Settings = v.object({
  order: v.optional(
    v.pipe(v.picklist(['newest', 'oldest']), v.title('Which note comes first')),
    'newest',
  ),
  most: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200), v.title('Notes on the page')),
    50,
  ),
  dates: v.optional(v.pipe(v.boolean(), v.title('Show when a note was written')), true),
});

let settings: v.InferOutput<typeof Settings>;
let refresh = () => {};

export default definePlugin({
  provides: [View],
  needs: { notebook: Notebook, ui: Ui },
  config: Settings,
  async activate(ctx) {
    const { notebook, ui } = ctx.needs;
    let notes: readonly Note[] = [];
    let draft = '';
    let wanted = '';

    const add = async (text: string) => {
      if (text.trim() === '') return;
      // At once: what is typed meanwhile belongs to the next note.
      draft = '';
      try {
        await notebook.add(text);
      } catch (error) {
        if (draft === '') draft = text;
        throw error;
      }
    };
    const found = () => {
      const word = wanted.trim().toLowerCase();
      const { order, most } = settings;
      const some = notes.filter(({ text }) => text.toLowerCase().includes(word));
      return (order === 'newest' ? some.reverse() : some).slice(0, most);
    };
    const item = ({ id, text, at }: Note) =>
      h(
        'item',
        { key: id },
        h(
          'button',
          { label: `Delete: ${text}`, onPress: () => notebook.remove(id) },
          h('icon', { name: 'delete' }),
        ),
        h(
          'stack',
          { gap: 'none' },
          h('text', null, text),
          settings.dates && h('text', { size: 'small' }, new Date(at).toLocaleString('en')),
        ),
      );

    const shown = views(ctx, {
      notes: () =>
        h(
          'stack',
          { gap: 'large' },
          h('field', {
            label: 'New note',
            value: draft,
            onInput: (text) => {
              draft = text;
            },
            onSubmit: add,
          }),
          h(
            'stack',
            { direction: 'row' },
            h('button', { tone: 'accent', onPress: () => add(draft) }, 'Add'),
          ),
          notes.length === 0
            ? h('text', null, 'No notes yet. Write the first one.')
            : h('list', { label: 'Notes' }, found().map(item)),
        ),
      find: () =>
        h('field', {
          label: 'Find',
          kind: 'search',
          value: wanted,
          onInput: (word) => {
            wanted = word;
          },
        }),
    });

    refresh = () => shown.refresh();
    const load = async () => {
      notes = await notebook.list();
      refresh();
      const { length } = notes;
      await ui.fact({ name: 'count', value: length });
      await ui.status({ id: 'count', text: length === 1 ? '1 note' : `${length} notes` });
    };
    ctx.events.on(Notebook.changed, load);
    ctx.commands.handle('stamp', () => notebook.add(new Date().toLocaleString('en')));
    ctx.commands.handle('clear', async () => {
      const answer = await ui.ask({
        title: `Delete all ${notes.length} notes?`,
        text: 'They can not be brought back.',
        choices: ['Keep them', 'Delete all'],
      });
      if (answer !== 1) return;
      await notebook.clear();
      await ui.notify({ text: 'All notes are deleted.', tone: 'good' });
    });
    await load();
  },
  // At the start, and after each change.
  configure(next) {
    settings = next;
    refresh();
  },
});
