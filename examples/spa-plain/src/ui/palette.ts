/** The palette: a field, and the commands that fit what is written. */
import type { App } from '../core/app.ts';
import { type Entry, entriesOf } from '../core/palette.ts';
import { openDialog } from './dialog.ts';
import { element } from './element.ts';

/** Opens it. */
export function openPalette(root: Element, app: App, closed: () => void): HTMLDialogElement {
  const id = `palette-${app.name}`;
  let entries: readonly Entry[] = [];
  let active = 0;

  const input = element('input', {
    type: 'text',
    role: 'combobox',
    autocomplete: 'off',
    placeholder: 'Search commands',
    aria: { label: 'Search commands', expanded: 'true', controls: id, autocomplete: 'list' },
  });
  const list = element('div', {
    id,
    role: 'listbox',
    className: 'palette',
    aria: { label: 'Commands' },
  });
  const none = element('p', { role: 'status', className: 'quiet' });
  const dialog = openDialog(root, 'Commands', [input, list, none], closed);

  const run = ({ id: command }: Entry) => {
    dialog.close();
    app.run(command);
  };
  const show = (chosen: number) => {
    active = Math.max(0, Math.min(chosen, entries.length - 1));
    list.replaceChildren(
      ...entries.map((entry, at) =>
        element(
          'div',
          {
            id: `${id}-${at}`,
            role: 'option',
            aria: { selected: String(at === active) },
            onclick: () => run(entry),
          },
          element('span', {}, entry.title),
          element('small', {}, [entry.from, entry.key].filter(Boolean).join(' · ')),
        ),
      ),
    );
    input.setAttribute('aria-activedescendant', entries.length > 0 ? `${id}-${active}` : '');
    list.children[active]?.scrollIntoView({ block: 'nearest' });
    none.textContent = entries.length === 0 ? 'No command fits.' : '';
  };
  const search = () => {
    entries = entriesOf(app, input.value);
    show(0);
  };
  input.addEventListener('input', search);
  input.addEventListener('keydown', (event) => {
    const entry = entries[active];
    if (event.key === 'ArrowDown') show(active + 1);
    else if (event.key === 'ArrowUp') show(active - 1);
    else if (event.key === 'Enter' && entry !== undefined) run(entry);
    else return;
    event.preventDefault();
  });
  search();
  return dialog;
}
