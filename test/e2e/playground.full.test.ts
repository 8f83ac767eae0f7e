/** The rest of the playground: each fault of the rogue, and each panel. */

import { expect, test } from 'vitest';
import {
  added,
  card,
  choose,
  event,
  expectComplaint,
  loaded,
  open,
  page,
  result,
  run,
  stateOf,
  url,
} from './playground-page.ts';

test('a plugin is suspended, resumed, disabled, enabled and explained in place', async () => {
  const rogue = card('demo.rogue');
  const press = (name: string) =>
    rogue.getByRole('button', { name: `${name} Rogue`, exact: true }).click();
  await press('Suspend');
  await stateOf('demo.rogue', 'suspended');
  await press('Resume');
  await stateOf('demo.rogue', 'active');
  await press('Disable');
  await stateOf('demo.rogue', 'disabled');
  // It starts with the kernel, so it starts again by itself.
  await press('Enable');
  await stateOf('demo.rogue', 'active');
  await rogue.getByText('Cost and explanation').click();
  await rogue.getByText('worker', { exact: true }).waitFor();
  await rogue.locator('pre').filter({ hasText: 'suspended' }).waitFor();
});

test("the chain of a command names its middleware, and tells its time from the handler's", async () => {
  await run('demo.notes:add', { text: 'milk' });
  await page.locator('.chain').getByText('middleware of demo.markdown').waitFor();
  await page.locator('[data-part="handler of demo.notes"]').filter({ hasText: 'ms' }).waitFor();
});

test('an input that is not JSON is refused before it is sent', async () => {
  await choose('demo.notes:get', undefined);
  await page.getByLabel('Input, as JSON').fill('{');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('alert').filter({ hasText: 'the input is not JSON' }).waitFor();
});

test('an event that is emitted by hand is shown, and none while the list is paused', async () => {
  await open('Events');
  await page.getByText('Emit an event').click();
  const emit = page.getByRole('button', { name: 'Emit', exact: true });
  await emit.click();
  await page.getByLabel('Filter events').fill('the playground');
  await page.getByText(/^1 shown of/).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await emit.click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await emit.click();
  await page.getByText(/^2 shown of/).waitFor();
});

test('Escape refuses a request, and the plugin may ask again when it is let to', async () => {
  const ask = async () => {
    await choose('demo.rogue:request', undefined);
    await page.getByRole('button', { name: 'Run' }).click();
  };
  await ask();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await result().filter({ hasText: '"granted": false' }).waitFor();
  await open('Permissions');
  await page.getByLabel('Plugin').selectOption('demo.rogue');
  await page.getByRole('button', { name: 'Let it ask again' }).click();
  await page.getByText('(refused)').waitFor({ state: 'detached' });
  await ask();
  await page.getByRole('dialog').getByRole('button', { name: 'Allow for 5 minutes' }).click();
  await result().filter({ hasText: '"granted": true' }).waitFor();
});

test('while the rogue crashes, exits and hangs, the others answer', async () => {
  await open('Chaos');
  const others = page.locator('[data-probe]');
  await others.filter({ hasText: /\d ms/ }).nth(3).waitFor();
  const rogue = page.getByRole('region', { name: 'Faults of the rogue' });
  for (const fault of ['Crash', 'Exit', 'Hang']) {
    await rogue.locator('[data-state="active"]').waitFor();
    await rogue.getByRole('button', { name: fault, exact: true }).click();
    if (fault !== 'Hang') await rogue.locator('.badge:not([data-state="active"])').waitFor();
  }
  await page.getByRole('button', { name: 'Reload the rogue' }).click();
  await rogue.locator('[data-state="active"]').waitFor();
  expect(await others.filter({ hasText: '0 failed' }).count()).toBe(4);
});

test('a rogue that hangs is found out, and started again', async () => {
  await open('Chaos');
  const rogue = page.getByRole('region', { name: 'Faults of the rogue' });
  await rogue.getByRole('button', { name: 'Hang', exact: true }).click();
  // Longer than the kernel waits, and less than the rogue hangs on its own.
  const patience = { timeout: 28_000 };
  await rogue.getByText('Hang: demo.rogue did not answer for').waitFor(patience);
  await event('plugin:restarted', 'demo.rogue');
  await open('Chaos');
  await rogue.locator('[data-state="active"]').waitFor();
});

test('the memory of the page is filled once, until the rogue is reloaded', async () => {
  await open('Chaos');
  const said = page.getByRole('status', { name: 'Fault' });
  const fill = page.getByRole('button', { name: 'Fill memory', exact: true });
  for (let presses = 0; presses < 2; presses++) {
    await fill.click();
    await said.getByText('Fill memory: the rogue is full, it holds 512 MB').waitFor();
  }
  expect(await page.getByRole('button', { name: 'Fill memory in Node' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Reload the rogue' }).click();
  await fill.click();
  await said.getByText('Fill memory: the rogue is full, it holds 512 MB').waitFor();
});

test('a setting is applied while its plugin runs, and an invalid one is refused', async () => {
  await open('Settings');
  const clock = page.locator('[data-settings="demo.clock"]');
  await clock.getByLabel('interval').fill('5');
  await clock.getByRole('button', { name: 'Apply' }).click();
  await clock.getByRole('alert').waitFor();
  await clock.getByLabel('interval').fill('1234');
  await clock.getByRole('button', { name: 'Apply' }).click();
  await clock.getByText('interval is 1234, from user').waitFor();
  expect(await run('demo.clock:now')).toContain('1234');
});

test('metrics, logs, storage and health show what has happened', async () => {
  await run('demo.notes:add', { text: 'milk' });
  await open('Metrics');
  await page
    .getByRole('table', { name: 'The last hour' })
    .getByRole('row', { name: /^demo\.notes \d/ })
    .waitFor();
  await open('Logs');
  await page.getByText('notes are ready').waitFor();
  await open('Storage');
  await page.getByRole('button', { name: 'note:n1' }).click();
  await page.getByRole('region', { name: 'Value' }).getByText('"text": "milk"').waitFor();
  await open('Health');
  await page.locator('.tree').getByText('storage').waitFor();
});

test('the rogue spins until it is reloaded, while the notes go on', async () => {
  await choose('demo.rogue:spin', {});
  await page.getByRole('button', { name: 'Run' }).click();
  await result().filter({ hasText: 'is running' }).waitFor();
  expect(await run('demo.notes:list')).toContain('[]');
  await open('Plugins');
  await card('demo.rogue').getByRole('button', { name: 'Reload' }).click();
  await event('plugin:reloaded', 'demo.rogue');
  await open('Plugins');
  await stateOf('demo.rogue', 'active');
});

test.each(['demo.rogue:exit', 'demo.rogue:reject'])('%s ends the plugin', async (command) => {
  await choose(command, undefined);
  await page.getByRole('button', { name: 'Run' }).click();
  await event('plugin:crashed', 'demo.rogue');
  await event('plugin:restarted', 'demo.rogue');
  await open('Plugins');
  await stateOf('demo.rogue', 'active');
});

test.each([
  ['control', 6],
  ['noise', 1],
])('forged %s messages are refused', async (kind, sent) => {
  await choose('demo.rogue:forge', { kind });
  await page.getByRole('button', { name: 'Run' }).click();
  if (kind === 'control')
    await result()
      .filter({ hasText: `"sent": ${sent}` })
      .waitFor();
  await event(kind === 'noise' ? 'plugin:crashed' : 'wire:refused', 'demo.rogue');
});

test('a hostile plugin is shown with everything that it says, and none of it is interpreted', async () => {
  const evil = '<img src=x onerror="document.title=1">\u202Egnp.exe';
  const command = (id: string) => ({ id, title: evil });
  const property = { type: 'string', description: evil, enum: [evil] };
  const form = { ...command('form'), input: { type: 'object', properties: { [evil]: property } } };
  added.set(
    'hostile/plugin.json',
    JSON.stringify({
      id: 'evil.plugin',
      name: evil,
      version: '1.0.0',
      description: evil.repeat(40),
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      contributes: { commands: [form, command('big'), command('wide'), command('bad')] },
    }),
  );
  added.set(
    'hostile/plugin.js',
    `const evil = ${JSON.stringify(evil)};
    export default {
      activate(ctx) {
        ctx.commands.handle('form', () => evil);
        ctx.commands.handle('big', () => 'x'.repeat(25_000_000));
        ctx.commands.handle('wide', () => Array.from({ length: 300_000 }, (_, id) => ({ id })));
        ctx.commands.handle('bad', () => { throw new Error(evil); });
        ctx.logger.error(evil, { evil });
        return ctx.events.emit('said', { [evil]: evil });
      },
    };`,
  );
  await page.getByText('Install a plugin from an address').click();
  await page.getByLabel('Address of its plugin.json').fill(`${url}hostile/plugin.json`);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await stateOf('evil.plugin', 'active');
  await open('Commands');
  await page.getByLabel('Command', { exact: true }).fill('evil.plugin:form');
  await page.locator('#command-about').filter({ hasText: '<img src=x' }).waitFor();
  await page.locator('.fields label').filter({ hasText: '<img src=x' }).waitFor();
  expect(await run('evil.plugin:big')).toContain('25000000 characters');
  expect(await run('evil.plugin:wide')).toContain('"id": 0');
  expect(await run('evil.plugin:bad')).toContain('\\u202e');
  for (const link of await page.getByRole('navigation').getByRole('link').all()) {
    await link.click();
    await page.getByRole('heading', { name: await link.innerText(), exact: true }).waitFor();
    await loaded();
    expect(await page.locator('#app img').count()).toBe(0);
    expect(await page.evaluate(() => document.body.innerText.includes('\u202E'))).toBe(false);
  }
  expectComplaint('evil.plugin');
});
