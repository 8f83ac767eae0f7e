/** The command palette: a field, and the commands that fit what is written. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

/** Listens for the keys of the page and of plugins, and shows the palette while it is open. */
export function Palette() {
  const { palette } = useInspector();
  useChanges(palette.changes);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      // A dialog has the keys to itself.
      if (event.defaultPrevented || document.querySelector('dialog[open]') !== null) return;
      if (palette.press(event)) event.preventDefault();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [palette]);
  return palette.isOpen ? <OpenPalette /> : null;
}

function OpenPalette() {
  const { palette } = useInspector();
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const [wanted, setWanted] = useState('');
  const [chosen, setChosen] = useState(0);
  const entries = palette.entries(wanted);
  const active = Math.max(0, Math.min(chosen, entries.length - 1));
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  const run = (command: string | undefined) => {
    if (command === undefined) return;
    // Closed here, so that the focus is back before the command asks for it.
    dialog.current?.close();
    void palette.run(command);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setChosen(active + 1);
    else if (event.key === 'ArrowUp') setChosen(active - 1);
    else if (event.key === 'Enter') run(entries[active]?.id);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="All commands"
      onClose={() => palette.setOpen(false)}
    >
      <input
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        placeholder="Search commands"
        aria-label="Search commands"
        aria-expanded
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={entries.length > 0 ? `${id}-${active}` : undefined}
        value={wanted}
        onInput={({ currentTarget }) => {
          setWanted(currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={pressed}
      />
      <div id={id} ref={list} role="listbox" aria-label="Commands that fit">
        {entries.map((entry, at) => (
          // The field has the keys of the list, as a combobox does.
          // biome-ignore lint/a11y/useKeyWithClickEvents: see above
          // biome-ignore lint/a11y/useFocusableInteractive: see above
          <div
            key={entry.id}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            onClick={() => run(entry.id)}
          >
            <span>{plainText(entry.title, 100)}</span>
            <small>
              {plainText(entry.from)}
              {entry.key !== undefined && ` · ${plainText(entry.key, 40)}`}
            </small>
          </div>
        ))}
      </div>
      <p role="status" class="hint">
        {entries.length === 0
          ? 'No command fits.'
          : 'A command that takes an input gets the example of its manifest.'}
      </p>
    </dialog>
  );
}
