/** Asks before something that can't be undone. Escape says no, and no has the focus first. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export function Confirm({
  title,
  yes,
  onAnswer,
  children,
}: {
  readonly title: string;
  /** The button that does it. */
  readonly yes: string;
  readonly onAnswer: (agreed: boolean) => void;
  readonly children?: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const answer = (agreed: boolean) => {
    // Only a dialog that is closed gives the focus back.
    dialog.current?.close();
    onAnswer(agreed);
  };
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        answer(false);
      }}
    >
      <h2>{title}</h2>
      {children}
      <div class="row">
        <button type="button" onClick={() => answer(false)}>
          Keep as it is
        </button>
        <button type="button" class="danger" onClick={() => answer(true)}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
