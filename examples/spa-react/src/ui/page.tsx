import { PluginSlot } from '@plinth/ui/react';
import { useEffect } from 'react';
import { isMine } from '../core/palette.ts';
import { Palette } from './palette.tsx';
import { QuestionDialog } from './question.tsx';
import { Settings } from './settings.tsx';
import { useApp, useValue, useWorkbench } from './use-app.ts';

/** The page: bars, slots, notices and dialogs around an application. */
export function Page({ title, root }: { readonly title: string; readonly root: Element }) {
  useKeys(root);
  const open = useValue(useApp().dialog);
  return (
    <>
      <header>
        <h1>{title}</h1>
        <Toolbar />
      </header>
      <aside aria-label="Plugins">
        <Slot name="sidebar" />
      </aside>
      <main>
        <Slot name="main" />
      </main>
      <StatusBar />
      <Notices />
      {open === 'palette' && <Palette />}
      {open === 'settings' && <Settings />}
      <QuestionDialog />
    </>
  );
}

function Slot({ name }: { readonly name: string }) {
  const { kernel, workbench, failed } = useApp();
  return (
    <PluginSlot
      kernel={kernel}
      workbench={workbench}
      name={name}
      onError={failed}
      fallback={(error, retry) => (
        <div className="fallback" role="alert">
          <p>This view can’t be shown. {error.message}</p>
          <button type="button" onClick={retry}>
            Try again
          </button>
        </div>
      )}
    />
  );
}

function Toolbar() {
  const { run, dialog } = useApp();
  const items = useWorkbench().menu('toolbar');
  return (
    <div role="toolbar" className="actions" aria-label="Notes">
      {items.map(({ id, title }) => (
        <button key={id} type="button" onClick={() => run(id)}>
          {title}
        </button>
      ))}
      <button type="button" onClick={() => dialog.set('palette')}>
        Commands
      </button>
      <button type="button" onClick={() => dialog.set('settings')}>
        Settings
      </button>
    </div>
  );
}

function StatusBar() {
  const { run } = useApp();
  const items = useWorkbench().status();
  return (
    <footer>
      {items.map(({ id, plugin, text, command }) =>
        command === undefined ? (
          <span key={`${plugin} ${id}`}>{text}</span>
        ) : (
          <button key={`${plugin} ${id}`} type="button" onClick={() => run(command)}>
            {text}
          </button>
        ),
      )}
    </footer>
  );
}

function Notices() {
  const { notices } = useApp();
  return (
    <div className="notices" role="status">
      {useValue(notices.list).map(({ key, name, text, tone }) => (
        <p key={key} className={`notice ${tone}`}>
          <span>
            <b>{name}</b> {text}
          </span>
          <button type="button" aria-label="Close notice" onClick={() => notices.close(key)}>
            ×
          </button>
        </p>
      ))}
    </div>
  );
}

/** Keys of plugins and of the page. */
function useKeys(root: Element): void {
  const app = useApp();
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!isMine(root, event) || document.querySelector('dialog[open]') !== null) return;
      if (app.press(event)) event.preventDefault();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [app, root]);
}
