import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { type Entry, entriesOf } from '../core/palette.ts';
import { Dialog } from './dialog.tsx';
import { useApp, useWorkbench } from './use-app.ts';

/** The palette: a field, and the commands that fit what is written. */
export function Palette() {
  const app = useApp();
  useWorkbench();
  const id = useId();
  const [wanted, setWanted] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const entries = entriesOf(app, wanted);
  const active = Math.max(0, Math.min(chosen, entries.length - 1));
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const close = () => app.dialog.set('none');
  const run = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    close();
    app.run(entry.id);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setChosen(active + 1);
    else if (event.key === 'ArrowUp') setChosen(active - 1);
    else if (event.key === 'Enter') run(entries[active]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Commands" onClose={close}>
      <input
        type="text"
        role="combobox"
        autoComplete="off"
        placeholder="Search commands"
        aria-label="Search commands"
        aria-expanded
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={entries.length > 0 ? `${id}-${active}` : ''}
        value={wanted}
        onChange={(event) => {
          setWanted(event.target.value);
          setChosen(0);
        }}
        onKeyDown={pressed}
      />
      <div id={id} ref={list} role="listbox" className="palette" aria-label="Commands">
        {entries.map((entry, at) => (
          // The field has the keys of the list, as a combobox does.
          // biome-ignore lint/a11y/useKeyWithClickEvents: see above
          // biome-ignore lint/a11y/useFocusableInteractive: see above
          <div
            key={entry.id}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            onClick={() => run(entry)}
          >
            <span>{entry.title}</span>
            <small>{[entry.from, entry.key].filter(Boolean).join(' · ')}</small>
          </div>
        ))}
      </div>
      <p role="status" className="quiet">
        {entries.length === 0 && 'No command fits.'}
      </p>
    </Dialog>
  );
}
