/** Shows what plugins say: notices in a corner, and one question at a time. Escape decides nothing. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

/** Notices, the last first. */
export function Notices() {
  const { words } = useInspector();
  useChanges(words.changes);
  return (
    <div class="notices" role="status" aria-label="Notices">
      {words.notices.map(({ key, from, text, tone }) => (
        <p key={key} class="notice" data-tone={tone}>
          <span>
            <strong>{plainText(from)}</strong> <bdi>{plainText(text, 500)}</bdi>
          </span>
          <button type="button" aria-label="Close notice" onClick={() => words.close(key)}>
            ×
          </button>
        </p>
      ))}
    </div>
  );
}

/** Milliseconds for which a question takes no choice: a double press would answer one that is unread. */
const PAUSE = 500;

/** The question that waits. */
export function QuestionDialog() {
  const { words } = useInspector();
  useChanges(words.changes);
  const dialog = useRef<HTMLDialogElement>(null);
  const { question } = words;
  const shownAt = useRef(0);
  const [readable, setReadable] = useState<typeof question>();
  // Each question opens the dialog: its title is read out, and the first choice has the focus.
  useLayoutEffect(() => {
    dialog.current?.close();
    if (question === undefined) return;
    dialog.current?.showModal();
    shownAt.current = performance.now();
    const timer = setTimeout(() => setReadable(question), PAUSE);
    return () => clearTimeout(timer);
  }, [question]);
  const choose = (at: number, { timeStamp }: MouseEvent) => {
    if (timeStamp - shownAt.current >= PAUSE) question?.answer(at);
  };
  const { from = '', title = '', text, choices = [] } = question ?? {};
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
        <bdi>{plainText(from)}</bdi> asks: <bdi>{plainText(title)}</bdi>
      </h2>
      {text !== undefined && <p class="hint">{plainText(text, 2_000)}</p>}
      <div class="row">
        {choices.map((choice, at) => (
          <button
            key={at}
            type="button"
            aria-disabled={readable !== question}
            onClick={(event) => choose(at, event)}
          >
            {plainText(choice, 60)}
          </button>
        ))}
      </div>
    </dialog>
  );
}
