/**
 * Ownership of a data folder: across containers, restarts, long silences and versions. Containers
 * are process id namespaces here.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileStorage } from '@plinth/host-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { newFolder } from './disks.ts';
import { startWriter, type Writer } from './file-crash.ts';

/** The process is number 1 in there, and dies with the command. */
const CONTAINER = ['unshare', '--pid', '--fork', '--kill-child=SIGKILL'];
const hasContainers =
  spawnSync(CONTAINER[0] as string, [...CONTAINER.slice(1), 'true']).status === 0;

async function start(folder: string, within: readonly string[] = []): Promise<Writer> {
  const writer = await startWriter(folder, 'hold', () => {}, 1, within);
  onTestFinished(() => writer.kill());
  return writer;
}

const lockedBy = (pid: number) => ({
  code: 'storage/locked',
  details: { pid, host: hostname() },
  message: expect.stringContaining(`process ${pid}`),
});

describe.skipIf(!hasContainers)('a data folder in containers', () => {
  it('is available at once for the next container, though each of them is process 1', async () => {
    const folder = await newFolder();
    for (let round = 0; round < 3; round++) {
      const first = await start(folder, CONTAINER);
      expect(JSON.parse(await readFile(join(folder, 'owner.json'), 'utf8'))).toMatchObject({
        pid: 1,
      });
      await first.kill();
    }
    await (await fileStorage(folder)).close();
  });

  it('belongs to one of two containers, though both are process 1 of the same host', async () => {
    const folder = await newFolder();
    await start(folder, CONTAINER);
    expect(await rejection(start(folder, CONTAINER))).toMatchObject({ code: 'storage/locked' });
    expect(await rejection(fileStorage(folder))).toMatchObject(lockedBy(1));
  });

  it('is not taken from a process outside, whose number means nothing inside', async () => {
    const folder = await newFolder();
    const storage = await fileStorage(folder);
    expect(await rejection(start(folder, CONTAINER))).toMatchObject({ code: 'storage/locked' });
    await storage.set('a', 1);
    await storage.close();
    await start(folder, CONTAINER);
  });
});

describe('a data folder', () => {
  it('with a path too long for a socket is taken over at once too', async () => {
    const folder = join(await newFolder(), 'x'.repeat(100), 'y'.repeat(100));
    const first = await start(folder);
    expect(await rejection(fileStorage(folder))).toMatchObject(lockedBy(first.pid));
    await first.kill();
    await (await fileStorage(folder)).close();
  });

  it('stays with a live holder, even after a long silence', async () => {
    const folder = await newFolder();
    const storage = await fileStorage(folder);
    await utimes(join(folder, 'lock'), 1, 1);
    expect(await rejection(start(folder))).toMatchObject({ code: 'storage/locked' });
    await storage.set('a', 1);
    expect(await storage.get('a')).toBe(1);
    await storage.close();
  });

  it('of a process of the version before is taken over at once', async () => {
    const folder = await newFolder();
    const { pid } = spawnSync('true');
    await mkdir(join(folder, 'lock'));
    await writeFile(join(folder, 'owner.json'), JSON.stringify({ pid, host: hostname() }));
    await (await fileStorage(folder)).close();
  });

  it.each([
    '',
    '{}',
    '{"pid":1',
    '[]',
    'null',
    '{"pid":1,"host":"elsewhere","machine":"another","mark":"../../x"}',
  ])('whose record of the owner is %j is waited for until its lock is old', async (record) => {
    const folder = await newFolder();
    await mkdir(join(folder, 'lock'));
    await writeFile(join(folder, 'owner.json'), record);
    expect(await rejection(fileStorage(folder))).toMatchObject({ code: 'storage/locked' });
    await utimes(join(folder, 'lock'), 1, 1);
    await (await fileStorage(folder)).close();
  });

  it('is released by a process that ends without notice', async () => {
    const folder = await newFolder();
    const program = `import('@plinth/host-node').then(({ fileStorage }) => fileStorage(process.argv[1])).then(() => process.exit())`;
    execFileSync(process.execPath, ['-e', program, folder], { cwd: import.meta.dirname });
    await (await fileStorage(folder)).close();
  });
});
