/** The application without its look: the kernel with its plugins, and what waits for the user. */

import digest from 'plinth:../../plugins/digest';
import notebook from 'plinth:../../plugins/notebook';
import notes from 'plinth:../../plugins/notes';
import { hotSwap } from '@plinth/cli/vite/client';
import { browserHost, createKernel, KERNEL_VERSION, urlSource } from '@plinth/host-browser';
import type { Permissions } from '@plinth/sdk';
import { ui } from '@plinth/ui/host';
import { consentBy } from './consent.ts';
import { Notices } from './notices.ts';
import { Observable } from './observable.ts';
import { Questions } from './questions.ts';
import { archiveOf, served } from './server.ts';
import { followTabs } from './tabs.ts';

/** The plugins that are built into the page. */
const BUILT_IN = ['com.example.notebook', 'com.example.notes', 'com.example.digest'];
/** The most that they may be allowed, and all others. */
const OWN: Permissions = {
  storage: { read: true, write: true, quota: '1MB' },
  commands: { execute: ['plinth.ui:*', 'com.example.notebook:*'] },
  events: { subscribe: ['com.example.notebook:*', 'host:changed-elsewhere'] },
  contracts: { provide: ['plinth.view'] },
};
const OTHERS: Permissions = {
  storage: { read: true, write: true, quota: '20KB' },
  commands: { execute: ['plinth.ui:notify 10/min'] },
  contracts: { provide: ['plinth.view'] },
};

/** Makes the kernel, which lives as long as the page. `name` is the name of its database. */
async function makeKernel(name: string, questions: Questions, notices: Notices) {
  const kernel = await createKernel({
    data: name,
    host: browserHost({ frame: served(`plinth/plinth-frame.html?${KERNEL_VERSION}`) }),
    // The first source that has an id keeps it: no server can take the place of a plugin of this page.
    sources: [notebook, notes, digest, urlSource([archiveOf('org.stranger.words', '1.0.0')])],
    // A worker contains faults of code that is trusted. All else runs behind the walls of the sandbox.
    isolation: ({ id }) => (BUILT_IN.includes(id) ? 'worker' : 'sandbox'),
    policy: { permissions: ({ id }) => (BUILT_IN.includes(id) ? OWN : OTHERS) },
    extensions: [
      ui({
        slots: ['main', 'sidebar'],
        keys: [
          { key: 'mod+k', command: 'host:palette' },
          { key: 'mod+,', command: 'host:settings' },
        ],
        present: {
          notify: notices.add,
          ask({ plugin, name: from, title, text, choices, signal }) {
            const lines = text === undefined ? [] : [text];
            return questions.ask({ plugin, title: `${from}: ${title}`, lines, choices }, signal);
          },
        },
      }),
    ],
  });
  hotSwap(kernel, notebook, notes, digest);
  return kernel;
}

/** The application. */
export type App = Awaited<ReturnType<typeof startApp>>;
/** The dialog that the user has opened. */
export type OpenDialog = 'none' | 'palette' | 'settings';

/** Starts an application. Several in one page have databases of their own. */
export async function startApp(name: string) {
  const questions = new Questions();
  const notices = new Notices();
  const dialog = new Observable<OpenDialog>('none');
  const kernel = await makeKernel(name, questions, notices);
  const nameOf = (plugin: string) => kernel.plugins.get(plugin)?.name ?? plugin;
  kernel.permissions.onRequest(consentBy(questions, nameOf));
  for (const one of ['palette', 'settings'] as const)
    kernel.commands.handle(one, () => dialog.set(one));
  kernel.events.on('plugin:failed', ({ payload: { id } }) =>
    notices.add({ name: nameOf(id), text: 'does not work. See the settings.', tone: 'bad' }),
  );
  const unfollow = followTabs(kernel, name);
  await kernel.start();
  const workbench = kernel.extension(ui);
  const failed = ({ message }: Error): void =>
    notices.add({ name: 'This did not work:', text: message.slice(0, 200), tone: 'bad' });
  return {
    ...{ name, kernel, workbench, questions, notices, dialog, nameOf, failed },
    /** Runs a command for the user, and tells when it fails. */
    run: (command: string): void => void workbench.run(command).catch(failed),
    /** Runs what a key stands for. Answers whether it stands for something. */
    press(event: KeyboardEvent): boolean {
      const done = workbench.key(event);
      done?.catch(failed);
      return done !== undefined;
    },
    async stop(): Promise<void> {
      questions.close();
      notices.clear();
      unfollow();
      await kernel.stop();
    },
  };
}
