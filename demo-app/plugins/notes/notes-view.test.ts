/** The view of the notes, in a worker of the runtime. */

import type { Kernel } from '@plinth/kernel';
import { type Question, ui } from '@plinth/ui/host';
import { openView } from '@plinth/ui/testing';
import { afterEach, expect, test } from 'vitest';
import { startBuilt } from '../../testing/demo-kernel.ts';
import { Notes } from './src/contract.ts';

let kernel: Kernel | undefined;
const said: string[] = [];

/** Starts the notes beside a page that answers each question in the same way. */
async function start(ask: (question: Question) => Promise<number | null> = async () => null) {
  const notify = ({ name, text }: { readonly name: string; readonly text: string }) =>
    void said.push(`${name}: ${text}`);
  const bench = ui({ slots: ['main'], present: { notify, ask } });
  const started = await startBuilt(['notes'], { extensions: [bench] });
  kernel = started;
  const open = () => openView(started, { plugin: 'demo.notes', view: 'notes' });
  return { started, open };
}

afterEach(async () => {
  said.length = 0;
  await kernel?.stop();
  kernel = undefined;
});

test('what is written is added, listed, counted and removed', async () => {
  const { started, open } = await start();
  const view = await open();
  await view.shows('No notes yet');
  await view.enter('New note', '  buy milk ');
  await view.press('Add');
  await view.shows('1 added here');
  expect(await started.client(Notes).list()).toMatchObject([{ text: 'buy milk' }]);
  await started.client(Notes).add({ text: 'from elsewhere' });
  await view.shows('from elsewhere');
  await view.shows('1 added here');
  const status = () => started.extension(ui).status();
  await expect.poll(status).toMatchObject([{ plugin: 'demo.notes', text: '2 notes' }]);
  await view.press('Remove n1');
  await expect.poll(status).toMatchObject([{ text: '1 note' }]);
  await expect.poll(() => view.text()).not.toContain('buy milk');
  await view.close();
});

test('nothing is added without text, and no more than may be', async () => {
  const { started, open } = await start();
  await started.config.set('demo.notes', { max: 1 });
  const view = await open();
  await view.enter('New note', '  ');
  await view.press('Add');
  await view.enter('New note', 'first');
  await view.press('Add');
  await view.enter('New note', 'second');
  await expect(view.press('Add')).rejects.toThrow('there are 1 notes, which is the most');
  await expect.poll(() => view.html()).toContain('value="second"');
  expect(await started.client(Notes).list()).toMatchObject([{ text: 'first' }]);
  await view.close();
});

test('the draft and the count survive a reload', async () => {
  const { started, open } = await start();
  const view = await open();
  await view.enter('New note', 'first');
  await view.press('Add');
  await view.enter('New note', 'half a no');
  await view.close();
  await started.plugins.reload('demo.notes');
  const next = await open();
  expect(next.html()).toContain('value="half a no"');
  expect(next.text()).toContain('1 added here');
  await next.press('Add');
  await next.shows('half a no');
  await next.close();
});

test('all notes are removed only after a yes, and a notice tells of it', async () => {
  let answer: number | null = null;
  const asked: string[] = [];
  const { started, open } = await start(async ({ title, choices }) => {
    asked.push(`${title} ${choices.join(', ')}`);
    return answer;
  });
  const notes = started.client(Notes);
  await notes.add({ text: 'milk' });
  await notes.add({ text: 'bread' });
  const view = await open();
  await view.press('Remove all');
  answer = 1;
  expect(await notes.clear()).toEqual({ removed: 0 });
  expect([asked[0], asked.length, said]).toEqual(['Remove 2 notes? Remove all, Keep them', 2, []]);
  answer = 0;
  await view.press('Remove all');
  await view.shows('No notes yet');
  expect(said).toEqual(['Notes: All notes are removed.']);
  await view.close();
});

test('without a page nothing is asked, and nothing is removed', async () => {
  kernel = await startBuilt(['notes']);
  const notes = kernel.client(Notes);
  await notes.add({ text: 'milk' });
  expect(await notes.clear()).toEqual({ removed: 0 });
  expect(await notes.list()).toHaveLength(1);
});
