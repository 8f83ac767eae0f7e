/** Runs the examples as their READMEs say, in the folder that is given. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished } from 'vitest';
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
const npm = (cwd: string, ...args: readonly string[]) =>
  run('npm', [...args], { cwd, env, timeout: 120_000 });

async function checkNodeService(folder: string): Promise<void> {
  await npm(folder, 'run', 'build');
  const service = spawn(process.execPath, ['src/server.ts'], { cwd: folder, env });
  const ended = once(service, 'exit');
  onTestFinished(() => void service.kill('SIGKILL'));
  for await (const url of createInterface({ input: service.stdout })) {
    const greeting = await fetch(url);
    expect([greeting.status, await greeting.text()]).toEqual([
      200,
      expect.stringMatching(/^Hello, Ada! \(\d+ times\)$/),
    ]);
    expect((await fetch(url.replace('?name=Ada', ''))).status).toBe(400);
    expect((await fetch(new URL('/com.example.other/hello', url))).status).toBe(404);
    break;
  }
  service.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
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
