/** Runs the examples as their READMEs say, in the folder that is given. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify, stripVTControlCharacters } from 'node:util';
import { preview } from 'vite';
import { expect, onTestFinished } from 'vitest';
import { startChromium } from './site.ts';

const run = promisify(execFile);
// npm runs with the first Node in the path. Ports are free ones.
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
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

async function checkPage(folder: string): Promise<void> {
  await npm(folder, 'run', 'build');
  const server = await preview({ root: folder, preview: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => server.close());
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const browser = await startChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  // The button is enabled when the plugin runs.
  const greet = () => page.getByRole('button', { name: 'Greet' }).click();
  await page.goto(`http://127.0.0.1:${address.port}`);
  await greet();
  await page.getByText('Hello, Ada! (1 times)').waitFor();
  await page.reload();
  await greet();
  await page.getByText('Hello, Ada! (2 times)').waitFor();
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
