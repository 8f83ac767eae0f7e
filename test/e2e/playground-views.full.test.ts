/** Plugins with a face in the playground: their views, the palette, notices and questions. */
import { expect, test } from 'vitest';
import { card, event, expectComplaint, open, page, run, tabTo } from './playground-page.ts';

const view = (name: string) => page.getByRole('region', { name, exact: true });
const notes = () => view('Notes');
const notice = (text: string | RegExp) =>
  page.getByRole('status', { name: 'Notices' }).getByText(text).waitFor();
const palette = () => page.getByRole('dialog', { name: 'All commands' });
const field = () => palette().getByRole('combobox', { name: 'Search commands' });
const question = (title: string) => page.getByRole('dialog', { name: title });

test('the views of plugins stand in their slots, and answer what is pressed in them', async () => {
  await open('Views');
  const main = page.locator('[data-slot="main"]');
  await main.getByText('Notes · Notes').waitFor();
  await page.locator('[data-slot="sidebar"]').getByText('Clock · Clock').waitFor();
  await notes().getByText('No notes yet').waitFor();
  await notes().getByLabel('New note').fill('buy milk');
  await page.keyboard.press('Enter');
  await notes().getByRole('listitem').filter({ hasText: 'buy milk' }).waitFor();
  await notes().getByRole('table', { name: 'Words in the last notes' }).waitFor();
  await page.getByRole('list', { name: 'Status items' }).getByText('1 note').waitFor();
  expect(await run('demo.notes:list')).toContain('buy milk');
});

test('what a view knows survives a reload of its plugin', async () => {
  await open('Views');
  await notes().getByLabel('New note').fill('first');
  await notes().getByRole('button', { name: 'Add', exact: true }).click();
  await notes().getByText('1 added here').waitFor();
  await notes().getByLabel('New note').pressSequentially('half a no');
  // The plugin has heard of the text when it answers what comes behind it.
  expect(await run('demo.notes:list')).toContain('first');
  await open('Plugins');
  await card('demo.notes').getByRole('button', { name: 'Reload' }).click();
  await event('plugin:reloaded', 'demo.notes');
  await open('Views');
  await notes().getByText('1 added here').waitFor();
  expect(await notes().getByLabel('New note').inputValue()).toBe('half a no');
});

test('a command of a plugin runs from the palette, with the keyboard alone', async () => {
  await page.keyboard.press('ControlOrMeta+k');
  await field().pressSequentially('no such command');
  await palette().getByText('No command fits').waitFor();
  await page.keyboard.press('ControlOrMeta+A');
  await field().pressSequentially('clock time');
  await page.keyboard.press('Enter');
  await palette().waitFor({ state: 'hidden' });
  await notice(/interval\W+5000/);
  await page.keyboard.press('ControlOrMeta+k');
  await field().pressSequentially('rogue throw');
  await page.keyboard.press('ArrowDown');
  const chosen = palette().getByRole('option', { selected: true });
  await chosen.filter({ hasText: 'Throw an uncaught error' }).waitFor();
  await page.keyboard.press('Escape');
  await palette().waitFor({ state: 'hidden' });
});

test('a command that takes an input gets its example, and one that fails says how', async () => {
  const choose = async (words: string) => {
    await page.keyboard.press('ControlOrMeta+k');
    await field().fill(words);
    await page.keyboard.press('Enter');
    await palette().waitFor({ state: 'hidden' });
  };
  await choose('add a note');
  await notice(/id\W+n1/);
  await choose('throw an error');
  await notice('rogue threw');
  expectComplaint('rogue threw');
  await choose('stream');
  await notice('run it in the panel Commands');
  await open('Views');
  await notes().getByRole('listitem').filter({ hasText: 'Remember the **milk**' }).waitFor();
});

test('a plugin asks before it removes all, by its button, its menu and its key', async () => {
  await run('demo.notes:add', { text: 'milk' });
  await open('Views');
  await notes().getByRole('button', { name: 'Remove all' }).click();
  await question('Notes asks: Remove the note?').getByRole('button', { name: 'Keep them' }).click();
  await page.getByRole('button', { name: 'Remove all notes' }).click();
  await question('Notes asks: Remove the note?').waitFor();
  await page.keyboard.press('Escape');
  await question('Notes asks: Remove the note?').waitFor({ state: 'hidden' });
  await notes().getByRole('listitem').filter({ hasText: 'milk' }).waitFor();
  await page.keyboard.press('ControlOrMeta+Alt+c');
  await question('Notes asks: Remove the note?').waitFor();
  await tabTo(page.getByRole('button', { name: 'Remove all', exact: true }).last());
  // It takes no choice in its first moment.
  const yes = { name: 'Remove all', disabled: false };
  await page.getByRole('dialog').getByRole('button', yes).waitFor();
  await page.keyboard.press('Enter');
  await notice('All notes are removed.');
  await notes().getByText('No notes yet').waitFor();
});

test('the views of a plugin that is disabled go, and those of others stay', async () => {
  await open('Views');
  await view('Clock')
    .getByText(/ ticks$/)
    .waitFor();
  await open('Plugins');
  await card('demo.clock').getByRole('button', { name: 'Disable' }).click();
  await card('demo.clock').locator('.badge[data-state="disabled"]').waitFor();
  await open('Views');
  await page.locator('[data-slot="sidebar"]').getByText('No view stands here.').waitFor();
  await notes().getByText('No notes yet').waitFor();
});
