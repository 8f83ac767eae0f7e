/**
 * A worker that can't start is a typed error that names the cure; the inline worker starts
 * everywhere.
 */
import { browserHost } from '@plinth/host-browser';
import { createWorker } from '@plinth/host-browser/inline';
import { expect, it } from 'vitest';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const blobWorker = (code: string) => () =>
  new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), {
    type: 'module',
  });
const start = (create: () => Worker, ready = 30_000) =>
  startKernel(
    { isolation: 'worker', createHost: () => browserHost({ createWorker: create }) },
    [pluginOf('test.a', `ctx.commands.handle('ping', () => 'pong');`)],
    { limits: { ready } },
  );

it.each<[string, () => Worker, RegExp, number?]>([
  ['stays silent', blobWorker('1'), /did not announce itself within 300 ms/, 300],
  [
    'is not there',
    () => new Worker('/nowhere/plugin-worker.js', { type: 'module' }),
    /could not be loaded|did not announce itself|its worker failed/,
    300,
  ],
  ['throws', blobWorker('throw new Error("no")'), /its worker failed: .*no/],
  [
    'is refused',
    () => {
      throw new DOMException('not allowed', 'SecurityError');
    },
    /the browser refused the worker: not allowed/,
  ],
])('a worker that %s: plugin/launch-failed with the cure', async (_, create, message, ready) => {
  const kernel = await start(create, ready);
  const { error, because } = kernel.plugins.explain('test.a');
  expect(error?.code).toBe('plugin/launch-failed');
  expect(because).toMatch(message);
  expect(because).toContain('@plinth/host-browser/inline');
});

it('the worker as text starts and ends like the default one', async () => {
  const kernel = await start(createWorker);
  expect(await kernel.commands.execute('test.a:ping')).toBe('pong');
});
