import { Dialog } from './dialog.tsx';
import { useApp, useValue } from './use-app.ts';

/** The question that waits: of a plugin to its user, or about its rights. */
export function QuestionDialog() {
  const { questions } = useApp();
  const question = useValue(questions.current);
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
          <button key={choice} type="button" onClick={() => questions.answer(question, at)}>
            {choice}
          </button>
        ))}
      </p>
    </Dialog>
  );
}
