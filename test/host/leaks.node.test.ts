/**
 * After stop() nothing of the kernel is alive, as counted by the operating system and the runtime.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = `
  import { createKernel, nodeHost, packageSource } from '@plinth/host-node';
  import { mkdtemp, readdir, rm } from 'node:fs/promises';
  const count = async () => ({
    threads: (await readdir('/proc/self/task').catch(() => [])).length,
    files: (await readdir('/proc/self/fd').catch(() => [])).length,
    resources: process.getActiveResourcesInfo().filter((name) => !/TTYWrap|PipeWrap|CloseReq|FSReq/.test(name)).length,
    listeners: process.eventNames().length,
  });
  const code = \`export default { async activate(ctx) {
    ctx.commands.handle('ping', () => 'pong');
    ctx.commands.handle('often', async () => { for (let n = 0; n < 30; n++) await ctx.commands.execute('test.c:ping'); });
    ctx.commands.handle('stream', async function* () { for (let n = 0; ; n++) yield n; }); ctx.commands.handle('wait', () => new Promise(() => {})); ctx.commands.handle('spin', () => { for (;;); });
    ctx.events.on('user:*', () => {}); setInterval(() => {}, 5); await ctx.storage.set('k', 1); } };\`;
  const plugin = (id) => ({ manifest: { id, version: '1.0.0', main: 'p.js', engines: { plinth: '*' }, permissions: { storage: { read: true, write: true }, events: { subscribe: ['user:*'] }, commands: { execute: ['test.c:*'] } } }, code });
  const round = async () => {
    const data = await mkdtemp('/tmp/plinth-leaks-');
    const kernel = await createKernel({ data, telemetry: { log: false }, limits: { deactivate: 500 }, host: nodeHost({ spares: 2 }), lanes: { calls: 10 }, policy: { chain: 'own' }, sources: [packageSource([plugin('test.a'), plugin('test.b'), plugin('test.c')])] });
    await kernel.start();
    if (kernel.plugins.list({ state: 'active' }).length !== 3) throw new Error(kernel.plugins.list().map((one) => one.error?.message).join());
    await kernel.commands.execute('test.a:ping');
    const opened = new Promise((resolve) => kernel.events.once('lane:opened', resolve));
    await kernel.commands.execute('test.a:often');
    await opened;
    for await (const n of await kernel.commands.execute('test.a:stream')) if (n === 3) break;
    await (await kernel.commands.execute('test.a:stream'))[Symbol.asyncIterator]().next();
    kernel.commands.execute('test.a:wait').catch(() => {});
    kernel.commands.execute('test.b:spin').catch(() => {});
    await kernel.plugins.reload('test.c');
    await kernel.stop({ drain: 50 });
    await rm(data, { recursive: true });
  };
  await round();
  await new Promise((done) => setImmediate(done));
  const before = await count();
  for (let n = 0; n < 5; n++) await round();
  await new Promise((done) => setImmediate(done));
  console.log(JSON.stringify({ before, after: await count() }));
`;

it('Node: no thread, file, timer or listener is left, and the process ends by itself', () => {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script],
    { cwd, encoding: 'utf8', timeout: 120_000 },
  );
  expect(stderr).toBe('');
  expect([status, signal]).toEqual([0, null]);
  const { before, after } = JSON.parse(stdout) as { before: object; after: object };
  expect(after).toEqual(before);
}, 130_000);
