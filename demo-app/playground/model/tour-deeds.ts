/** "Do it for me": does what a step of the tour asks for, and says nothing of whether it is done. */
import type { Inspector } from './inspector.ts';
import { CLOCK, ROGUE, type Step } from './tour-steps.ts';

const RIGHT = 'commands.execute';
const SCOPE = 'demo.notes:list';

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

/** The panel shows it, and ends what it has opened when it is left. */
function compare({ comparison }: Inspector): Promise<void> {
  return comparison.start({ command: 'demo.markdown:toHtml', input: { text: '*hi*' }, calls: 1 });
}
