/** Runs the examples as their READMEs say, in the folder that is given. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { send } from '../../examples/node-service/test/send.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { startChromium } from './site.ts';
import { barriers, serve, startTabs } from './spa-page.ts';

const run = promisify(execFile);
// npm runs with the first Node in the path. Ports are free ones. What is built for production isn't
// built for tests.
const { NODE_ENV: _, ...rest } = process.env;
const env = {
  ...rest,
  PATH: `${dirname(process.execPath)}:${rest.PATH}`,
  PORT: '0',
};
const npm = (cwd: string, ...args: readonly string[]) => npmWith({}, cwd, ...args);
const npmWith = (more: Readonly<Record<string, string>>, cwd: string, ...args: readonly string[]) =>
  run('npm', [...args], { cwd, env: { ...env, ...more }, timeout: 300_000 }).catch(
    (error: Error & { readonly stdout?: string }) => {
      // A test runner says on its standard output what has failed.
      throw new Error(`${error.message}\n${error.stdout ?? ''}`, { cause: error });
    },
  );

/** A service in the folder, until the test ends. Its log is on its standard output. */
async function startService(folder: string) {
  const child = spawn(process.execPath, ['--env-file=.env.example', 'src/server.ts'], {
    cwd: folder,
    env: { ...env, DATA: './data' },
  });
  const ended = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  let url = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { message: string; url?: string };
    if (entry.message !== 'listening') continue;
    url = entry.url ?? '';
    break;
  }
  child.stdout.resume();
  return {
    url,
    /** Tells it to stop, and answers its exit code. */
    async stop() {
      child.kill('SIGTERM');
      return ((await ended) as [number | null])[0];
    },
  };
}

/** Both features in three tenants, a restart, and the end. */
async function checkNodeService(folder: string): Promise<void> {
  await rm(join(folder, 'data'), { recursive: true, force: true });
  await npm(folder, 'run', 'build');
  const users = { acme: 'ada', globex: 'grace', initech: 'milton' };
  const tenants = Object.entries(users).map(([tenant, user]) => ({
    host: `${tenant}.localhost`,
    user: `${user}:change-me`,
  }));
  const first = await startService(folder);
  for (const { host, user } of tenants) {
    const text = { title: `At ${host}`, text: 'Text' };
    const added = await send(first.url, { path: '/notes/api/notes', host, user, json: text });
    expect(added.status, added.text).toBe(201);
    const drafted = await send(first.url, { path: '/blog/api/posts', host, user, json: text });
    expect(drafted.status, drafted.text).toBe(201);
  }
  const asked = Promise.all(
    tenants.map(({ host, user }) => send(first.url, { path: '/notes/api/export', host, user })),
  );
  expect((await asked).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(await first.stop()).toBe(0);
  const second = await startService(folder);
  for (const { host, user } of tenants)
    for (const path of ['/notes/', '/blog/']) {
      const { status, text } = await send(second.url, { path, host, user });
      expect([status, text.match(/At [a-z.]+/g)], path).toEqual([200, [`At ${host}`]]);
    }
  expect((await send(second.url, { path: '/notes/', host: 'other.localhost' })).status).toBe(404);
  expect(await second.stop()).toBe(0);
  await rm(join(folder, 'data'), { recursive: true, force: true });
}

/** An editor in a browser: a note becomes a post. Browsers send a password only where it is wanted. */
async function checkPagesOfService(folder: string): Promise<void> {
  const service = await startService(folder);
  const browser = await startChromium();
  onTestFinished(() => browser.close());
  const httpCredentials = { username: 'ada', password: 'change-me' };
  const page = await browser.newPage({ httpCredentials });
  const press = (name: string) => page.getByRole('button', { name }).click();
  const { port } = new URL(service.url);
  await page.goto(`http://acme.localhost:${port}/notes/`);
  await page.getByRole('link', { name: 'New note' }).click();
  await page.getByLabel('Title').fill('<b>Tea</b>');
  await press('Save');
  await page.getByRole('heading', { name: '<b>Tea</b>' }).waitFor();
  await press('Draft a post of it');
  await page.getByLabel('Title').fill('Tea for two');
  await press('Save');
  await press('Publish');
  await page.goto(`http://acme.localhost:${port}/blog/`);
  await page.getByRole('link', { name: 'Tea for two' }).click();
  await page.getByRole('button', { name: 'Send' }).waitFor();
  await browser.close();
  expect(await service.stop()).toBe(0);
}

/**
 * As above, its pages, and the tests of the example, among them those against the old program: over
 * SQLite, and over PostgreSQL where there is one.
 */
async function checkNodeServiceWhole(folder: string): Promise<void> {
  await checkNodeService(folder);
  await checkPagesOfService(folder);
  await rm(join(folder, 'data'), { recursive: true, force: true });
  const counts = async (env: Readonly<Record<string, string>> = {}) => {
    const said = stripVTControlCharacters((await npmWith(env, folder, 'test')).stdout);
    return [/pass (\d+)/.exec(said)?.[1], /fail (\d+)/.exec(said)?.[1]];
  };
  expect(await counts()).toEqual(['17', '0']);
  if (!hasPostgres) return;
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const url = await postgres.database();
  // Each of its tests makes a database.
  await postgres.run(`alter role ${new URL(url).username} createdb`);
  expect(await counts({ DATABASE_URL: url })).toEqual(['17', '0']);
}

async function checkCliTool(folder: string): Promise<void> {
  await npm(folder, 'run', 'build');
  const tool = (...args: readonly string[]) =>
    run(process.execPath, ['src/main.ts', ...args], { cwd: folder, env }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
    );
  const list = 'count\tCounts the words that it is given.\n';
  expect(await tool()).toEqual({ code: 0, stdout: list });
  expect(await tool('count', 'one', 'two')).toEqual({ code: 0, stdout: '2 words\n' });
  expect(await tool('count')).toEqual({ code: 2, stdout: '' });
  expect(await tool('unknown')).toEqual({ code: 2, stdout: list });
}

/** The page of a new user: notes, the palette, a permission, settings, and all of it after a reload. */
async function checkPage(folder: string): Promise<void> {
  await npm(folder, 'run', 'build');
  const { url } = await serve(folder);
  const { errors, open } = await startTabs();
  const notes = await open(url);
  const { page, root } = notes;
  await notes.add('Buy bread');
  await notes.add('Call Grace');
  await notes.shows('Call Grace', 'Buy bread');

  // The plugin has no right to read notes, and asks for it. A no holds, a yes for good does too.
  await notes.command('count words');
  await root.getByRole('dialog', { name: 'Digest asks' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await notes.press('Always allow');
  await notes.notice('Your notes have 4 words.');

  await notes.press('Settings');
  await root.getByLabel('Which note comes first').selectOption('oldest');
  await notes.press('Close');
  await notes.shows('Buy bread', 'Call Grace');

  await page.reload();
  await notes.shows('Buy bread', 'Call Grace');
  await notes.command('count words');
  await notes.notice('Your notes have 4 words.');
  expect(await barriers(page)).toEqual([]);
  expect(errors).toEqual([]);
}

/** What its README says: three runners, each with what it reports. */
async function checkTests(folder: string): Promise<void> {
  const said = async (script: string) =>
    stripVTControlCharacters((await npm(folder, 'run', script)).stdout);
  expect(await said('test:vitest')).toMatch(/Tests +7 passed/);
  const node = await said('test:node');
  expect([/pass (\d+)/.exec(node)?.[1], /fail (\d+)/.exec(node)?.[1]]).toEqual(['9', '0']);
  expect(await said('test:plinth')).toContain('valid, its checks pass, and it has no tests');
}

/** For each example: its check. */
export const EXAMPLES: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  'node-service': checkNodeService,
  'cli-tool': checkCliTool,
  'spa-plain': checkPage,
  'spa-react': checkPage,
  'test-your-plugin': checkTests,
};

/** The same, in their long form. */
export const WHOLE_EXAMPLES: typeof EXAMPLES = {
  ...EXAMPLES,
  'node-service': checkNodeServiceWhole,
};
