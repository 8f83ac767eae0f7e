/** A plugin or its update asks for rights, and the person at the page decides. Escape says no. */
import type { PermissionAnswer, PermissionRequest } from '@plinth/host-browser';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

const FIVE_MINUTES = 300_000;
/** Milliseconds for which a request can't be allowed: a double press would allow one that is unread. */
const PAUSE = 500;
const WITHOUT = 'Without an answer it goes without.';

export function PermissionDialog() {
  const { requests } = useInspector();
  useChanges(requests.changes);
  const dialog = useRef<HTMLDialogElement>(null);
  const { first } = requests;
  const shownAt = useRef(0);
  const [readable, setReadable] = useState<typeof first>();
  // Each request opens the dialog: its name is read out, and "Refuse" has the focus.
  useLayoutEffect(() => {
    dialog.current?.close();
    if (first === undefined) return;
    dialog.current?.showModal();
    shownAt.current = performance.now();
    const timer = setTimeout(() => setReadable(first), PAUSE);
    return () => clearTimeout(timer);
  }, [first]);
  const allow = (answer: PermissionAnswer, { timeStamp }: MouseEvent) => {
    if (timeStamp - shownAt.current >= PAUSE) first?.answer(answer);
  };
  const disabled = readable !== first;
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
          <button
            type="button"
            aria-disabled={disabled}
            onClick={(event) => allow({ for: FIVE_MINUTES }, event)}
          >
            Allow for 5 minutes
          </button>
        )}
        <button type="button" aria-disabled={disabled} onClick={(event) => allow(true, event)}>
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
