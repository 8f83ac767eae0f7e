/** A plugin or its update asks for rights, and the person at the page decides. Escape says no. */
import type { PermissionRequest } from '@plinth/host-browser';
import { useEffect, useRef } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

const FIVE_MINUTES = 300_000;
const WITHOUT = 'Without an answer it goes without.';

export function PermissionDialog() {
  const { requests } = useInspector();
  useChanges(requests.changes);
  const dialog = useRef<HTMLDialogElement>(null);
  const { first } = requests;
  useEffect(() => {
    if (first === undefined) dialog.current?.close();
    else if (dialog.current?.open === false) dialog.current.showModal();
  }, [first]);
  const { permissions = {}, owner, why } = first?.request ?? {};
  // An update is decided about once: a right of it can't end while the version stays.
  const running = first?.request.reason === 'request';
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
      <h2 id="request-title">{titleOf(first?.request)}</h2>
      {owner !== undefined && (
        <p class="problem">
          It comes from {plainText(owner.to)}, and belongs to {plainText(owner.from)} here.
        </p>
      )}
      <ul class="rights">
        {Object.entries(permissions).map(([name, scopes]) => (
          <li key={name}>
            <strong>{plainText(name, 80)}</strong> <code>{plainText(scopes.join(', '))}</code>
          </li>
        ))}
      </ul>
      {why !== undefined && (
        <p class="hint">
          Its own words: <q>{plainText(why, 300)}</q>
        </p>
      )}
      <p class="hint">
        {running ? WITHOUT : 'Without an answer nothing is replaced or installed.'}
      </p>
      <div class="row">
        <button type="button" onClick={() => first?.answer(false)}>
          Refuse
        </button>
        {running && (
          <button type="button" onClick={() => first?.answer({ for: FIVE_MINUTES })}>
            Allow for 5 minutes
          </button>
        )}
        <button type="button" onClick={() => first?.answer(true)}>
          Allow
        </button>
      </div>
    </dialog>
  );
}

/** What is asked, in one line. */
function titleOf(request: PermissionRequest | undefined) {
  if (request === undefined) return '';
  const { plugin, version, reason } = request;
  const id = <bdi>{plainText(plugin)}</bdi>;
  if (reason === 'update')
    return (
      <>
        {id} {plainText(version, 20)} asks for more than the version before
      </>
    );
  if (reason === 'owner') return <>{id} comes from another place</>;
  return <>{id} asks for a right</>;
}
