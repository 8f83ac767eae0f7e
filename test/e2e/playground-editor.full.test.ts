/** The editor of the playground: plugins that are written, run, swapped and shared in the page. */
import type { Locator } from 'playwright';
import { expect, test } from 'vitest';
import {
  added,
  allActive,
  card,
  event,
  expectComplaint,
  open,
  page,
  stateOf,
  url,
} from './playground-page.ts';

const file = (name: 'plugin.ts' | 'plugin.json') => page.getByRole('textbox', { name });
const running = () => page.getByRole('region', { name: 'Running' });
const views = () => page.getByRole('region', { name: 'Views' });
const log = () => page.getByRole('log', { name: /^Log entries/ });
const problems = () => page.getByRole('alert', { name: 'Problems' });
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const isActive = () => running().locator('.badge[data-state="active"]').waitFor();

async function openEditor(): Promise<void> {
  await open('Editor');
  await file('plugin.ts').waitFor();
}

/** Replaces the text of a file, as one that is pasted. */
async function write(name: 'plugin.ts' | 'plugin.json', text: string): Promise<void> {
  await button(name).click();
  await file(name).click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(text);
}

const choose = (template: string) => page.getByLabel('Template').selectOption({ label: template });

/** A plugin whose `activate` has these lines, the first of which is the fourth of the file. */
const plugin = (...lines: readonly string[]) =>
  [
    "import { definePlugin } from '@plinth/sdk';",
    'export default definePlugin({',
    '  async activate(ctx) {',
    ...lines.map((line) => `    ${line}`),
    '  },',
    '});',
    '',
  ].join('\n');

test('a plugin is run in the sandbox, shown beside its code, and swapped with its state', async () => {
  await openEditor();
  await button('Run').click();
  await isActive();
  await views().getByText('Count 0').waitFor();
  await views().getByRole('button', { name: 'More' }).click();
  await views().getByText('Count 1').waitFor();
  await log().getByText('counted').waitFor();
  await write('plugin.ts', (await sourceOf('A counter')).replace('`Count $', '`Total $'));
  await running().getByText('changed since').waitFor();
  await page.keyboard.press('ControlOrMeta+S');
  await views().getByText('Total 1').waitFor();
  await open('Plugins');
  await card('playground.counter').getByText('Cost and explanation').click();
  await card('playground.counter').getByText('sandbox', { exact: true }).waitFor();
  await openEditor();
  await views().getByText('Total 1').waitFor();
  await button('Stop').click();
  await running().getByText('Nothing runs').waitFor();
  await open('Plugins');
  await card('demo.notes').waitFor();
  expect(await card('playground.counter').count()).toBe(0);
});

/** The code of a template, as it is in the editor. */
async function sourceOf(template: string): Promise<string> {
  const options = page.getByLabel('Template').locator('option');
  const label = (await options.allInnerTexts()).find((text) => text.startsWith(template)) ?? '';
  await choose(label);
  const lines = await file('plugin.ts').locator('.cm-line').allInnerTexts();
  return lines.map((line) => (line === '\n' ? '' : line)).join('\n');
}

test.each(['the sandbox', 'a worker'])('an error of a run in %s is at its line', async (place) => {
  await openEditor();
  await page.getByLabel('Run in').selectOption({ label: place });
  await write('plugin.ts', plugin('const found: number = 1;', "throw new Error('no ' + found);"));
  await button('Run').click();
  await problems().getByText('no 1').waitFor();
  await problems().getByRole('button', { name: 'plugin.ts, line 5' }).click();
  await page.locator('.cm-activeLine').filter({ hasText: 'throw new Error' }).waitFor();
  await page.locator('.cm-lint-marker-error').waitFor();
  await write('plugin.ts', plugin("ctx.logger.info('works');"));
  await page.keyboard.press('ControlOrMeta+S');
  await isActive();
  await log().getByText('works').waitFor();
  await write('plugin.ts', plugin("ctx.logger.info('again');", "throw new Error('not now');"));
  await page.keyboard.press('ControlOrMeta+S');
  await problems().getByRole('button', { name: 'plugin.ts, line 5' }).waitFor();
  await problems().getByText('What ran before still runs').waitFor();
  await isActive();
  // The kernel tells the console of both failures.
  expectComplaint('playground.counter');
});

test('syntax, names that the SDK has not, and plugin.json are checked while they are written', async () => {
  await openEditor();
  await write('plugin.ts', plugin('const a = (;'));
  await page.locator('.cm-lint-marker-error').waitFor();
  await button('Run').click();
  await problems().getByRole('button', { name: 'plugin.ts, line 4' }).waitFor();
  await running().getByText('Nothing runs').waitFor();
  await write('plugin.ts', plugin("await ctx.storge.get('a');"));
  await page.locator('.cm-lint-marker-warning').waitFor();
  await write('plugin.json', '{\n  "id": "a.b",\n  "version": "one"\n}');
  await button('Run').click();
  await problems().getByRole('button', { name: 'plugin.json, line 3' }).waitFor();
});

/** Short, and each step of it is compiled twice. */
const SLOW = `const x = ${'<a>('.repeat(40)}1${')'.repeat(40)};`;
const tooLong = (place: Locator) => place.getByText('it takes too long to compile').waitFor();

test('a text that takes for ever to compile is told, and the page goes on', async () => {
  await openEditor();
  await expect.poll(workers).toBe(7);
  await write('plugin.ts', SLOW);
  await tooLong(page.getByRole('status', { name: 'Checks of plugin.ts' }));
  await button('Run').click();
  await tooLong(problems());
  await page.reload();
  await file('plugin.ts').getByText('<a>(<a>(').waitFor();
  await tooLong(page.getByRole('status', { name: 'Checks of plugin.ts' }));
  await write('plugin.ts', plugin("ctx.logger.info('quick');"));
  await button('Run').click();
  await log().getByText('quick').waitFor();
  await button('Stop').click();
  await running().getByText('Nothing runs').waitFor();
  await open('Plugins');
  await expect.poll(workers).toBe(6);
  // It provides less than its manifest says.
  expectComplaint('playground.counter');
});

/** Those of the plugins, and one that compiles. */
const workers = () => page.workers().length;

test('members of the SDK are completed, and the keyboard leaves the editor', async () => {
  await openEditor();
  await write('plugin.ts', plugin(''));
  await page.keyboard.press('ControlOrMeta+Home');
  for (let line = 1; line < 4; line++) await page.keyboard.press('ArrowDown');
  await page.keyboard.type('ctx.stor');
  const list = page.getByRole('listbox', { name: 'Completions' });
  // What is typed faster than it is parsed is completed when a person asks for it.
  const offered = async () => {
    await page.keyboard.press('Control+Space');
    return list.getByRole('option', { name: /^storage/ }).count();
  };
  await expect.poll(offered, { interval: 500, timeout: 30_000 }).toBe(1);
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  expect(await file('plugin.ts').evaluate((one) => one.contains(document.activeElement))).toBe(
    false,
  );
});

test('an error while a plugin runs has its line in the log', async () => {
  await openEditor();
  const code = await sourceOf('A counter');
  await write('plugin.ts', code.replace('count += 1;', "throw new Error('pressed');"));
  await button('Run').click();
  await views().getByRole('button', { name: 'More' }).click();
  await log().getByText('pressed').first().waitFor();
  await log().getByRole('button', { name: 'line 10', exact: true }).click();
  await page.locator('.cm-activeLine').filter({ hasText: "Error('pressed')" }).waitFor();
  expectComplaint('playground.counter');
});

test('a plugin that asks for a right gets it from the person at the page', async () => {
  await openEditor();
  await choose('A plugin that asks for a right');
  await button('Run').click();
  const dialog = page.getByRole('dialog', { name: 'playground.asker asks for a right' });
  await dialog.getByRole('button', { name: 'Allow', exact: true }).click();
  await log().getByText('notes were counted').waitFor();
});

test('a second press on "Allow" allows nothing of the request that comes next', async () => {
  await openEditor();
  const asks = (name: string) =>
    `void ctx.permissions.request('commands.execute', 'demo.notes:${name}').then((granted) =>
      ctx.logger.info('${name}: ' + granted));`;
  await choose('A plugin that asks for a right');
  await write('plugin.ts', plugin(asks('list'), asks('get')));
  await button('Run').click();
  const dialog = page.getByRole('dialog', { name: 'playground.asker asks for a right' });
  const allow = dialog.getByRole('button', { name: 'Allow', exact: true });
  await dialog.getByText('demo.notes:list').waitFor();
  // Once it can be pressed, it is; and again as soon as the next request is shown.
  await allow.click({ trial: true });
  await allow.evaluate((one: HTMLElement) => {
    const rights = document.querySelector('dialog[open] .rights') as HTMLElement;
    new MutationObserver((_, observer) => {
      observer.disconnect();
      one.click();
    }).observe(rights, { childList: true, subtree: true, characterData: true });
    one.click();
  });
  await log().getByText('list: true').waitFor({ state: 'attached' });
  await dialog.getByText('demo.notes:get').waitFor();
  const refuse = dialog.getByRole('button', { name: 'Refuse' });
  expect(await refuse.evaluate((one) => one === document.activeElement)).toBe(true);
  await allow.click();
  await log().getByText('get: true').waitFor();
});

test('an id that another plugin has is refused, and its plugin goes on', async () => {
  await openEditor();
  await write('plugin.json', (await manifestText()).replace('playground.counter', 'demo.notes'));
  await button('Run').click();
  await problems().getByText('another plugin is called demo.notes').waitFor();
  await open('Plugins');
  await stateOf('demo.notes', 'active');
});

async function manifestText(): Promise<string> {
  await button('plugin.json').click();
  return (await file('plugin.json').locator('.cm-line').allInnerTexts()).join('\n');
}

test('a shared link runs nothing before the click, and then in the sandbox without rights', async () => {
  await openEditor();
  await choose('A listener for events of another plugin');
  const name = '"<img src=x>\\u202Egnp"';
  await write('plugin.json', (await manifestText()).replace('"Listener"', name));
  await write('plugin.ts', plugin("ctx.logger.info('has run');"));
  await page.getByLabel('Run in').selectOption({ label: 'a worker' });
  await button('Share').click();
  const link = await page.getByLabel('Link', { exact: true }).inputValue();
  expect(link.startsWith(`${url}#/editor?code=`)).toBe(true);
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(request.url()));
  const hasCompiler = () => loaded.some((address) => address.includes('/compiler-'));
  await page.goto('about:blank');
  await page.goto(link);
  await page.getByRole('note').getByText('This code came by a link').waitFor();
  await file('plugin.ts').getByText("'has run'").waitFor();
  await running().getByText('Nothing runs').waitFor();
  await allActive();
  expect(await page.getByLabel('Run in').count()).toBe(0);
  await open('Logs');
  expect(await page.getByText('has run').count()).toBe(0);
  await page.goBack();
  // Longer than the pause after which code is checked.
  await page.waitForTimeout(1_000);
  expect(hasCompiler()).toBe(false);
  await button('Run').click();
  await isActive();
  expect(hasCompiler()).toBe(true);
  await log().getByText('has run').waitFor();
  await running().getByText('events.subscribe').waitFor();
  await running().getByRole('heading', { name: '<img src=x>\\u202egnp' }).waitFor();
  expect(await page.locator('#app img').count()).toBe(0);
  await open('Plugins');
  await card('playground.listener').getByText('Cost and explanation').click();
  await card('playground.listener').getByText('sandbox', { exact: true }).waitFor();
  // The next page knows nothing of it.
  await page.reload();
  await allActive();
  expect(await card('playground.listener').count()).toBe(0);
});

test('a link that holds no plugin says so, and the own draft is kept', async () => {
  await openEditor();
  await write('plugin.ts', plugin("ctx.logger.info('mine');"));
  await page.goto(`${url}#/editor?code=AAAA`);
  await page.getByRole('alert').filter({ hasText: "The link can't be opened" }).waitFor();
  await page.getByRole('link', { name: 'Go on with your own draft' }).click();
  await file('plugin.ts').getByText("'mine'").waitFor();
  await page.reload();
  await file('plugin.ts').getByText("'mine'").waitFor();
});

test('another tab follows the draft, and writes over nothing', async () => {
  await openEditor();
  const other = await page.context().newPage();
  await other.goto(`${url}#/editor`);
  const there = other.getByRole('textbox', { name: 'plugin.ts' });
  await there.getByText('counted').waitFor();
  await write('plugin.ts', plugin("ctx.logger.info('mine');"));
  await there.getByText("'mine'").waitFor();
  // A run is announced as a change of the draft.
  await other.getByRole('button', { name: 'Run', exact: true }).click();
  await other
    .getByRole('log', { name: /^Log entries/ })
    .getByText('mine')
    .waitFor();
  await other.close();
  await page.reload();
  await file('plugin.ts').getByText("'mine'").waitFor();
});

test.each(['Stop', 'a reload'])('after %s the id of a draft is free for others', async (how) => {
  added.set('counter/plugin.js', 'export default { activate() {} };');
  added.set(
    'counter/plugin.json',
    JSON.stringify({
      ...{ id: 'playground.counter', version: '1.0.0', main: 'plugin.js' },
      engines: { plinth: '^1.0.0' },
    }),
  );
  await openEditor();
  await button('Run').click();
  await isActive();
  if (how === 'Stop') await button('Stop').click();
  else await page.reload();
  await event('plugin:uninstalled', 'playground.counter');
  await open('Plugins');
  await page.getByText('Install a plugin from an address').click();
  await page.getByLabel('Address of its plugin.json').fill(`${url}counter/plugin.json`);
  await button('Install').click();
  await stateOf('playground.counter', 'active');
});

test('a plugin that is run right after a stop is there, with what it keeps', async () => {
  await openEditor();
  await button('Run').click();
  await isActive();
  for (let times = 0; times < 3; times++) {
    // Both in one turn of the page, as by a quick hand on a slow machine.
    await page.evaluate(() => {
      const press = (name: string) =>
        [...document.querySelectorAll('button')].find((one) => one.textContent === name)?.click();
      press('Stop');
      press('Save and swap');
    });
    await isActive();
    await views().getByText('Count 0').waitFor();
    await views().getByRole('button', { name: 'More' }).click();
    await views().getByText('Count 1').waitFor();
  }
  await button('Stop').click();
  await running().getByText('Nothing runs').waitFor();
});
