/** A worker that can't start is a typed error that names the cure, and nothing is left behind. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { nodeHost } from '@plinth/host-node';
import { expect, it } from 'vitest';
import { createBreachedHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const start = (code: string, threads: Worker[], ready: number) =>
  startKernel(
    {
      isolation: 'worker',
      createHost: () =>
        nodeHost({
          createWorker(settings) {
            const worker = new Worker(code, { ...settings, eval: true });
            threads.push(worker);
            return worker;
          },
        }),
    },
    [pluginOf('test.a', '')],
    { limits: { ready } },
  );

it.each([
  [
    'stays silent',
    200,
    'setInterval(() => {}, 1000);',
    /did not announce itself within 200 ms.*createWorker/,
  ],
  ['ends at once', 30_000, 'process.exit(3);', /its worker ended while it started \(exited\)/],
  ['throws', 30_000, 'throw new Error("no");', /its worker ended while it started \(crashed\)/],
])('a worker that %s: plugin/launch-failed', async (_, ready, code, message) => {
  const threads: Worker[] = [];
  const kernel = await start(code, threads, ready);
  const { error, because } = kernel.plugins.explain('test.a');
  expect(error?.code).toBe('plugin/launch-failed');
  expect(because).toMatch(message);
  expect(threads.map(({ threadId }) => threadId)).toEqual([-1]);
});

it('a process that is started without its wall gets no code', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-no-wall-'));
  const [node, careless] = [process.execPath, join(folder, 'node')];
  await writeFile(careless, `#!/bin/sh\nshift\nexec '${node}' "$@"\n`, { mode: 0o700 });
  process.execPath = careless;
  try {
    const kernel = await startKernel({ isolation: 'process', createHost: () => nodeHost() }, [
      pluginOf('test.a', ''),
    ]);
    expect(kernel.plugins.explain('test.a')).toMatchObject({
      running: false,
      error: { code: 'plugin/launch-failed', message: expect.stringContaining("'--permission'") },
    });
  } finally {
    process.execPath = node;
    await rm(folder, { recursive: true });
  }
});

it("captures what a plugin writes past its console, bounded, in the plugin's log", async () => {
  const kernel = await startKernel({ isolation: 'worker', createHost: createBreachedHost }, [
    pluginOf(
      'test.loud',
      `const process = Object.rawProcess; ctx.commands.handle('write', (text) => { process.stdout.write(text + '\\n'); process.stderr.write('careful\\n'); });`,
    ),
  ]);
  await kernel.commands.execute('test.loud:write', 'to stdout');
  const entries = () =>
    kernel.logger.recent('test.loud').map(({ level, message }) => `${level} ${message}`);
  await expect.poll(() => entries().sort()).toEqual(['info to stdout', 'warn careful']);
});
