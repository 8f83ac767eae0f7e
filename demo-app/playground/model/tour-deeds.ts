/** "Do it for me": does what a step of the tour asks for, and says nothing of whether it is done. */
import type { Inspector } from './inspector.ts';
import { CLOCK, ROGUE, type Step } from './tour-steps.ts';

const RIGHT = 'commands.execute';
const SCOPE = 'demo.notes:list';
/** Milliseconds for a panel to be shown. */
const PATIENCE = 5_000;

/** Does a step. The panel of the step is open or is being opened. */
export const DEEDS: Readonly<Record<Step['name'], (inspector: Inspector) => Promise<unknown>>> = {
  run: ({ palette }) => palette.run('demo.notes:add'),
  break: crash,
  recover: crash,
  deny,
  swap,
  show: tickNow,
  compare,
};

/** It waits while the rogue is being restarted. */
function crash({ kernel }: Inspector): Promise<unknown> {
  return kernel.commands.execute(`${ROGUE}:throwLater`);
}

/** Lets the rogue ask, and refuses in the place of the person at the page. */
async function deny({ kernel, requests }: Inspector): Promise<void> {
  const { permissions } = kernel;
  if (permissions.check(ROGUE, RIGHT, SCOPE)) await permissions.revoke(ROGUE, RIGHT, SCOPE);
  // What was refused before would be refused unasked.
  await permissions.forget(ROGUE, RIGHT, SCOPE);
  const end = requests.changes.subscribe(() => {
    const { first } = requests;
    if (first?.request.plugin === ROGUE) first.answer(false);
  });
  try {
    await kernel.commands.execute(`${ROGUE}:request`);
  } finally {
    end();
  }
}

/** A tick before and one behind, so that the count can be compared without waiting. */
async function swap(inspector: Inspector): Promise<void> {
  await tickNow(inspector);
  await inspector.kernel.plugins.reload(CLOCK);
  await tickNow(inspector);
}

/** A view in the page hears only what its user does, so this is a showing of its own. */
async function tickNow({ kernel }: Inspector): Promise<void> {
  const { openView } = await import('@plinth/ui/testing');
  const view = await openView(kernel, { plugin: CLOCK, view: 'clock' });
  try {
    await view.press('Tick now');
  } finally {
    await view.close();
  }
}

/** Presses what the panel has for it: what is compared is the panel's own matter. */
async function compare(): Promise<void> {
  if (document.querySelector('nav a[href="#/compare"]') === null)
    throw new Error('this page has no panel that compares');
  const button = await appears('main button.primary, main form button[type="submit"]');
  button.click();
}

/** The first element of the open panel that fits, as soon as there is one. */
function appears(selector: string): Promise<HTMLElement> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = document.querySelector<HTMLElement>(selector);
      if (
        found === null ||
        document.querySelector('nav a[href="#/compare"][aria-current]') === null
      )
        return;
      end();
      resolve(found);
    };
    const watch = new MutationObserver(look);
    const timer = setTimeout(() => {
      end();
      reject(new Error(`the panel shows nothing to press within ${PATIENCE} ms`));
    }, PATIENCE);
    const end = () => {
      clearTimeout(timer);
      watch.disconnect();
    };
    watch.observe(document.body, { subtree: true, childList: true, attributes: true });
    look();
  });
}
