/** The page: bars, slots, notices and dialogs around an application. */
import type { StatusItem } from '@plinth/ui/host';
import { type App, type OpenDialog, startApp } from '../core/app.ts';
import type { ShownNotice } from '../core/notices.ts';
import { isMine } from '../core/palette.ts';
import { button, element } from './element.ts';
import { buttonsIn, listIn } from './list.ts';
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
  const showActions = buttonsIn(bar);
  const showStatus = listIn<StatusItem>(
    status,
    ({ plugin, id, command }) => JSON.stringify([plugin, id, command]),
    ({ command }) => {
      const made = command === undefined ? element('span') : button('', () => app.run(command));
      return {
        element: made,
        show({ text }) {
          made.textContent = text;
        },
      };
    },
  );
  const show = () => {
    showActions([
      ...workbench
        .menu('toolbar')
        .map(({ id, title }) => ({ key: `menu ${id}`, text: title, run: () => app.run(id) })),
      { key: 'palette', text: 'Commands', run: () => dialog.set('palette') },
      { key: 'settings', text: 'Settings', run: () => dialog.set('settings') },
    ]);
    showStatus(workbench.status());
  };
  show();
  const changes = workbench.onChange(show);
  return () => changes.dispose();
}

function showNotices(box: Element, { notices }: App): () => void {
  const show = listIn<ShownNotice>(
    box,
    ({ key }) => String(key),
    ({ key, name, text, tone }) => {
      const close = button('×', () => notices.close(key));
      close.ariaLabel = 'Close notice';
      const said = element('span', {}, element('b', {}, name), ` ${text}`);
      return { element: element('p', { className: `notice ${tone}` }, said, close), show() {} };
    },
  );
  return notices.list.subscribe(() => show(notices.list.value));
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
