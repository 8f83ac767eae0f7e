/** A plugin asks for a right, and the person at the page decides. Escape says no. */
import { useEffect, useRef } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

const FIVE_MINUTES = 300_000;

export function PermissionDialog() {
  const { requests } = useInspector();
  useChanges(requests.changes);
  const dialog = useRef<HTMLDialogElement>(null);
  const { first } = requests;
  useEffect(() => {
    if (first === undefined) dialog.current?.close();
    else if (dialog.current?.open === false) dialog.current.showModal();
  }, [first]);
  const { plugin = '', version = '', permissions = {}, why } = first?.request ?? {};
  return (
    <dialog
      ref={dialog}
      aria-labelledby="request-title"
      onCancel={(event) => {
        event.preventDefault();
        first?.answer(false);
      }}
      onClose={({ currentTarget }) => {
        // A browser may close it without asking; then nothing was allowed.
        if (!currentTarget.open) first?.answer(false);
      }}
    >
      <h2 id="request-title">
        <bdi>{plainText(plugin)}</bdi> asks for a right
      </h2>
      <ul class="rights">
        {Object.entries(permissions).map(([name, scopes]) => (
          <li key={name}>
            <strong>{name}</strong> <code>{plainText(scopes.join(', '))}</code>
          </li>
        ))}
      </ul>
      {why !== undefined && (
        <p class="hint">
          Its own words: <q>{plainText(why, 300)}</q>
        </p>
      )}
      <p class="hint">Version {plainText(version)}. Without an answer it goes without.</p>
      <div class="row">
        <button type="button" onClick={() => first?.answer(false)}>
          Refuse
        </button>
        <button type="button" onClick={() => first?.answer({ for: FIVE_MINUTES })}>
          Allow for 5 minutes
        </button>
        <button type="button" onClick={() => first?.answer(true)}>
          Allow
        </button>
      </div>
    </dialog>
  );
}
