import { startOffline, trustOwnScripts } from './core/server.ts';
import { mount } from './ui/mount.ts';

trustOwnScripts();
startOffline();
for (const root of document.querySelectorAll<HTMLElement>('.notes-app'))
  await mount(root, root.dataset.name ?? 'notes').catch((error: Error) => {
    root.textContent = `This page can’t start: ${error.message}`;
  });
