/** File storage: the suite, and its behaviour on a disk. */

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKernel, fileStorage } from '@plinth/host-node';
import { packageSource } from '@plinth/kernel';
import { PluginError, PluginUnavailableError } from '@plinth/sdk';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { full } from '../support/full.ts';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { startWriter } from './file-crash.ts';
import { storageSuite } from './storage-suite.ts';

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-'));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

storageSuite('file', async (name) => fileStorage(name ?? (await newFolder())), newFolder);

/** A file whose header gives this length for its key. */
const withKeyLength = (length: (before: number) => number | string) => (bytes: Buffer) => {
  const line = bytes.indexOf(10);
  const [magic, digest, before] = bytes.subarray(0, line).toString('latin1').split(' ');
  return Buffer.concat([
    Buffer.from(`${magic} ${digest} ${length(Number(before))}`),
    bytes.subarray(line),
  ]);
};

const valueFiles = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.endsWith('.value'));

describe('fileStorage()', () => {
  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    [
      'one flipped bit',
      (bytes) => bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)),
    ],
    ['a missing end', (bytes) => bytes.subarray(0, bytes.length - 3)],
    ['nothing in it', () => Buffer.alloc(0)],
    ['no header', () => Buffer.from('garbage without a line')],
    ['only zeros, as after a power cut', (bytes) => Buffer.alloc(bytes.length)],
    ['a header with a shorter key', withKeyLength((length) => length - 2)],
    ['a header with a longer key', withKeyLength((length) => length + 2)],
    ['a header with a key of half characters', withKeyLength((length) => length + 1)],
    ['a header with a key longer than the file', withKeyLength(() => 2 ** 40)],
    ['a header with a key of negative length', withKeyLength((length) => -length)],
    ['a header without the length of its key', withKeyLength(() => 'x')],
  ])('sets a file aside that has %s, and reports it once', async (_, damage) => {
    const folder = await newFolder();
    const first = await fileStorage(folder);
    await first.set('kept', 1);
    await first.close();
    const [kept] = await valueFiles(folder);
    const second = await fileStorage(folder);
    await second.set('damaged', { n: 2 });
    await second.close();
    const name = (await valueFiles(folder)).find((one) => one !== kept) as string;
    const bytes = damage(await readFile(join(folder, name)));
    await writeFile(join(folder, name), bytes);

    const reports: PluginError[] = [];
    const storage = await fileStorage(folder, { onCorrupt: (error) => reports.push(error) });
    expect([
      await storage.get('damaged'),
      await storage.get('kept'),
      await storage.keys(''),
    ]).toEqual([undefined, 1, ['kept']]);
    expect(reports.map((error) => error.code)).toEqual(['storage/corrupt']);
    expect(reports[0]?.message).toContain(join(folder, name));
    expect(await readFile(join(folder, `${name}.corrupt`))).toEqual(Buffer.from(bytes));
    await storage.set('damaged', 3);
    expect(await storage.get('damaged')).toBe(3);
    await storage.close();
  });

  it('sets a file aside that is damaged while it is open, and its key counts as absent', async () => {
    const folder = await newFolder();
    const reports: PluginError[] = [];
    const storage = await fileStorage(folder, { onCorrupt: (error) => reports.push(error) });
    await storage.set('a', 1);
    const [name] = (await valueFiles(folder)) as [string];
    await writeFile(join(folder, name), 'garbage');
    expect(await storage.get('a')).toBeUndefined();
    expect(await storage.keys('')).toEqual([]);
    expect(reports).toHaveLength(1);
    await storage.close();
  });

  it('reports to each of its users what was set aside, before and after the listener was added', async () => {
    const folder = await newFolder();
    const first = await fileStorage(folder);
    await Promise.all([first.set('a', 1), first.set('b', 2)]);
    await first.close();
    const [one, other] = (await valueFiles(folder)) as [string, string];
    await writeFile(join(folder, one), 'garbage');
    const users = await Promise.all([fileStorage(folder), fileStorage(folder)]);
    const heard = users.map((user) => {
      const files: unknown[] = [];
      user.onCorrupt?.((error) => files.push(error.details?.file));
      return files;
    });
    expect(heard).toEqual([[join(folder, one)], [join(folder, one)]]);
    await writeFile(join(folder, other), 'garbage');
    expect([await users[0]?.get('a'), await users[0]?.get('b')]).toEqual([undefined, undefined]);
    const both = [join(folder, one), join(folder, other)];
    expect(heard).toEqual([both, both]);
    await Promise.all(users.map((user) => user.close()));
  });

  it('opens, and keeps the file, when an intact value is of a later runtime', async () => {
    const folder = await newFolder();
    const first = await fileStorage(folder);
    await Promise.all([first.set('later', 1), first.set('kept', 2)]);
    await first.close();
    const body = Buffer.concat([Buffer.from('later', 'utf16le'), Buffer.from([0xff, 0x7f, 0x30])]);
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const file = join(folder, `${hash(Buffer.from('later', 'utf16le'))}.value`);
    const bytes = Buffer.concat([Buffer.from(`plinth1 ${hash(body)} 10\n`), body]);
    await writeFile(file, bytes);
    const storage = await fileStorage(folder);
    expect(await storage.get('kept')).toBe(2);
    expect(await rejection(storage.get('later'))).toMatchObject({
      code: 'storage/failed',
      message: expect.stringContaining(file),
    });
    expect(await readFile(file)).toEqual(bytes);
    await storage.close();
  });

  it('a kernel reports damaged data in its health and in its log', async () => {
    const folder = await newFolder();
    const start = async () => {
      const kernel = await createKernel({
        data: folder,
        isolation: 'inline',
        sources: [packageSource([pluginOf('test.off', '')])],
      });
      onTestFinished(() => kernel.stop());
      await kernel.start();
      return kernel;
    };
    const first = await start();
    expect((await first.health()).problems).toEqual([]);
    await first.plugins.disable('test.off');
    await first.stop();
    // The plugin's entry, and its copy.
    for (const name of await valueFiles(folder)) {
      const bytes = await readFile(join(folder, name));
      if (bytes.includes(Buffer.from('test.off', 'utf16le')))
        await writeFile(join(folder, name), bytes.subarray(0, bytes.length / 2));
    }
    const second = await start();
    const { status, problems } = await second.health();
    // The entry, its copy, and the installation times.
    expect([status, problems.map(({ code }) => code)]).toEqual([
      'degraded',
      ['storage/corrupt', 'storage/corrupt', 'storage/corrupt'],
    ]);
    const messages = second.logger.recent().map(({ message }) => message);
    for (const problem of problems) expect(messages).toContain(problem.message);
    expect((await second.tenant('other').health()).problems).toEqual([]);
  });

  it('removes what a killed writer left, and nothing else', async () => {
    const folder = await newFolder();
    const first = await fileStorage(folder);
    await first.set('a', 1);
    await first.close();
    const [name] = (await valueFiles(folder)) as [string];
    await writeFile(join(folder, `${name}.1234567`), 'half a val');
    await writeFile(join(folder, 'notes.txt'), 'not ours');
    const second = await fileStorage(folder);
    expect(await second.keys('')).toEqual(['a']);
    await second.close();
    expect((await readdir(folder)).sort()).toEqual([name, 'notes.txt'].sort());
  });

  it('close() leaves only values in the folder', async () => {
    const folder = await newFolder();
    const storage = await fileStorage(folder);
    await Promise.all([storage.set('a', 1), storage.set('b', 2), storage.delete('b')]);
    await storage.close();
    expect(await readdir(folder)).toEqual(await valueFiles(folder));
  });

  it('keeps data private to its user', async () => {
    const folder = join(await newFolder(), 'data');
    const storage = await fileStorage(folder);
    await storage.set('a', 1);
    const [name] = (await valueFiles(folder)) as [string];
    expect([
      (await stat(folder)).mode & 0o077,
      (await stat(join(folder, name))).mode & 0o077,
    ]).toEqual([0, 0]);
    await storage.close();
  });

  it('rejects with storage/locked and the pid while another process owns the folder', async () => {
    const folder = await newFolder();
    const writer = await startWriter(folder);
    onTestFinished(() => writer.kill());
    const error = await rejection(fileStorage(folder));
    expect(error).toBeInstanceOf(PluginUnavailableError);
    expect(error).toMatchObject({ code: 'storage/locked', details: { pid: writer.pid } });
    expect(error.message).toContain(`process ${writer.pid}`);
    expect(await rejection(createKernel({ data: folder }))).toMatchObject({
      code: 'storage/locked',
    });
  });

  it('takes the lock of a killed process over at once', async () => {
    const folder = await newFolder();
    const writer = await startWriter(folder);
    await writer.kill();
    const started = performance.now();
    const storage = await fileStorage(folder);
    expect(performance.now() - started).toBeLessThan(5_000);
    await storage.close();
  });

  // Starts seven processes per round.
  it('gives the lock of a killed process to one of many that want it', {
    timeout: 240_000,
  }, async () => {
    for (let round = 0; round < (full ? 5 : 1); round++) {
      const folder = await newFolder();
      await (await startWriter(folder)).kill();
      const contenders = await Promise.allSettled(
        Array.from({ length: 6 }, () => startWriter(folder)),
      );
      const owners = contenders.filter((one) => one.status === 'fulfilled');
      await Promise.all(owners.map((owner) => owner.value.kill()));
      expect(owners, `round ${round}`).toHaveLength(1);
    }
  });

  it('is shared by two users in one process until the last one closes', async () => {
    const folder = await newFolder();
    const [first, second] = await Promise.all([fileStorage(folder), fileStorage(`${folder}/./`)]);
    await first.set('a', 1);
    expect(await second.get('a')).toBe(1);
    await first.close();
    await first.close();
    await second.set('a', 2);
    await second.close();
    expect(await readdir(folder)).toEqual(await valueFiles(folder));
  });

  it('is shared by two users in one process that reach the folder by different paths', async () => {
    const folder = await newFolder();
    const link = join(await newFolder(), 'link');
    await symlink(folder, link);
    const first = await fileStorage(folder);
    const second = await fileStorage(link);
    await first.set('a', 1);
    expect(await second.get('a')).toBe(1);
    await Promise.all([first.close(), second.close()]);
  });

  it('rejects when the path is a file', async () => {
    const file = join(await newFolder(), 'file');
    await writeFile(file, '');
    const error = await rejection(fileStorage(file));
    expect(error).toBeInstanceOf(PluginError);
    expect(error).toMatchObject({ code: 'storage/failed' });
    expect(error.message).toContain(file);
  });
});
