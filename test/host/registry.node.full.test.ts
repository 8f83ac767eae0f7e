/**
 * The registry on a disk: killed at any moment, every plugin is entirely the old or entirely the
 * new one; files may be truncated.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fileStorage } from '@plinth/host-node';
import { packageOf } from '@plinth/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const script = fileURLToPath(new URL('registry-child.ts', import.meta.url));
const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-registry-'));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/**
 * What a child reports: what it found, what it is about to do to a plugin, or that this is done.
 */
interface Said {
  readonly found?: Readonly<Record<string, string>>;
  readonly problems?: readonly string[];
  readonly id?: string;
  readonly before?: string;
  readonly after?: string;
  readonly done?: string;
}

/** Runs a child until it ends or is killed. `kill` may be called repeatedly. */
async function child(
  folder: string,
  mode: 'churn' | 'look',
  where: string,
  heard: (said: Said, kill: () => void) => void,
): Promise<{ readonly code: number | null; readonly signal: string | null }> {
  const running = spawn(process.execPath, [script, folder, mode, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(running, 'close');
  createInterface(running.stdout).on('line', (line) => {
    // The last line may be cut by the kill.
    if (line.endsWith('}')) heard(JSON.parse(line) as Said, () => running.kill('SIGKILL'));
  });
  const [code, signal] = (await closed) as [number | null, string | null];
  return { code, signal };
}

describe('Node, kill -9', () => {
  it.each(['files', 'SQLite'])(
    'in %s every plugin is entirely the old or entirely the new one, and runs',
    {
      timeout: 180_000,
    },
    async (where) => {
      const folder = await newFolder();
      const KILLS = 15;
      const possible = new Map<string, readonly string[]>();
      const problems: string[] = [];
      let cutOff = 0;
      let changes = 0;
      const look = (kill: number, { found = {}, problems: told = [] }: Said) => {
        problems.push(...told.map((problem) => `after kill ${kill}: ${problem}`));
        for (const [id, state] of Object.entries(found)) {
          const fits = possible.get(id) ?? [''];
          if (fits.length > 1) cutOff += 1;
          if (!fits.includes(state))
            problems.push(
              `after kill ${kill}: ${id} is '${state}', not ${fits.map((one) => `'${one}'`).join(' or ')}`,
            );
          possible.set(id, [state]);
        }
      };
      for (let kill = 1; kill <= KILLS; kill++) {
        // Half of the kills follow a number of steps, so that every phase is hit; the other half
        // follow the clock.
        const byClock = kill % 2 === 0;
        const after = 1 + Math.floor(Math.random() * 30);
        let said = 0;
        const { signal } = await child(folder, 'churn', where, (message, strike) => {
          if (message.found !== undefined) return look(kill - 1, message);
          const { id = '', before = '', after: next = '', done } = message;
          if (done === undefined) possible.set(id, [before, next]);
          else {
            possible.set(id, [done]);
            changes += 1;
          }
          said += 1;
          if (byClock && said === 1) setTimeout(strike, Math.random() * 200);
          else if (!byClock && said === after) strike();
        });
        expect(signal, problems.join('\n')).toBe('SIGKILL');
      }
      const { code } = await child(folder, 'look', where, (message) => look(KILLS, message));
      expect(problems).toEqual([]);
      expect(code).toBe(0);
      expect(changes).toBeGreaterThan(15);
      // Otherwise the kills missed the moment they are meant for.
      expect(cutOff).toBeGreaterThan(5);
    },
  );
});

describe('Node, truncated files', () => {
  const plugin = (id: string, version = '1.0.0') =>
    pluginOf(id, `ctx.commands.handle('version', () => '${version}');`, { version });
  const start = async (folder: string) =>
    startKernel({ isolation: 'worker', createHost }, [plugin('test.source')], {
      storage: await fileStorage(folder),
    });
  const fileOf = (folder: string, part: 'entry' | 'copy' | 'code', name: string) =>
    join(
      folder,
      `${createHash('sha256').update(`tenant-0\0plinth\0${part}\0${name}`, 'utf16le').digest('hex')}.value`,
    );
  const cut = async (file: string) => {
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
  };
  /** A folder in which two plugins are installed, one of them updated. */
  const prepared = async () => {
    const folder = await newFolder();
    const kernel = await start(folder);
    for (const id of ['test.a', 'test.b']) await kernel.plugins.install(packageOf(plugin(id)));
    await kernel.plugins.update('test.a', packageOf(plugin('test.a', '2.0.0')));
    await kernel.stop();
    return folder;
  };
  const version = (kernel: Awaited<ReturnType<typeof start>>, id: string) =>
    kernel.commands.execute(`${id}:version`).catch((error) => error.code);

  it('an entry: its copy is used, and this is reported', async () => {
    const folder = await prepared();
    await cut(fileOf(folder, 'entry', 'test.a'));
    const kernel = await start(folder);
    expect([
      await version(kernel, 'test.a'),
      await version(kernel, 'test.b'),
      await version(kernel, 'test.source'),
    ]).toEqual(['2.0.0', '1.0.0', '1.0.0']);
    expect((await kernel.health()).problems.map(({ code }) => code)).toEqual([
      'storage/corrupt',
      'registry/damaged',
    ]);
    await kernel.plugins.rollback('test.a');
    await kernel.stop();
    const again = await start(folder);
    expect([await version(again, 'test.a'), (await again.health()).problems]).toEqual([
      '1.0.0',
      [],
    ]);
  });

  it('a copy: it is not needed, and the next change writes it again', async () => {
    const folder = await prepared();
    await cut(fileOf(folder, 'copy', 'test.a'));
    const kernel = await start(folder);
    expect([
      await version(kernel, 'test.a'),
      (await kernel.health()).problems.map(({ code }) => code),
      // A copy is read only where its entry can't be.
    ]).toEqual(['2.0.0', []]);
    await kernel.plugins.disable('test.a');
    await kernel.plugins.enable('test.a');
    await kernel.stop();
    await cut(fileOf(folder, 'entry', 'test.a'));
    expect(await version(await start(folder), 'test.a')).toBe('2.0.0');
  });

  it('the code: only that plugin fails, with the reason; one on probation is rolled back, any can be installed again', async () => {
    const folder = await prepared();
    for (const name of ['test.a@2.0.0', 'test.b@1.0.0']) await cut(fileOf(folder, 'code', name));
    const kernel = await start(folder);
    expect(await version(kernel, 'test.source')).toBe('1.0.0');
    expect(kernel.plugins.get('test.b')).toMatchObject({
      state: 'failed',
      error: { code: 'plugin/load-failed' },
    });
    // It is still on probation: the version before is restored by itself.
    await expect.poll(() => version(kernel, 'test.a').catch(() => undefined)).toBe('1.0.0');
    await kernel.plugins.install(packageOf(plugin('test.b')));
    await kernel.stop();
    const again = await start(folder);
    expect([await version(again, 'test.a'), await version(again, 'test.b')]).toEqual([
      '1.0.0',
      '1.0.0',
    ]);
    await expect(access(fileOf(folder, 'code', 'test.a@2.0.0'))).rejects.toThrow();
  });

  it('an entry and its copy: that plugin is gone, which is reported; the others are not', async () => {
    const folder = await prepared();
    for (const part of ['entry', 'copy'] as const) await cut(fileOf(folder, part, 'test.a'));
    const kernel = await start(folder);
    expect([
      await version(kernel, 'test.b'),
      await version(kernel, 'test.source'),
      kernel.plugins.get('test.a'),
    ]).toEqual(['1.0.0', '1.0.0', undefined]);
    expect((await kernel.health()).problems.map(({ code }) => code)).toEqual([
      'storage/corrupt',
      'storage/corrupt',
    ]);
    await kernel.plugins.install(packageOf(plugin('test.a', '3.0.0')));
    await kernel.plugins.activate('test.a');
    expect(await version(kernel, 'test.a')).toBe('3.0.0');
  });
});
