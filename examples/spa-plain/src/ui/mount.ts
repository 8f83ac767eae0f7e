/** The page: bars, slots, notices and dialogs around an application. */
import { type App, type OpenDialog, startApp } from '../core/app.ts';
import { isMine } from '../core/palette.ts';
import { button, element } from './element.ts';
import { openPalette } from './palette.ts';
import { showQuestions } from './question.ts';
import { openSettings } from './settings.ts';
import { showSlot } from './slot.ts';

/** Starts an application in an element. Returns what ends it. */
export async function mount(root: HTMLElement, name: string): Promise<() => Promise<void>> {
  const app = await startApp(name);
  const bar = element('div', { role: 'toolbar', className: 'actions', aria: { label: 'Notes' } });
  const main = element('main', {});
  const aside = element('aside', { aria: { label: 'Plugins' } });
  const status = element('footer', {});
  const notices = element('div', { className: 'notices', role: 'status' });
  const header = element('header', {}, element('h1', {}, root.dataset.title ?? 'Notes'), bar);
  root.replaceChildren(header, aside, main, status, notices);

  const ends = [
    showSlot(main, app, 'main'),
    showSlot(aside, app, 'sidebar'),
    showQuestions(root, app),
    showNotices(notices, app),
    showBars(bar, status, app),
    showDialogs(root, app),
    listenForKeys(root, app),
  ];
  return async () => {
    for (const end of ends) end();
    await app.stop();
    root.replaceChildren();
  };
}

/** The toolbar and the status bar, which plugins contribute to. */
function showBars(bar: Element, status: Element, app: App): () => void {
  const { workbench, dialog } = app;
  const show = () => {
    bar.replaceChildren(
      ...workbench.menu('toolbar').map(({ id, title }) => button(title, () => app.run(id))),
      button('Commands', () => dialog.set('palette')),
      button('Settings', () => dialog.set('settings')),
    );
    status.replaceChildren(
      ...workbench
        .status()
        .map(({ text, command }) =>
          command === undefined ? element('span', {}, text) : button(text, () => app.run(command)),
        ),
    );
  };
  show();
  const changes = workbench.onChange(show);
  return () => changes.dispose();
}

function showNotices(box: Element, { notices }: App): () => void {
  return notices.list.subscribe(() =>
    box.replaceChildren(
      ...notices.list.value.map(({ key, name, text, tone }) =>
        element(
          'p',
          { className: `notice ${tone}` },
          element('span', {}, element('b', {}, name), ` ${text}`),
          Object.assign(
            button('×', () => notices.close(key)),
            { ariaLabel: 'Close notice' },
          ),
        ),
      ),
    ),
  );
}

function showDialogs(root: Element, app: App): () => void {
  let shown: HTMLDialogElement | undefined;
  return app.dialog.subscribe(() => {
    const wanted: OpenDialog = app.dialog.value;
    const closed = () => {
      if (app.dialog.value === wanted) app.dialog.set('none');
    };
    shown?.close();
    if (wanted === 'palette') shown = openPalette(root, app, closed);
    else if (wanted === 'settings') shown = openSettings(root, app, closed);
    else shown = undefined;
  });
}

function listenForKeys(root: Element, app: App): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (!isMine(root, event) || document.querySelector('dialog[open]') !== null) return;
    if (app.press(event)) event.preventDefault();
  };
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}
