/**
 * Guests in their own processes: where they refuse to start, what ends them, and that none is left.
 */

import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { nodeHost } from '@plinth/host-node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const supervision = { restart: false } as const;
afterEach(() => vi.restoreAllMocks());

/** Children of this process, as the operating system lists them. */
async function children(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc').then((names) =>
    names.filter((name) => /^\d+$/.test(name)),
  )) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[1] === String(process.pid) && fields[0] !== 'Z') found.push(pid);
  }
  return found;
}

for (const isolation of ['process', 'sandbox'] as const) {
  describe(`node ${isolation}`, () => {
    const start = (code: string, manifest = {}) =>
      startKernel({ isolation, createHost: nodeHost }, [pluginOf('test.a', code, manifest)], {
        supervision,
      });

    it('a plugin does not start where the runtime has no permission model, and the message names it', async () => {
      const flags = Object.getOwnPropertyDescriptor(
        process,
        'allowedNodeEnvironmentFlags',
      ) as PropertyDescriptor;
      Object.defineProperty(process, 'allowedNodeEnvironmentFlags', {
        configurable: true,
        value: new Set(['--trace-warnings']),
      });
      try {
        const kernel = await start('');
        expect(kernel.plugins.get('test.a')?.error).toMatchObject({
          code: 'plugin/launch-failed',
          message: expect.stringContaining("no permission model ('--permission')"),
        });
      } finally {
        Object.defineProperty(process, 'allowedNodeEnvironmentFlags', flags);
      }
    });

    it.each<[string, string, string]>([
      ['the heap', 'const all = []; for (;;) all.push({ a: [] });', '48MB'],
      [
        'typed arrays',
        'const all = []; for (;;) all.push(new Uint8Array(8_000_000).fill(1));',
        '48MB',
      ],
      [
        'texts',
        "let text = 'x'.repeat(1e6); for (;;) { text += text; text.charCodeAt(text.length - 1); }",
        '48MB',
      ],
    ])('%s beyond the limit ends only the guest', async (_, hog, memory) => {
      const kernel = await start(
        `ctx.commands.handle('hog', () => { ${hog} }); ctx.commands.handle('ping', () => 'pong');`,
        { resources: { memory } },
      );
      expect(await kernel.commands.execute('test.a:ping')).toBe('pong');
      const late = lateness();
      const error = await rejection(
        kernel.commands.execute('test.a:hog', undefined, { timeout: 50_000 }),
      );
      expect(error.code).toMatch(/^guest\/|call\/failed/);
      expect(late()).toBeLessThan(1_000);
      await kernel.stop();
      await expect.poll(children).toEqual([]);
    });

    it('a hanging guest is ended after 4 s of silence, within 5, and its process is gone', async () => {
      const kernel = await startKernel(
        { isolation, createHost: nodeHost },
        [pluginOf('test.a', `ctx.commands.handle('spin', () => { for (;;); });`)],
        {},
      );
      const crashed = nextEvent(kernel, 'plugin:crashed');
      const before = await children();
      const began = performance.now();
      const error = await rejection(kernel.commands.execute('test.a:spin'));
      expect(error.code).toBe('guest/unresponsive');
      await crashed;
      await expect
        .poll(async () => (await children()).filter((pid) => before.includes(pid)))
        .toEqual([]);
      // Includes what a loaded machine adds.
      expect(performance.now() - began).toBeLessThan(15_000);
    });

    it('nothing is left after stop(), and the application ends by itself', async () => {
      const script = `
        import { createKernel, nodeHost, packageSource } from '@plinth/host-node';
        const code = 'export default { activate(ctx) { setInterval(() => {}, 10); ctx.commands.handle("ping", () => "pong"); } };';
        const kernel = await createKernel({ host: nodeHost({ spares: 1 }), isolation: '${isolation}', sources: [packageSource([{ manifest: { id: 'test.a', version: '1.0.0', main: 'p.js', engines: { plinth: '*' } }, code }])] });
        await kernel.start();
        console.log(await kernel.commands.execute('test.a:ping'));
        await kernel.stop();
        console.log(process.getActiveResourcesInfo().filter((name) => !/TTYWrap|PipeWrap|CloseReq|FSReq/.test(name)).length);`;
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ['--input-type=module', '-e', script],
        { cwd: root, encoding: 'utf8', timeout: 30_000 },
      );
      expect([stdout, stderr, status]).toEqual(['pong\n0\n', '', 0]);
    });

    it('guests end with the application, in whatever way it ends', async () => {
      const script = `
        import { createKernel, nodeHost, packageSource } from '@plinth/host-node';
        const code = 'export default { activate(ctx) { ctx.commands.handle("ping", () => "pong"); } };';
        const kernel = await createKernel({ host: nodeHost(), isolation: '${isolation}', sources: [packageSource([{ manifest: { id: 'test.a', version: '1.0.0', main: 'p.js', engines: { plinth: '*' } }, code }])] });
        await kernel.start();
        await kernel.commands.execute('test.a:ping');
        const { readFileSync, readdirSync } = await import('node:fs');
        const mine = readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid)).filter((pid) => { try { return readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1].split(' ')[1] === String(process.pid); } catch { return false; } });
        console.log(mine.join());
        process.kill(process.pid, 'SIGKILL');`;
      const { stdout, signal } = spawnSync(
        process.execPath,
        ['--input-type=module', '-e', script],
        { cwd: root, encoding: 'utf8', timeout: 30_000 },
      );
      expect(signal).toBe('SIGKILL');
      const pids = stdout.trim().split(',');
      expect(pids).toHaveLength(1);
      await expect
        .poll(async () =>
          (await readFile(`/proc/${pids[0]}/stat`, 'utf8').catch(() => ') Z ')).includes(') Z '),
        )
        .toBe(true);
    });
  });
}

/** The maximum lateness of a timer in this thread, in milliseconds. */
function lateness(): () => number {
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - 50);
    last = now;
  }, 50);
  return () => {
    clearInterval(timer);
    return worst;
  };
}
