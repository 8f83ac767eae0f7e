/** What the playground's inspector tells and changes: each panel on the built page. */
import { readFile } from 'node:fs/promises';
import type { Locator } from 'playwright';
import { expect, test } from 'vitest';
import {
  added,
  allActive,
  card,
  choose,
  expectComplaint,
  open,
  page,
  result,
  run,
  stateOf,
  tabTo,
  url,
} from './playground-page.ts';

/** Puts a plugin beside the site, and answers its address. */
function served(id: string, activate: string, more: object = {}): string {
  const folder = `served-${id}`;
  added.set(
    `${folder}/plugin.json`,
    JSON.stringify({
      id,
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      ...more,
    }),
  );
  added.set(`${folder}/plugin.js`, `export default { activate(ctx) { ${activate} } };`);
  return `${url}${folder}/plugin.json`;
}

/** Installs a plugin through the page. */
async function install(id: string, activate: string, more: object = {}): Promise<void> {
  const address = served(id, activate, more);
  await open('Plugins');
  await page.getByText('Install a plugin from an address').click();
  await page.getByLabel('Address of its plugin.json').fill(address);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await stateOf(id, 'active');
}

/** Waits until an element has the focus. */
const hasFocus = (one: Locator) =>
  expect.poll(() => one.evaluate((element) => element === document.activeElement)).toBe(true);
const alert = (text: string) => page.getByRole('alert').filter({ hasText: text }).waitFor();
const verdict = () => page.getByRole('status', { name: 'Verdict' });
const replayed = () => page.getByRole('status', { name: 'Replay' });

test('an update asks for what it may do more, and is refused, agreed to and rolled back', async () => {
  const clock = card('demo.clock');
  const back = clock.getByRole('button', { name: /^Roll back/ });
  await clock.getByText('own', { exact: true }).waitFor();
  await clock.getByText('worker', { exact: true }).waitFor();
  expect(await back.count()).toBe(0);
  await clock.getByText('Update from an address').click();
  const update = clock.getByRole('button', { name: 'Update Clock' });
  const dialog = page.getByRole('dialog', {
    name: 'demo.clock 1.1.0 asks for more than the version before',
  });
  await update.click();
  await dialog.getByText('storage.write').waitFor();
  await dialog.getByRole('button', { name: 'Refuse' }).click();
  await alert('permission/consent-required');
  await clock.getByText('demo.clock@1.0.0').waitFor();
  await update.click();
  await dialog.getByRole('button', { name: 'Allow', exact: true }).click();
  await clock.getByText('demo.clock@1.1.0').waitFor();
  await stateOf('demo.clock', 'active');
  // The way back is read from the audit, which is written by then.
  await back.waitFor();
  await page.reload();
  await allActive();
  await clock.getByText('demo.clock@1.1.0').waitFor();
  await clock.getByRole('button', { name: 'Roll back to 1.0.0 Clock' }).click();
  await clock.getByText('demo.clock@1.0.0').waitFor();
  await stateOf('demo.clock', 'active');
  await back.waitFor({ state: 'detached' });
});

test('an update of a plugin of the page from elsewhere is refused without a question', async () => {
  const clock = card('demo.clock');
  await clock.getByText('Update from an address').click();
  await clock.getByLabel('Address of').fill(served('demo.clock', '', { version: '1.2.0' }));
  await clock.getByRole('button', { name: 'Update Clock' }).click();
  await alert("demo.clock is an id of this page, and code from elsewhere can't have it");
  expect(await page.getByRole('dialog').count()).toBe(0);
  await clock.getByText('demo.clock@1.0.0').waitFor();
  await clock.getByText('own', { exact: true }).waitFor();
  await stateOf('demo.clock', 'active');
});

test('an edge of the graph has its own living rate, and a plugin leads to its card', async () => {
  await install(
    'test.caller',
    "const timer = setInterval(() => void ctx.commands.execute('demo.notes:list').catch(() => {}), 50); ctx.defer(() => clearInterval(timer));",
    { permissions: { commands: { execute: ['demo.notes:list'] } } },
  );
  await open('Graph');
  const edge = (from: string, to: string, kind: string) =>
    page.locator(`[data-edge="${from} ${to}"][data-kind="${kind}"]`);
  await edge('test.caller', 'demo.notes', 'calls')
    .filter({ hasText: /^[1-9][\d.]*\/s$/ })
    .waitFor();
  for (const kind of ['depends', 'needs'])
    await edge('demo.search', 'demo.notes', kind).waitFor({ state: 'attached' });
  expect(await edge('demo.search', 'demo.notes', 'depends').textContent()).not.toContain('/s');
  await tabTo(page.locator('a:has([data-node="demo.digest"])'));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Plugins', exact: true }).waitFor();
  await expect
    .poll(() => card('demo.digest').evaluate((element) => element === document.activeElement))
    .toBe(true);
});

test('each middleware of a command has its own time, in the order of the chain', async () => {
  await install(
    'test.slow',
    "ctx.middleware.use('command:demo.notes:add', async (call, next) => { await new Promise((resolve) => setTimeout(resolve, 80)); return next(); });",
    { permissions: { middleware: { use: ['command:demo.notes:add'] } } },
  );
  await run('demo.notes:add', { text: 'milk' });
  const parts = page.locator('.chain [data-part]');
  await parts.filter({ hasText: 'middleware of test.slow' }).filter({ hasText: 'ms' }).waitFor();
  const shown = await parts.evaluateAll((all) =>
    all.map((one) => ({
      part: one.getAttribute('data-part') ?? '',
      took: Number.parseFloat(one.querySelector('.took')?.textContent ?? ''),
    })),
  );
  expect(shown.map(({ part }) => part)).toEqual([
    'kernel and way',
    'middleware of demo.markdown',
    'middleware of test.slow',
    'handler of demo.notes',
  ]);
  expect(shown.every(({ took }) => took >= 0)).toBe(true);
  expect(shown[2]?.took).toBeGreaterThanOrEqual(75);
  const told = await page.getByText(/^Last call: .* in all/).innerText();
  const whole = Number.parseFloat(told.slice('Last call: '.length));
  expect(shown.reduce((sum, { took }) => sum + took, 0)).toBeLessThanOrEqual(whole + 3);
});

test('a long command shows its progress, and is cancelled', async () => {
  await install(
    'test.long',
    "ctx.commands.handle('wait', (input, call) => { call.progress(0.25); return new Promise((resolve, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason))); });",
  );
  await choose('test.long:wait', undefined);
  await page.getByRole('button', { name: 'Run' }).click();
  const progress = result().getByRole('progressbar');
  await progress.waitFor();
  expect(await progress.evaluate((element) => (element as HTMLProgressElement).value)).toBe(0.25);
  await result().getByRole('button', { name: 'Cancel' }).click();
  await result().filter({ hasText: 'was cancelled' }).waitFor();
});

test('the audit is filtered, verified and exported, and a changed file is found', async () => {
  const rogue = card('demo.rogue');
  await rogue.getByRole('button', { name: 'Disable' }).click();
  await stateOf('demo.rogue', 'disabled');
  await open('Audit');
  await page.getByLabel(/^Kind/).selectOption('plugin:disabled');
  await page.getByLabel(/^Plugin/).selectOption('demo.rogue');
  await page.locator('li.event[data-topic="plugin:disabled"]').waitFor();
  expect(await page.locator('li.event').count()).toBe(1);
  await page.getByRole('button', { name: 'Pin the head' }).click();
  await page.getByText(/^Pinned at entry \d+/).waitFor();
  await page.getByRole('button', { name: 'Verify the chains' }).click();
  await verdict()
    .filter({ hasText: /The chains are whole: \d+ entr(y|ies); it goes on from the pinned head/ })
    .waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('audit.jsonl');
  const text = await readFile(await download.path(), 'utf8');
  const check = async (content: string) =>
    page
      .getByLabel('Verify a file')
      .setInputFiles({ name: 'a.jsonl', mimeType: 'text/plain', buffer: Buffer.from(content) });
  await check(text.replaceAll('plugin:disabled', 'plugin:enabled'));
  await verdict()
    .filter({ hasText: /Not whole: line \d+, entry \d+ .*is edited/ })
    .waitFor();
  await check(text);
  await verdict().filter({ hasText: 'The chains are whole' }).waitFor();
});

test('a session is recorded, replayed as equal, and compared with another build', async () => {
  await open('Recordings');
  await page.getByLabel('Plugin').selectOption('demo.notes');
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await page.getByText('demo.notes is recorded').waitFor();
  await run('demo.notes:add', { text: 'milk' });
  expect(await run('demo.notes:list')).toContain('milk');
  await open('Recordings');
  await page.getByLabel('Plugin').selectOption('demo.notes');
  await page.getByRole('button', { name: 'Stop recording' }).click();
  const replay = page.getByRole('button', { name: 'Replay demo.notes 1.0.0' });
  await replay.click();
  await replayed()
    .filter({ hasText: /^Equal to the installed build: \d+ steps/ })
    .waitFor();
  const other = served('demo.notes', "ctx.commands.handle('add', () => ({ id: 'n9' }));", {
    version: '1.0.1',
  });
  await page.getByLabel('Address of a build of demo.notes 1.0.0').fill(other);
  await replay.click();
  await replayed()
    .filter({ hasText: /^Differs from .* at step \d+/ })
    .waitFor();
  await page.getByRole('region', { name: 'Recorded' }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download demo.notes 1.0.0' }).click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  const take = async (content: string) =>
    page
      .getByLabel('Take a file')
      .setInputFiles({ name: 'r.jsonl', mimeType: 'text/plain', buffer: Buffer.from(content) });
  await take(text.replaceAll('milk', '<img src=x onerror="document.title=1">'));
  await alert('its digest differs: lines were changed or removed (recording/invalid)');
  await take('{"format":"plinth-recording","formatVersion":9}\n');
  await alert('its format has version 9');
  await take('x'.repeat(5_000_000));
  await alert('at most 4000000 are read');
  await take(text);
  await page.locator('[data-recording]').nth(1).waitFor();
  expect(await page.locator('#app img').count()).toBe(0);
});

test('a decimal that is typed key by key stays as it is typed', async () => {
  const number = { type: 'number' };
  const input = { type: 'object', properties: { amount: number }, required: ['amount'] };
  await install('test.numbers', "ctx.commands.handle('same', (input) => input);", {
    contributes: { commands: [{ id: 'same', input }] },
  });
  await open('Commands');
  await page.getByLabel('Command', { exact: true }).fill('test.numbers:same');
  const amount = page.locator('form[data-command="test.numbers:same"]').getByLabel('amount');
  for (const typed of ['1.05', '-0.5', '1e3', '10.00']) {
    await amount.fill('');
    await amount.pressSequentially(typed);
    expect(await amount.inputValue()).toBe(typed);
    await page.keyboard.press('ControlOrMeta+Enter');
    await result()
      .filter({ hasText: `"amount": ${Number(typed)}` })
      .waitFor();
  }
});

test('metrics over time have a line for each plugin, and are text for other programs', async () => {
  await run('demo.notes:add', { text: 'milk' });
  await open('Metrics');
  await page.locator('[data-series="demo.notes"]').filter({ hasText: '/s' }).waitFor();
  await page.getByLabel('Measure').selectOption('Storage');
  await page.locator('[data-series="demo.notes"]').filter({ hasText: 'kB' }).waitFor();
  await page.getByRole('img', { name: /demo\.notes.* in kB/ }).waitFor();
  await page.getByRole('button', { name: 'As CSV' }).click();
  await expect.poll(() => page.getByLabel('report.csv').inputValue()).toContain('demo.notes,');
  await page.getByRole('button', { name: 'As Prometheus text' }).click();
  await expect
    .poll(() => page.getByLabel('metrics.txt').inputValue())
    .toContain('plugin_command_duration_seconds_count');
});

test('a kept value is edited and deleted after a question, and the quota is shown', async () => {
  await run('demo.notes:add', { text: 'milk' });
  await open('Storage');
  await page.getByLabel('Plugin').selectOption('demo.notes');
  await page.getByText(/^2 keys, .* of 2\.\d MB/).waitFor();
  await page.getByRole('progressbar', { name: 'Quota used' }).waitFor();
  await page.getByRole('button', { name: 'note:n1' }).click();
  const edit = page.getByRole('button', { name: 'Edit note:n1' });
  await edit.click();
  const remove = page.getByRole('button', { name: 'Delete note:n1' });
  const field = page.getByLabel('Value of note:n1, as JSON');
  const value = await field.inputValue();
  await field.fill('{');
  await page.getByRole('button', { name: 'Save note:n1' }).click();
  await alert('the value is not JSON');
  await page.getByRole('button', { name: 'Discard note:n1' }).click();
  await hasFocus(edit);
  await page.keyboard.press('Enter');
  await hasFocus(field);
  await field.fill(value.replace('milk', 'butter'));
  await page.getByRole('button', { name: 'Save note:n1' }).click();
  await page.getByRole('dialog', { name: 'Replace note:n1?' }).waitFor();
  await page.getByRole('button', { name: 'Replace', exact: true }).click();
  await page.getByRole('region', { name: 'Value' }).getByText('"text": "butter"').waitFor();
  await hasFocus(edit);
  await remove.click();
  const question = page.getByRole('dialog', { name: 'Delete note:n1?' });
  await question.waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await hasFocus(remove);
  await remove.click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText(/^1 key,/).waitFor();
  await page.getByText('Choose a key').waitFor();
  await hasFocus(page.getByRole('region', { name: 'Value' }));
});

test('health is a tree: the kernel, its parts with reasons, and its plugins', async () => {
  await open('Chaos');
  await page.getByRole('button', { name: 'Full disk' }).click();
  expect(await run('demo.notes:add', { text: 'lost' })).toContain('storage/failed');
  await open('Health');
  const part = (name: string) => page.locator(`.tree [data-part="${name}"]`);
  await part('Everything').filter({ hasText: 'running' }).waitFor();
  await part('storage').locator('.badge[data-state="unhealthy"]').waitFor();
  await part('storage').locator('.problem').filter({ hasText: 'disk is full' }).waitFor();
  await part('sources').locator('.badge[data-state="healthy"]').waitFor();
  await part('plugins').getByRole('link', { name: 'demo.rogue' }).waitFor();
  await part('plugins').locator('summary').click();
  await part('plugins').getByRole('link', { name: 'demo.rogue' }).waitFor({ state: 'hidden' });
  // The kernel tells the console what could not be stored.
  expectComplaint('disk is full');
});

test('a log entry is shown while the panel is open', async () => {
  await install(
    'test.ticking',
    "let n = 0; const timer = setInterval(() => ctx.logger.info('tick ' + ++n), 200); ctx.defer(() => clearInterval(timer));",
  );
  await open('Logs');
  const entry = page.getByText(/^tick \d+$/).first();
  const seen = await entry.innerText();
  await page.waitForFunction((before) => {
    const rows = [...document.querySelectorAll('.line strong')];
    const ticks = rows.map((row) => row.textContent ?? '').filter((text) => /^tick/.test(text));
    return ticks.length > 0 && ticks[0] !== before;
  }, seen);
});
