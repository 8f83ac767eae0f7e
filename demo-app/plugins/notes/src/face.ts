/** What the notes look like: a field, buttons, a list and a chart. */
import { type Child, h } from '@plinth/ui';
import { MAX_TEXT, type Note } from './contract.ts';

/** Notes that are listed; a view has bounds, and notes may be long. */
const MOST_LISTED = 50;
const MOST_TEXT = 300;
/** Notes in the chart. */
const MOST_BARS = 12;

/** What the view shows. */
export interface Face {
  /** Oldest first. */
  readonly notes: readonly Note[];
  readonly draft: string;
  /** Notes that were added by this view. */
  readonly added: number;
}

/** What can be done in the view. */
export interface Deeds {
  write(draft: string): void;
  add(): Promise<void>;
  remove(id: string): Promise<unknown>;
  clear(): Promise<unknown>;
}

/** Makes the view. */
export function faceOf({ notes, draft, added }: Face, deeds: Deeds): Child {
  return h(
    'stack',
    { gap: 'large' },
    h('field', {
      label: 'New note',
      placeholder: 'Buy **milk**',
      value: draft,
      onInput: (text) => deeds.write(text.slice(0, MAX_TEXT)),
      onSubmit: () => deeds.add(),
    }),
    h(
      'stack',
      { direction: 'row', wrap: true },
      h('button', { tone: 'accent', onPress: () => deeds.add() }, 'Add'),
      h('button', { disabled: notes.length === 0, onPress: () => deeds.clear() }, 'Remove all'),
      h('text', { size: 'small' }, `${added} added here`),
    ),
    notes.length === 0
      ? h('text', null, 'No notes yet. Write the first one.')
      : [listOf(notes, deeds), chartOf(notes)],
  );
}

function listOf(notes: readonly Note[], deeds: Deeds): Child {
  const listed = notes.slice(-MOST_LISTED).reverse();
  const more = notes.length - listed.length;
  return [
    h(
      'list',
      { label: 'Notes' },
      listed.map(({ id, text }) =>
        h(
          'item',
          { key: id },
          h(
            'button',
            { label: `Remove ${id}`, onPress: () => deeds.remove(id) },
            h('icon', { name: 'delete' }),
          ),
          h('text', null, text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text),
        ),
      ),
    ),
    more > 0 && h('text', { size: 'small' }, `and ${more} older ones`),
  ];
}

function chartOf(notes: readonly Note[]): Child {
  const shown = notes.slice(-MOST_BARS);
  return h('chart', {
    label: 'Words in the last notes',
    kind: 'bar',
    points: shown.map(({ id }) => id),
    series: [{ label: 'Words', values: shown.map(({ text }) => wordsIn(text)) }],
  });
}

const wordsIn = (text: string): number => text.split(/\s+/).filter(Boolean).length;
