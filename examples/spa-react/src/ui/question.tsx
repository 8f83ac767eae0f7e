import { useEffect, useState } from 'react';
import { PAUSE, type Question } from '../core/questions.ts';
import { Dialog } from './dialog.tsx';
import { useApp, useValue } from './use-app.ts';

/** The question that waits: of a plugin to its user, or about its rights. */
export function QuestionDialog() {
  const { questions } = useApp();
  const question = useValue(questions.current);
  const waits = useWait(question);
  if (question === undefined) return null;
  const { key, title, plugin, lines, says, choices } = question;
  return (
    // A new dialog for each: its first choice has the focus, not what was pressed in the last one.
    <Dialog key={key} title={title} onClose={() => questions.answer(question, null)}>
      <p className="quiet">{plugin}</p>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {says !== undefined && (
        <p>
          It says: <q>{says}</q>
        </p>
      )}
      <p className="actions">
        {choices.map((choice, at) => (
          <button
            key={choice}
            type="button"
            aria-disabled={waits}
            onClick={() => questions.answer(question, at)}
          >
            {choice}
          </button>
        ))}
      </p>
    </Dialog>
  );
}

/** Whether a question takes no choice yet. */
function useWait(question: Question | undefined): boolean {
  const [read, setRead] = useState<Question>();
  useEffect(() => {
    const timer = setTimeout(() => setRead(question), PAUSE);
    return () => clearTimeout(timer);
  }, [question]);
  return read !== question;
}
