/** Shows what plugins say: notices in a corner, and one question at a time. Escape decides nothing. */
import { useEffect, useRef } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

/** Notices, the last first. */
export function Notices() {
  const { words } = useInspector();
  useChanges(words.changes);
  return (
    <div class="notices" role="status" aria-label="Notices">
      {words.notices.map(({ key, name, text, tone }) => (
        <p key={key} class="notice" data-tone={tone}>
          <span>
            <strong>{plainText(name, 80)}</strong> <bdi>{plainText(text, 500)}</bdi>
          </span>
          <button type="button" aria-label="Close notice" onClick={() => words.close(key)}>
            ×
          </button>
        </p>
      ))}
    </div>
  );
}

/** The question that waits. */
export function QuestionDialog() {
  const { words } = useInspector();
  useChanges(words.changes);
  const dialog = useRef<HTMLDialogElement>(null);
  const { question } = words;
  useEffect(() => {
    if (question === undefined) dialog.current?.close();
    else if (dialog.current?.open === false) dialog.current.showModal();
  }, [question]);
  const { name = '', title = '', text, choices = [] } = question ?? {};
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question-title"
      onCancel={(event) => {
        event.preventDefault();
        question?.answer(null);
      }}
      onClose={({ currentTarget }) => {
        // A browser may close it without asking.
        if (!currentTarget.open) question?.answer(null);
      }}
    >
      <h2 id="question-title">
        <bdi>{plainText(name, 80)}</bdi> asks: <bdi>{plainText(title)}</bdi>
      </h2>
      {text !== undefined && <p class="hint">{plainText(text, 2_000)}</p>}
      <div class="row">
        {choices.map((choice, at) => (
          <button key={at} type="button" onClick={() => question?.answer(at)}>
            {plainText(choice, 60)}
          </button>
        ))}
      </div>
    </dialog>
  );
}
