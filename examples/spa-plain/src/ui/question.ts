/** Shows the question that waits: of a plugin to its user, or about its rights. */
import type { App } from '../core/app.ts';
import { PAUSE, type Question } from '../core/questions.ts';
import { openDialog } from './dialog.ts';
import { button, element } from './element.ts';

/** Follows the questions of an application. Returns what ends it. */
export function showQuestions(root: Element, { questions }: App): () => void {
  let shown: HTMLDialogElement | undefined;
  const show = () => {
    const question = questions.current.value;
    shown?.close();
    shown = question === undefined ? undefined : open(question);
  };
  const open = (question: Question) => {
    const { title, plugin, lines, says, choices } = question;
    const buttons = choices.map((choice, at) =>
      button(choice, () => questions.answer(question, at)),
    );
    for (const one of buttons) one.ariaDisabled = 'true';
    const timer = setTimeout(() => {
      for (const one of buttons) one.ariaDisabled = null;
    }, PAUSE);
    const content = [
      element('p', { className: 'quiet' }, plugin),
      element('ul', {}, ...lines.map((line) => element('li', {}, line))),
      ...(says === undefined ? [] : [element('p', {}, 'It says: ', element('q', {}, says))]),
      element('p', { className: 'actions' }, ...buttons),
    ];
    return openDialog(root, title, content, () => {
      clearTimeout(timer);
      questions.answer(question, null);
    });
  };
  return questions.current.subscribe(show);
}
