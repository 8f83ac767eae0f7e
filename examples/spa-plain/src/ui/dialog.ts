/** A modal dialog, which is gone when it is closed. Escape closes it; the focus goes back. */
import { element } from './element.ts';

let count = 0;

/** @param closed is called once, however it was closed. */
export function openDialog(
  root: Element,
  title: string,
  content: readonly (Node | string)[],
  closed: () => void,
): HTMLDialogElement {
  const id = `dialog-${++count}`;
  const dialog = element(
    'dialog',
    { className: 'dialog', aria: { labelledby: id } },
    element('h2', { id }, title),
    ...content,
  );
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed();
  });
  root.append(dialog);
  dialog.showModal();
  return dialog;
}
