/** The pages of `examples/spa-*` beyond their first minute, each as it is built for production. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Locator } from 'playwright';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { barriers, type NotesPage, notesPage, serve, startTabs } from './spa-page.ts';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
// What is built for production isn't built for tests.
const { NODE_ENV: _, ...rest } = process.env;
const env = { ...rest, PATH: `${dirname(process.execPath)}:${rest.PATH}` };
const build = (cwd: string, ...args: readonly string[]) =>
  promisify(execFile)('npm', ['run', 'build', '--', ...args], { cwd, env, timeout: 120_000 });

const hasFocus = (locator: Locator) =>
  locator.evaluate((element) => element === document.activeElement);

describe.each(['spa-plain', 'spa-react'])('examples/%s', (name) => {
  const folder = join(examples, name);
  beforeAll(() => build(folder));

  const words = ({ root }: NotesPage) => root.getByRole('textbox', { name: 'Text' });
  const asked = ({ root }: NotesPage, title: string) => root.getByRole('dialog', { name: title });

  it('shows a plugin of a stranger in the sandbox, and updates it once its user agrees', async () => {
    const { url } = await serve(folder);
    const { context, errors, open } = await startTabs();
    const notes = await open(url);
    await words(notes).fill('one two three');
    await notes.root.getByText('3 words', { exact: true }).waitFor();

    await notes.press('Settings');
    await notes.press('Update Word counter to 2.0.0');
    await asked(notes, 'Word counter 2.0.0 wants to do more').getByText('Keep data').waitFor();
    await notes.press('Cancel');
    await notes.notice('The version before stays.');
    await notes.press('Update Word counter to 2.0.0');
    await notes.press('Update');
    await notes.notice('Version 2.0.0 runs now.');
    await notes.press('Close');
    // The text was handed over, and is kept from now on.
    await notes.root.getByText('3 words, kept', { exact: true }).waitFor();
    expect(await words(notes).inputValue()).toBe('one two three');

    await notes.page.close();
    const later = await open(url);
    await later.root.getByText('3 words, kept', { exact: true }).waitFor();
    expect(await words(later).inputValue()).toBe('one two three');
    expect(errors).toEqual([]);
    await context.close();
  });

  it('asks its user before notes are deleted, and for a right', async () => {
    const { url } = await serve(folder);
    const { errors, open } = await startTabs();
    const notes = await open(url);
    await notes.add('Buy bread');
    await notes.command('delete all');
    await asked(notes, 'Notes: Delete all 1 notes?').waitFor();
    await notes.page.keyboard.press('Escape');
    await notes.shows('Buy bread');

    await notes.command('count words');
    await asked(notes, 'Digest asks').getByText('com.example.digest').waitFor();
    // A key that was meant for something else allows nothing, also when it can choose.
    const no = { name: 'Don’t allow', disabled: false };
    await asked(notes, 'Digest asks').getByRole('button', no).waitFor();
    await notes.page.keyboard.press('Enter');
    await notes.notice('Without the notes there is nothing to count.');
    await notes.press('Close notice');
    await notes.command('count words');
    await notes.notice('Without the notes there is nothing to count.');
    expect(await notes.root.getByRole('dialog').count()).toBe(0);

    // A no holds until its user takes it back.
    await notes.page.reload();
    await notes.shows('Buy bread');
    await notes.press('Settings');
    await notes.press('Let Digest ask again');
    // That button is gone, and the focus is still in the dialog.
    const off = notes.root.getByRole('button', { name: 'Turn Digest off' });
    await expect.poll(() => hasFocus(off)).toBe(true);
    await notes.press('Close');
    await notes.command('count words');
    await notes.press('Always allow');
    await notes.notice('Your notes have 2 words.');
    expect(errors).toEqual([]);
  });

  it('keeps the focus on what was pressed by keyboard, also after each kind of dialog', async () => {
    const { url } = await serve(folder);
    const { errors, open } = await startTabs();
    const notes = await open(url);
    const { page, root } = notes;
    const button = (text: string) => root.getByRole('button', { name: text, exact: true });
    const focus = (text: string) =>
      expect.poll(() => hasFocus(button(text)), { message: text }).toBe(true);
    const press = async (text: string) => {
      await button(text).focus();
      await page.keyboard.press('Enter');
    };
    const leave = async (title: string) => {
      await asked(notes, title).waitFor();
      await page.keyboard.press('Escape');
      await asked(notes, title).waitFor({ state: 'hidden' });
    };
    // Another button, and another text of the status bar, come with the first note.
    await press('Add the date as a note');
    await button('Delete all notes').waitFor();
    await root.getByText('1 note', { exact: true }).waitFor();
    await focus('Add the date as a note');
    await page.keyboard.press('Enter');
    await root.getByText('2 notes').waitFor();
    await focus('Add the date as a note');

    await press('Commands');
    await leave('Commands');
    await focus('Commands');
    await press('Settings');
    await leave('Settings and plugins');
    await focus('Settings');
    await press('Delete all notes');
    await leave('Notes: Delete all 2 notes?');
    await focus('Delete all notes');
    await press('Commands');
    await root.getByRole('combobox', { name: 'Search commands' }).fill('count words');
    await page.keyboard.press('Enter');
    await leave('Digest asks');
    await focus('Commands');
    expect(errors).toEqual([]);
  });

  it('keeps what is being written in the settings while plugins change', async () => {
    const { url } = await serve(folder);
    const { errors, open } = await startTabs();
    const notes = await open(url);
    const { page, root } = notes;
    await notes.press('Settings');
    const most = root.getByLabel('Notes on the page');
    await expect.poll(() => most.inputValue()).toBe('50');
    const digest = root.getByRole('region', { name: 'Digest' });
    /** Presses a button, and leaves the focus where it is. */
    const press = (name: string) =>
      digest.getByRole('button', { name }).evaluate((one) => (one as HTMLElement).click());
    await most.focus();
    await page.keyboard.press('Control+a');
    // One digit too many: it would be refused.
    await page.keyboard.type('2000');
    await press('Turn Digest off');
    await digest.getByText('is off').waitFor();
    expect([await most.inputValue(), await hasFocus(most)]).toEqual(['2000', true]);
    await page.keyboard.press('Backspace');
    await press('Turn Digest on');
    await digest.getByText('starts when it is used').waitFor();
    expect([await most.inputValue(), await hasFocus(most)]).toEqual(['200', true]);
    await page.keyboard.press('Tab');
    // It is kept a moment later.
    await expect
      .poll(async () => {
        await notes.press('Close');
        await notes.press('Settings');
        return most.inputValue();
      })
      .toBe('200');
    expect(errors).toEqual([]);
  });

  it('allows a right once', async () => {
    const { url } = await serve(folder);
    const { errors, open } = await startTabs();
    const notes = await open(url);
    await notes.add('Buy bread');
    await notes.command('count words');
    await notes.press('Allow once');
    await notes.notice('Your notes have 2 words.');
    await notes.press('Close notice');
    await notes.command('count words');
    await notes.notice('Your notes have 2 words.');
    expect(errors).toEqual([]);
  });

  it('takes notes one after the other, and says what can not be kept', async () => {
    const { url } = await serve(folder);
    const { errors, open } = await startTabs();
    const notes = await open(url);
    const field = notes.root.getByLabel('New note');
    await field.waitFor();
    for (const text of ['one', 'two', 'three', '<b>four</b>']) {
      await field.fill(text);
      await field.press('Enter');
      // The field is free before the note is kept.
      await expect.poll(() => field.inputValue()).toBe('');
    }
    await notes.shows('<b>four</b>', 'three', 'two', 'one');
    await field.fill('x'.repeat(2_001));
    await field.press('Enter');
    await notes.notice('2000');
    expect(await field.inputValue()).toHaveLength(2_001);
    expect(errors).toEqual([]);
  });

  it('works in two tabs at once, each of which sees what the other writes', async () => {
    const { url } = await serve(folder);
    const { errors, open } = await startTabs();
    const [one, other] = [await open(url), await open(url)];
    await Promise.all([one.add('From one'), other.add('From the other')]);
    for (const tab of [one, other]) {
      await tab.root.getByText('From one').waitFor();
      await tab.root.getByText('From the other').waitFor();
      await tab.root.getByText('2 notes').waitFor();
    }
    await one.press('Delete: From one');
    await other.shows('From the other');
    expect(errors).toEqual([]);
  });

  it('starts without its server, with its plugins', async () => {
    const server = await serve(folder);
    const { errors, open } = await startTabs();
    const notes = await open(server.url);
    await notes.add('Buy bread');
    await words(notes).waitFor();
    // It waits until all files are kept.
    await notes.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state);
    await notes.page.close();
    await server.close();

    const later = await open(server.url);
    await later.shows('Buy bread');
    await later.add('Written offline');
    await later.shows('Written offline', 'Buy bread');
    await later.command('count words');
    await later.press('Always allow');
    await later.notice('Your notes have 4 words.');
    // The frame of the sandbox is in the browser's own cache.
    await words(later).fill('one two');
    await later.root.getByText('2 words', { exact: true }).waitFor();
    expect(errors).toEqual([]);
  });

  it('stands below a path, and twice in one page with data and keys of their own', async () => {
    const out = 'dist-below';
    onTestFinished(() => rm(join(folder, out), { recursive: true, force: true }));
    await build(folder, '--base=/tools/notes/', `--outDir=${out}`);
    const { url } = await serve(folder, '/tools/notes/', out);
    const { errors, open } = await startTabs();
    const { page } = await open(`${url}twice.html`);
    const [home, work] = [0, 1].map((at) => notesPage(page, page.locator('.notes-app').nth(at)));
    if (home === undefined || work === undefined) throw new Error('there are two');
    await home.add('Water the plants');
    await work.add('Write the report');
    await home.shows('Water the plants');
    await work.shows('Write the report');
    // The palette opens where the focus is.
    await page.keyboard.press('Control+k');
    await work.root.getByRole('dialog', { name: 'Commands' }).waitFor();
    expect(await home.root.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.reload();
    await home.shows('Water the plants');
    await work.shows('Write the report');
    expect(errors).toEqual([]);
  });

  it('takes no script but its own', async () => {
    const { url } = await serve(folder);
    const { open } = await startTabs();
    const { page } = await open(url);
    const refused = await page.evaluate(async () => {
      // Until its first turn is over, a policy doesn't hold for what a debugger evaluates.
      await new Promise((resolve) => setTimeout(resolve));
      const attempts: Record<string, () => unknown> = {
        eval: () => new Function('return 1')(),
        html: () => {
          document.createElement('div').innerHTML = '<b>text</b>';
        },
        worker: () => new Worker('https://example.com/worker.js'),
        other: () => new Worker(new URL('plinth/plinth-frame.js', document.baseURI)),
        service: () => navigator.serviceWorker.register('/plinth/plinth-frame.js'),
      };
      const names: string[] = [];
      for (const [attempt, run] of Object.entries(attempts)) {
        try {
          await run();
        } catch {
          names.push(attempt);
        }
      }
      return names;
    });
    expect(refused).toEqual(['eval', 'html', 'worker', 'other', 'service']);
  });

  it('says when a plugin does not work, and tries again', async () => {
    const { url } = await serve(folder);
    const { context, open } = await startTabs();
    await context.route(/plinth-frame/, (route) => route.abort());
    const notes = await open(url);
    await notes.notice('does not work. See the settings.');
    await notes.press('Settings');
    const row = notes.root.getByRole('region', { name: 'Word counter' });
    await row.getByText('cannot launch').waitFor();
    await context.unroute(/plinth-frame/);
    await row.getByRole('button', { name: 'Try again' }).click();
    await row.getByText('runs').waitFor();
    await notes.press('Close');
    await words(notes).fill('one two');
    await notes.root.getByText('2 words', { exact: true }).waitFor();
  });

  it.each([
    { colorScheme: 'light', viewport: { width: 1_280, height: 800 } },
    { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  ] as const)('has no barriers: $colorScheme, $viewport.width wide', async (options) => {
    const { url } = await serve(folder);
    const { errors, open } = await startTabs(options);
    const notes = await open(url);
    await notes.add('Buy bread');
    await words(notes).waitFor();
    expect(await barriers(notes.page)).toEqual([]);
    for (const [name, title] of [
      ['Settings', 'Settings and plugins'],
      ['Commands', 'Commands'],
    ] as const) {
      await notes.press(name);
      await asked(notes, title).waitFor();
      expect(await barriers(notes.page)).toEqual([]);
      await notes.page.keyboard.press('Escape');
      await asked(notes, title).waitFor({ state: 'hidden' });
    }
    const wide = await notes.page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    expect(wide).toBe(false);
    expect(errors).toEqual([]);
  });
});
