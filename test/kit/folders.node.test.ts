/** Plugins of the test kit that are folders, and what is left after test kernels in Node. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@plinth/host-node';
import { createTestKernel, reportText, testPlugin } from '@plinth/sdk/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { counter, counterCode } from './notes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plinth-kit-'));
  for (const name of ['counter', 'other']) {
    await mkdir(join(folder, name));
    const manifest = { ...counter.manifest, id: `com.example.${name}` };
    await writeFile(join(folder, name, 'plugin.json'), JSON.stringify(manifest));
    await writeFile(join(folder, name, 'plugin.js'), counterCode);
  }
});
afterAll(() => rm(folder, { recursive: true }));

it('a folder is one plugin, or all that are in it', async () => {
  await using one = await createTestKernel({ plugins: [join(folder, 'counter')] });
  expect(await one.commands.execute('com.example.counter:count')).toBe(1);
  await using all = await createTestKernel({ plugins: [folder], host: nodeHost() });
  expect(await all.commands.execute('com.example.other:count')).toBe(1);
  expect(all.plugins.list({ state: 'active' })).toHaveLength(2);
});

it('testPlugin() takes the folder of one plugin', async () => {
  const options = { groups: ['contract'], samples: { count: [undefined] } } as const;
  const report = await testPlugin(join(folder, 'counter'), options);
  expect(report.ok, reportText(report)).toBe(true);
  expect((await testPlugin(folder, options)).checks).toMatchObject([
    { id: 'contract/manifest', ok: false, message: expect.stringContaining('holds 2 plugins') },
  ]);
  expect((await testPlugin(join(folder, 'absent'), options)).ok).toBe(false);
  expect(await rejection(createTestKernel({ plugins: [join(folder, 'absent')] }))).toMatchObject({
    code: 'plugin/source-failed',
  });
});

it('test kernels leave no timer, thread or handle behind', async () => {
  const left = () =>
    process
      .getActiveResourcesInfo()
      .filter((name) => !/TTYWrap|PipeWrap|CloseReq|FSReq/.test(name));
  const before = left().length;
  for (const options of [{}, { clock: true }, { host: nodeHost() }]) {
    await using kernel = await createTestKernel({ plugins: [counter], ...options });
    await kernel.commands.execute('com.example.counter:count');
    // It is never answered, and waits for nothing that keeps the process open once the kernel stops.
    rejection(kernel.commands.execute('com.example.counter:wait'));
  }
  await expect.poll(() => left().length).toBeLessThanOrEqual(before);
});
