/** The page stays quick whatever plugins send: no task of its main thread is long. */
import { expect, test } from 'vitest';
import { longestTask } from './page-tasks.ts';
import {
  added,
  choose,
  expectComplaint,
  open,
  page,
  run,
  stateOf,
  url,
} from './playground-page.ts';

/** Milliseconds of a slow processor. What is done in one go without a bound takes seconds. */
const LONGEST = 400;
/** Of many small objects in one message: the engine makes all of them in one task. */
const LONGEST_OF_PARTS = 1_000;

test('a long task is seen', async () => {
  const longest = await longestTask(page, () =>
    page.evaluate(() => {
      const end = performance.now() + 5_000;
      while (performance.now() < end);
    }),
  );
  expect(longest).toBeGreaterThan(LONGEST);
});

test('a flood of 100,000 events and 10,000 log entries', async () => {
  await open('Events');
  const longest = await longestTask(page, async () => {
    for (let times = 0; times < 5; times++)
      await run('demo.rogue:flood', { events: 20_000, logs: 2_000 });
    await open('Logs');
    await page.getByRole('log').locator('li.event').first().waitFor();
    await open('Events');
    await page.getByText(/^\d+ shown of \d{4,}/).waitFor();
    await page.getByLabel('Filter events').fill('no such event');
    await page.getByText(/^0 shown of/).waitFor();
    await page.getByLabel('Filter events').fill('noise number');
    await page.getByText(/^[1-9]\d* shown of/).waitFor();
  });
  expect(await page.locator('li.event').count()).toBeLessThan(60);
  expect(longest).toBeLessThan(LONGEST);
});

test('the panels of logs and events while the flood goes on', async () => {
  for (const panel of ['Logs', 'Events', 'Traces', 'Graph', 'Metrics']) {
    await choose('demo.rogue:flood', { events: 20_000, logs: 10_000 });
    const longest = await longestTask(page, async () => {
      await page.keyboard.press('ControlOrMeta+Enter');
      await open(panel);
      await page.getByRole('heading', { name: panel, exact: true }).waitFor();
      await open('Commands');
      await open(panel);
    });
    expect(longest, panel).toBeLessThan(LONGEST);
  }
});

test('results of 50 MB, and names, HTML and letters that are meant to harm', async () => {
  await installHostile();
  const results: readonly (readonly [command: string, shown: string])[] = [
    ['text', 'characters'],
    ['bytes', '50000000 bytes'],
    ['letters', '\\u202e'],
    ['keys', '"key0"'],
    ['parts', '"id": 0'],
  ];
  for (const [command, shown] of results) {
    const longest = await longestTask(page, async () => {
      expect(await run(`evil.plugin:${command}`)).toContain(shown);
    });
    expect(longest, command).toBeLessThan(command === 'parts' ? LONGEST_OF_PARTS : LONGEST);
  }
  const longest = await longestTask(page, async () => {
    await open('Commands');
    await page.getByLabel('Command', { exact: true }).fill('evil.plugin:form');
    await page.locator('.fields label').nth(50).waitFor();
    for (const panel of await page.getByRole('navigation').getByRole('link').allInnerTexts()) {
      await open(panel);
      await page.getByRole('heading', { name: panel, exact: true }).waitFor();
    }
  });
  expect(longest, 'all panels').toBeLessThan(LONGEST);
  expectComplaint('evil.plugin');
});

/** A plugin with much to show, of which nothing is what it seems. */
async function installHostile(): Promise<void> {
  const evil = '<img src=x onerror="document.title=1">\u202Egnp.exe';
  const fields = Object.fromEntries(
    Array.from({ length: 100 }, (_, at) => [
      `${evil}${at}`,
      { type: 'string', description: evil.repeat(15), enum: [evil, `${evil}${at}`] },
    ]),
  );
  const commands = Array.from({ length: 400 }, (_, at) => ({
    id: `command${at}`,
    title: `${evil} ${at}`,
  }));
  added.set(
    'hostile/plugin.json',
    JSON.stringify({
      id: 'evil.plugin',
      name: evil.repeat(4),
      version: '1.0.0',
      description: evil.repeat(40),
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      config: { type: 'object', properties: fields },
      contributes: {
        commands: [
          { id: 'form', title: evil, input: { type: 'object', properties: fields } },
          ...['text', 'bytes', 'letters', 'keys', 'parts'].map((id) => ({ id })),
          ...commands,
        ],
      },
    }),
  );
  added.set(
    'hostile/plugin.js',
    `const evil = ${JSON.stringify(evil)};
    export default {
      activate(ctx) {
        ctx.commands.handle('form', () => evil);
        ctx.commands.handle('text', () => '\u4e00'.repeat(25_000_000));
        ctx.commands.handle('bytes', () => new Uint8Array(50_000_000));
        ctx.commands.handle('letters', () => Array.from({ length: 20_000 }, () => evil));
        ctx.commands.handle('keys', () => Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => ['key' + at, evil])));
        ctx.commands.handle('parts', () => Array.from({ length: 300_000 }, (_, id) => ({ id })));
        for (let at = 0; at < 400; at++) ctx.commands.handle('command' + at, () => evil);
        for (let at = 0; at < 1_000; at++) ctx.logger.info(evil + at, { evil });
        return ctx.events.emit('said', { [evil]: evil });
      },
    };`,
  );
  await page.getByText('Install a plugin from an address').click();
  await page.getByLabel('Address of its plugin.json').fill(`${url}hostile/plugin.json`);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await stateOf('evil.plugin', 'active');
}
