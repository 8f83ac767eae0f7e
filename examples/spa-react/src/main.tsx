import { createRoot } from 'react-dom/client';
import { startApp } from './core/app.ts';
import { startOffline, trustOwnScripts } from './core/server.ts';
import { Page } from './ui/page.tsx';
import { AppContext } from './ui/use-app.ts';

trustOwnScripts();
startOffline();
for (const root of document.querySelectorAll<HTMLElement>('.notes-app'))
  await start(root).catch((error: Error) => {
    root.textContent = `This page can’t start: ${error.message}`;
  });

async function start(root: HTMLElement): Promise<void> {
  // Made outside of components: a kernel lives as long as the page.
  const app = await startApp(root.dataset.name ?? 'notes');
  createRoot(root).render(
    <AppContext value={app}>
      <Page title={root.dataset.title ?? 'Notes'} root={root} />
    </AppContext>,
  );
}
