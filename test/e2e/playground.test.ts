/** The playground, used as a person would. */

import { expect, test } from 'vitest';
import { longestTask } from './page-tasks.ts';
import {
  allActive,
  card,
  choose,
  event,
  expectComplaint,
  open,
  page,
  result,
  run,
  stateOf,
  tabTo,
  url,
} from './playground-page.ts';

test('a note is added with the keyboard alone, and its event is shown', async () => {
  await tabTo(page.getByRole('link', { name: 'Commands' }));
  await page.keyboard.press('Enter');
  await tabTo(page.getByLabel('text (required)'));
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('  from the keyboard ');
  await page.keyboard.press('Enter');
  await result().filter({ hasText: '"id": "n1"' }).waitFor();
  await event('demo.notes:added', 'from the keyboard');
});

test('the rogue crashes and is restarted, while the notes go on', async () => {
  await run('demo.notes:add', { text: 'still here' });
  await open('Plugins');
  await card('demo.rogue').getByRole('button', { name: 'Crash' }).click();
  await event('plugin:crashed', 'demo.rogue');
  expect(await run('demo.notes:list')).toContain('still here');
  await event('plugin:restarted', 'demo.rogue');
  await open('Plugins');
  await stateOf('demo.rogue', 'active');
});

test('a plugin that was stopped by hand stays stopped until it is activated by hand', async () => {
  await card('demo.rogue').getByRole('button', { name: 'Deactivate' }).click();
  await stateOf('demo.rogue', 'unloaded');
  await page.getByRole('status', { name: 'Kernel health' }).filter({ hasText: '5 of 6' }).waitFor();
  await card('demo.rogue')
    .getByRole('button', { name: /^Activate/ })
    .click();
  await stateOf('demo.rogue', 'active');
});

test('a plugin from an address runs in the sandbox, and a bad address is an error', async () => {
  await page.getByText('Install a plugin from an address').click();
  const address = page.getByLabel('Address of its plugin.json');
  await address.fill(`${url}plugins/missing/plugin.json`);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await page.getByRole('alert').waitFor();
  await address.fill(`${url}plugins/calculator/plugin.json`);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await stateOf('demo.calculator', 'active');
  await card('demo.calculator').getByText('Cost and explanation').click();
  await card('demo.calculator').getByText('sandbox', { exact: true }).waitFor();
  await card('demo.calculator').getByRole('button', { name: 'Uninstall' }).click();
  await card('demo.calculator').waitFor({ state: 'detached' });
  // Of the missing plugin alone.
  expectComplaint('404');
});

test('the graph has every plugin, what is between them, and the calls that go on', async () => {
  await run('demo.notes:add', { text: 'milk' });
  await run('demo.digest:make', { text: 'milk' });
  await open('Graph');
  for (const id of ['host', 'demo.notes', 'demo.search', 'demo.digest', 'demo.rogue'])
    await page.locator(`[data-node="${id}"]`).waitFor();
  await page.locator('.edge[data-live="true"]').first().waitFor();
  await page.getByText('The same as a table').click();
  const row = page.getByRole('row', { name: 'demo.digest demo.search needs 1' });
  await row.waitFor();
});

test('the trace of a command shows the calls of three plugins', async () => {
  await run('demo.notes:add', { text: 'milk' });
  await run('demo.digest:make', { text: 'milk' });
  const calls = page.locator('.waterfall li');
  for (const target of ['demo.search:query', 'demo.notes:get', 'demo.markdown:toHtml'])
    await calls.filter({ hasText: target }).waitFor();
  await open('Traces');
  await page.getByRole('button', { name: 'demo.digest:make' }).waitFor();
  await calls.filter({ hasText: 'demo.search:query' }).waitFor();
});

test('a stream shows its items until it is cancelled', async () => {
  await choose('demo.digest:follow', { every: 50 });
  await page.getByRole('button', { name: 'Run' }).click();
  await result()
    .getByText(/^[2-9]\d* items/)
    .waitFor();
  // Items come while a person presses.
  await page.getByRole('button', { name: 'Cancel' }).click({ delay: 120 });
  await result().filter({ hasText: 'was cancelled' }).waitFor();
});

test('a right is asked for in a dialog, granted, listed and revoked', async () => {
  await open('Permissions');
  await page.getByLabel('Plugin').selectOption('demo.rogue');
  await page.getByRole('button', { name: 'Let it ask for a right' }).click();
  const dialog = page.getByRole('dialog', { name: 'demo.rogue asks for a right' });
  await dialog.getByText('to count your notes').waitFor();
  await dialog.getByRole('button', { name: 'Allow', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  const revoke = page.getByRole('button', { name: 'Revoke commands.execute demo.notes:list' });
  await revoke.click();
  await page.getByRole('button', { name: 'Grant commands.execute demo.notes:list' }).waitFor();
});

test('what a plugin was refused is listed, and the least manifest says what it lacks', async () => {
  await open('Permissions');
  await page.getByLabel('Plugin').selectOption('demo.rogue');
  await page.getByRole('button', { name: 'Let it try what it may not' }).click();
  await page.locator('.rights li').filter({ hasText: 'storage.read' }).waitFor();
  await page.locator('pre').filter({ hasText: 'missing storage.read: "note:n1"' }).waitFor();
});

test('a full disk fails what writes, and only for as long as it lasts', async () => {
  await open('Chaos');
  await page.getByRole('button', { name: 'Full disk' }).click();
  expect(await run('demo.notes:add', { text: 'lost' })).toContain('storage/failed');
  expect(await run('demo.notes:list')).toContain('[]');
  await open('Chaos');
  await page.getByRole('button', { name: 'Full disk' }).click();
  expect(await run('demo.notes:add', { text: 'kept' })).toContain('"id"');
  // The kernel tells the console what could not be stored.
  expectComplaint('disk is full');
});

test('hostile text is shown and never interpreted', async () => {
  const text = '<img src=x onerror="document.title=1">\u202Egnp.exe\u0000';
  await run('demo.notes:add', { text });
  expect(await run('demo.notes:list')).toContain('<img src=x');
  expect(await result().innerText()).toContain('\\u202e');
  await event('demo.notes:added', '<img');
  await open('Storage');
  await page.getByRole('button', { name: 'note:n1' }).click();
  await page.getByText('<img src=x').waitFor();
  expect(await page.locator('#app img').count()).toBe(0);
  expect(await page.evaluate(() => document.body.innerText.includes('\u202E'))).toBe(false);
});

test('a note survives a reload of the page', async () => {
  await run('demo.notes:add', { text: 'kept over a reload' });
  await page.reload();
  await allActive();
  expect(await run('demo.notes:list')).toContain('kept over a reload');
});

test('a flood leaves few rows in the page, and the page responsive', async () => {
  await open('Events');
  const longest = await longestTask(page, async () => {
    expect(await run('demo.rogue:flood', { events: 20_000, logs: 20_000 })).toMatch(
      /"accepted": \d+/,
    );
    await open('Events');
    await page.getByText(/, the last 10000 are kept/).waitFor();
  });
  expect(await page.locator('li.event').count()).toBeLessThan(60);
  await page.getByLabel('Filter events').fill('no such event');
  await page.getByText(/^0 shown of/).waitFor();
  expect(longest).toBeLessThan(200);
});
