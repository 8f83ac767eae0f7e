/**
 * File storage on disks that are full, read-only, another user's, or gone: real ones, on separate
 * file systems.
 */

import { execFile } from 'node:child_process';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createKernel, fileStorage } from '@plinth/host-node';
import { type Kernel, packageSource } from '@plinth/kernel';
import { PluginError } from '@plinth/sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { mayMount, newDisk, newFolder } from './disks.ts';

const run = promisify(execFile);
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Fills a disk until so many bytes are left. A kernel may still write meanwhile. */
async function fillDisk(disk: string, left: number): Promise<void> {
  const filler = join(disk, 'filler');
  for (let full = true; full; ) {
    const { stdout } = await run('df', ['--output=avail', '-B1', disk]);
    const size = Number(stdout.trim().split('\n').at(-1)) - left;
    full = await writeFile(filler, Buffer.alloc(Math.max(0, size))).then(
      () => false,
      (error) => {
        if (error.code !== 'ENOSPC') throw error;
        return true;
      },
    );
    if (full) await rm(filler, { force: true });
  }
}

const bytes = (length: number) => new Uint8Array(length).fill(7);

describe.skipIf(!mayMount)('fileStorage() on a nearly full disk', () => {
  it.each([
    ['2 MB', 2_000_000, 1_000_000],
    ['100 kB', 100_000, 40_960],
    ['one block', 4_000, 0],
  ])(
    'set() of %s more than fits rejects with the cure, and keeps the old value',
    async (_, size, left) => {
      const disk = await newDisk();
      const reports: PluginError[] = [];
      const storage = await fileStorage(join(disk, 'data'), {
        onCorrupt: (problem) => reports.push(problem),
      });
      await storage.set('doc', 'old');
      await fillDisk(disk, left);
      for (const write of [
        () => storage.set('doc', bytes(size)),
        () => storage.update('doc', () => bytes(size)),
        () => storage.set('new', bytes(size)),
      ]) {
        const error = await rejection(write());
        expect(error).toBeInstanceOf(PluginError);
        expect(error).toMatchObject({
          code: 'storage/failed',
          details: { folder: join(disk, 'data'), reason: 'ENOSPC' },
        });
        expect(error.message).toContain('the disk is full: make room');
      }
      expect(await storage.get('doc')).toBe('old');
      expect(await storage.keys('')).toEqual(['doc']);
      expect((await readdir(join(disk, 'data'))).filter((name) => /\.\d+$/.test(name))).toEqual([]);
      await rm(join(disk, 'filler'));
      await storage.set('doc', bytes(size));
      await storage.close();
      const again = await fileStorage(join(disk, 'data'), {
        onCorrupt: (problem) => reports.push(problem),
      });
      expect(await again.get('doc')).toEqual(bytes(size));
      expect(reports).toEqual([]);
      await again.close();
    },
  );

  it('deletes, so that there is room again', async () => {
    const disk = await newDisk();
    const storage = await fileStorage(join(disk, 'data'));
    await storage.set('large', bytes(1_000_000));
    await fillDisk(disk, 0);
    await rejection(storage.set('other', bytes(100_000)));
    expect(await storage.delete('large')).toBe(true);
    await storage.set('other', bytes(100_000));
    expect(await storage.get('other')).toEqual(bytes(100_000));
    await storage.close();
  });

  it('a kernel rejects what it could not store, keeps what it had, reports it in its health, and continues when there is room', async () => {
    const disk = await newDisk();
    const data = join(disk, 'data');
    const key = new Uint8Array(32);
    const plugin = pluginOf(
      'test.a',
      "ctx.commands.handle('set', (size) => ctx.storage.set('a', 'x'.repeat(size))); ctx.commands.handle('get', () => ctx.storage.get('a').then((a) => a?.length));",
      {
        permissions: { storage: { read: true, write: true } },
      },
    );
    const start = async (): Promise<Kernel> => {
      const kernel = await createKernel({
        data,
        isolation: 'inline',
        secrets: { key },
        sources: [packageSource([plugin])],
      });
      onTestFinished(() => kernel.stop());
      await kernel.start();
      return kernel;
    };
    const first = await start();
    await first.commands.execute('test.a:set', 10);
    await first.secrets.set('test.a', 'token', 'first secret');
    await first.audit.head();
    await fillDisk(disk, 0);
    for (const write of [
      () => first.commands.execute('test.a:set', 200_000),
      () => first.secrets.set('test.a', 'token', 'x'.repeat(60_000)),
      () => first.plugins.deprecate('test.a', 'y'.repeat(30_000)),
      () => first.plugins.disable('test.a'),
    ])
      expect(await rejection(write())).toMatchObject({ code: 'storage/failed' });
    const { status, problems } = await first.health();
    expect(status).not.toBe('healthy');
    expect(problems.map(({ code, message }) => `${code} ${message}`).join()).toMatch(
      /storage\/failed .*the disk is full/,
    );
    await rm(join(disk, 'filler'));
    await first.commands.execute('test.a:set', 300);
    expect((await first.health()).problems).toEqual([]);
    await first.stop();
    const second = await start();
    expect(await second.commands.execute('test.a:get')).toBe(300);
    expect(second.plugins.get('test.a')?.state).toBe('active');
    expect((await second.health()).problems).toEqual([]);
  });

  it('ctx.fs.write() rejects, keeps the old file, and leaves no draft', async () => {
    const disk = await newDisk();
    const file = join(disk, 'doc.txt');
    await writeFile(file, 'old');
    const plugin = pluginOf(
      'test.a',
      "ctx.commands.handle('write', (size) => ctx.fs.write(FILE, new Uint8Array(size)));".replace(
        'FILE',
        JSON.stringify(file),
      ),
      {
        permissions: { fs: { write: [`${disk}/*`] } },
      },
    );
    const kernel = await createKernel({ isolation: 'inline', sources: [packageSource([plugin])] });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    await fillDisk(disk, 40_960);
    expect(await rejection(kernel.commands.execute('test.a:write', 100_000))).toMatchObject({
      code: 'fs/failed',
    });
    expect(await readFile(file, 'utf8')).toBe('old');
    expect((await readdir(disk)).sort()).toEqual(['doc.txt', 'filler']);
  });
});

describe('fileStorage() in a process that may write only small files', () => {
  it('set() rejects, and keeps the old value', async () => {
    const folder = await newFolder();
    const { stdout } = await run('bash', [
      '-c',
      `ulimit -f 1000; exec "$0" "$@"`,
      process.execPath,
      script('opener.ts'),
      folder,
      'grow',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'storage/failed',
      reason: 'EFBIG',
      kept: 'old',
    });
  });
});

/** The result of opening a folder, in a separate process. */
interface Opened {
  readonly code?: string;
  readonly message?: string;
  readonly folder?: string;
  /** Milliseconds. */
  readonly took: number;
}

async function openElsewhere(folder: string, user = 0): Promise<Opened> {
  const { stdout } = await run(process.execPath, [
    script('opener.ts'),
    folder,
    'open',
    String(user),
  ]);
  return JSON.parse(stdout) as Opened;
}

/** The id of a user without rights. */
const OTHER_USER = 65_534;
const isRoot = process.getuid?.() === 0;

describe.skipIf(!mayMount || !isRoot)(
  'fileStorage() with an unusable folder rejects at once, with its path and the cure',
  () => {
    const expectUnusable = (opened: Opened, folder: string, cure: RegExp) => {
      expect(opened).toMatchObject({ code: 'storage/failed', folder });
      expect(opened.message).toContain(folder);
      expect(opened.message).toMatch(cure);
      expect(opened.took).toBeLessThan(5_000);
    };

    it("another user's folder", async () => {
      const folder = await newFolder();
      await chmod(folder, 0o755);
      expectUnusable(await openElsewhere(folder, OTHER_USER), folder, /give its user the folder/);
    });

    it("a folder inside of another user's", async () => {
      const folder = await newFolder();
      await chmod(folder, 0o755);
      expectUnusable(
        await openElsewhere(join(folder, 'data'), OTHER_USER),
        join(folder, 'data'),
        /give its user the folder/,
      );
    });

    it("an own folder with a value of another user's", async () => {
      const folder = await newFolder();
      const storage = await fileStorage(folder);
      await storage.set('a', 1);
      await storage.close();
      await chmod(folder, 0o777);
      const opened = await openElsewhere(folder, OTHER_USER);
      expectUnusable(opened, folder, /give its user the folder and its files/);
      expect(opened.message).toMatch(/[0-9a-f]{64}\.value/);
    });

    it('a read-only file system', async () => {
      const disk = await newDisk();
      await mkdir(join(disk, 'data'));
      await run('mount', ['-o', 'remount,ro', disk]);
      expectUnusable(
        await openElsewhere(join(disk, 'data')),
        join(disk, 'data'),
        /read-only: mount it writable/,
      );
      expectUnusable(
        await openElsewhere(join(disk, 'new')),
        join(disk, 'new'),
        /read-only: mount it writable/,
      );
    });

    it('a full disk', async () => {
      // Without a free inode nothing can be created.
      const disk = await newDisk('size=1m,nr_inodes=3');
      await mkdir(join(disk, 'data'));
      await writeFile(join(disk, 'filler'), '');
      expectUnusable(
        await openElsewhere(join(disk, 'data')),
        join(disk, 'data'),
        /disk is full: make room/,
      );
    });

    it('a disk without room for the record of the owner; it leaves nothing behind', async () => {
      const disk = await newDisk('size=1m');
      await mkdir(join(disk, 'data'));
      await fillDisk(disk, 0);
      expectUnusable(
        await openElsewhere(join(disk, 'data')),
        join(disk, 'data'),
        /disk is full: make room/,
      );
      expect(await readdir(join(disk, 'data'))).toEqual([]);
      await rm(join(disk, 'filler'));
      expect(await openElsewhere(join(disk, 'data'))).not.toHaveProperty('code');
    });
  },
);

describe('fileStorage() refuses an invalid path', () => {
  it.each([['' as unknown], [7], [null]])('%j', async (path) => {
    expect(await rejection(fileStorage(path as string))).toMatchObject({
      code: 'kernel/invalid-option',
      details: { option: 'data' },
    });
  });

  it('a text that no file name can have', async () => {
    for (const path of ['a\0b', join(tmpdir(), 'x'.repeat(5_000))])
      expect(await rejection(fileStorage(path))).toMatchObject({ code: 'storage/failed' });
  });
});

describe.skipIf(!mayMount)(
  'fileStorage() beside another program that holds a file temporarily',
  () => {
    /** Renaming over a mount point fails with EBUSY, as a virus scanner makes it fail elsewhere. */
    const hold = async (folder: string) => {
      const [name] = (await readdir(folder)).filter((one) => one.endsWith('.value')) as [string];
      const other = join(await newFolder(), 'other');
      await writeFile(other, '');
      await run('mount', ['--bind', other, join(folder, name)]);
      const letGo = async () =>
        void (await run('umount', ['-l', join(folder, name)]).catch(() => {}));
      onTestFinished(letGo);
      return letGo;
    };

    it.each(['set', 'delete'] as const)('%s() waits for it', async (verb) => {
      const folder = await newFolder();
      const storage = await fileStorage(folder);
      await storage.set('a', 'old');
      const letGo = await hold(folder);
      const done = verb === 'set' ? storage.set('a', 'new') : storage.delete('a');
      // It takes longer than the first try of what was asked before it.
      await storage.set('b', 'other');
      await letGo();
      await done;
      expect(await storage.get('a')).toBe(verb === 'set' ? 'new' : undefined);
      await storage.close();
    });

    it('set() rejects with the cure when the file is never released', async () => {
      const folder = await newFolder();
      const storage = await fileStorage(folder);
      await storage.set('a', 'old');
      const letGo = await hold(folder);
      const error = await rejection(storage.set('a', 'new'));
      expect(error).toMatchObject({
        code: 'storage/failed',
        details: { key: 'a', folder, reason: 'EBUSY' },
      });
      expect(error.message).toContain('another program holds it');
      await letGo();
      expect(await storage.get('a')).toBe('old');
      await storage.close();
    });
  },
);

describe('fileStorage() whose folder is deleted while it is in use', () => {
  it.each([
    ['deleted', (folder: string) => rm(folder, { recursive: true })],
    ['moved away', (folder: string) => rename(folder, `${folder}-moved`)],
    [
      'emptied',
      async (folder: string) => {
        for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
      },
    ],
    [
      'deleted, and made by another program',
      async (folder: string) => {
        await rm(folder, { recursive: true });
        await mkdir(folder);
      },
    ],
  ])('it was %s: creates it again, reports that, and continues', async (_, destroy) => {
    const folder = join(await newFolder(), 'data');
    const reports: PluginError[] = [];
    const storage = await fileStorage(folder, { onCorrupt: (problem) => reports.push(problem) });
    await Promise.all(['a', 'b', 'c'].map((key) => storage.set(key, key)));
    await destroy(folder);
    await Promise.all([
      storage.set('a', 'again'),
      storage.update('d', () => 'new'),
      storage.delete('b'),
    ]);
    expect([...(await storage.keys(''))].sort()).toEqual(['a', 'd']);
    expect(reports).toMatchObject([{ code: 'storage/failed', details: { folder, lost: 3 } }]);
    expect(reports[0]?.message).toContain(`${folder} was deleted while it was in use`);
    await storage.close();
    expect((await readdir(folder)).filter((name) => !name.endsWith('.value'))).toEqual([]);
    const second = await fileStorage(folder);
    expect([await second.get('a'), await second.get('d')]).toEqual(['again', 'new']);
    await second.close();
  });

  it('a reader gets the report too, once', async () => {
    const folder = join(await newFolder(), 'data');
    const reports: PluginError[] = [];
    const storage = await fileStorage(folder, { onCorrupt: (problem) => reports.push(problem) });
    await Promise.all(['a', 'b'].map((key) => storage.set(key, key)));
    await rm(folder, { recursive: true });
    expect(await Promise.all(['a', 'b', 'c'].map((key) => storage.get(key)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(reports.map(({ details }) => details.lost)).toEqual([2]);
    await storage.close();
  });

  it('a kernel reports it in its health at once, and its plugins continue', async () => {
    const folder = join(await newFolder(), 'data');
    const plugin = pluginOf(
      'test.a',
      "ctx.commands.handle('count', () => ctx.storage.update('n', (n = 0) => n + 1));",
      { permissions: { storage: { read: true, write: true } } },
    );
    const kernel = await createKernel({
      data: folder,
      isolation: 'inline',
      sources: [packageSource([plugin])],
    });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    await kernel.commands.execute('test.a:count');
    expect((await kernel.health()).status).toBe('healthy');
    await rm(folder, { recursive: true });
    const { status, problems } = await kernel.health();
    expect([status, problems.length]).toEqual(['degraded', 1]);
    expect(problems[0]?.message).toContain(`${folder} was deleted while it was in use`);
    expect(
      kernel.logger
        .recent()
        .some(({ message }) => message.includes('was deleted while it was in use')),
    ).toBe(true);
    expect(await kernel.commands.execute('test.a:count')).toBe(1);
    expect(await kernel.commands.execute('test.a:count')).toBe(2);
  });

  it('a file system that is read-only for a while stops writes meanwhile, and loses nothing', {
    timeout: 60_000,
  }, async ({ skip }) => {
    if (!mayMount) skip();
    const disk = await newDisk();
    const folder = join(disk, 'data');
    const reports: PluginError[] = [];
    const storage = await fileStorage(folder, { onCorrupt: (problem) => reports.push(problem) });
    await storage.set('a', 1);
    // The heartbeat finds another time than it wrote, and stops.
    await utimes(join(folder, 'lock'), 1, 1);
    await run('mount', ['-o', 'remount,ro', disk]);
    expect(await rejection(storage.set('a', 2))).toMatchObject({
      code: 'storage/failed',
      details: { folder, reason: 'EROFS' },
    });
    await run('mount', ['-o', 'remount,rw', disk]);
    await storage.set('a', 3);
    expect([await storage.get('a'), reports]).toEqual([3, []]);
    await storage.close();
    const again = await fileStorage(folder);
    expect(await again.get('a')).toBe(3);
    await again.close();
  });

  it('health reports that it cannot be created again, until it can', async () => {
    const parent = await newFolder();
    const folder = join(parent, 'data');
    const storage = await fileStorage(folder);
    await storage.set('a', 1);
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file in its place');
    expect(await storage.problem?.()).toMatchObject({
      code: 'storage/failed',
      details: { folder },
    });
    expect(await rejection(storage.set('a', 2))).toMatchObject({
      code: 'storage/failed',
      details: { folder },
    });
    await rm(folder);
    expect(await storage.problem?.()).toBeUndefined();
    await storage.set('a', 2);
    await storage.close();
  });

  it('reports a single missing value as missing', async () => {
    const folder = await newFolder();
    const reports: PluginError[] = [];
    const storage = await fileStorage(folder, { onCorrupt: (problem) => reports.push(problem) });
    await storage.set('a', 1);
    const [name] = (await readdir(folder)).filter((one) => one.endsWith('.value')) as [string];
    await rm(join(folder, name));
    expect(await storage.get('a')).toBeUndefined();
    expect(reports).toMatchObject([
      { code: 'storage/corrupt', message: expect.stringContaining('is gone') },
    ]);
    await storage.close();
  });
});

describe('fileStorage() with much data', () => {
  it.skipIf(process.platform !== 'linux')(
    'opens at the cost of its keys, not of its values',
    async () => {
      const folder = await newFolder();
      const storage = await fileStorage(folder);
      const keys = Array.from(
        { length: 30 },
        (_, index) => `key ${index} ${'x'.repeat(index * 100)}`,
      );
      await Promise.all(keys.map((key) => storage.set(key, bytes(1_000_000))));
      await storage.close();
      const readSoFar = async () =>
        Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
      const before = await readSoFar();
      const again = await fileStorage(folder);
      const cost = (await readSoFar()) - before;
      expect([...(await again.keys(''))].sort()).toEqual([...keys].sort());
      expect(cost).toBeLessThan(30 * 16_384);
      expect(
        [...((await again.sizes?.('')) ?? [])]
          .map(([, size]) => size)
          .every((size) => size > 1_000_000 && size % 4_096 === 0),
      ).toBe(true);
      expect(await again.get(keys[29] as string)).toEqual(bytes(1_000_000));
      await again.close();
    },
  );

  it('writes thousands of values at once though a process may open few files', {
    timeout: 120_000,
  }, async () => {
    const folder = await newFolder();
    const { stdout } = await run('bash', [
      '-c',
      'ulimit -n 128; exec "$0" "$@"',
      process.execPath,
      script('opener.ts'),
      folder,
      'many',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ kept: 2_000 });
  });

  it('a plugin takes no more of the disk than its quota, by values and by files', async () => {
    const folder = await newFolder();
    const [data, own] = [join(folder, 'data'), join(folder, 'own')];
    await mkdir(own);
    const fill = (one: string) =>
      `Promise.allSettled(Array.from({ length: 1_000 }, (_, index) => ${one})).then((all) => all.find(({ reason }) => reason)?.reason.code)`;
    const plugin = pluginOf(
      'test.a',
      `ctx.commands.handle('values', () => ${fill('ctx.storage.set(String(index), index)')});
       ctx.commands.handle('files', () => ${fill(`ctx.fs.write(${JSON.stringify(own)} + '/' + index, new Uint8Array(1))`)});`,
      {
        permissions: {
          storage: { read: true, write: true, quota: '100kB' },
          fs: { write: [`${own}/*`] },
        },
      },
    );
    const kernel = await createKernel({
      data,
      isolation: 'inline',
      policy: { resources: { default: { files: '100kB' } } },
      sources: [packageSource([plugin])],
    });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    expect([
      await kernel.commands.execute('test.a:values'),
      await kernel.commands.execute('test.a:files'),
    ]).toEqual(['storage/quota', 'fs/quota']);
    const onDisk = async (at: string) => {
      const files = (await readdir(at)).filter((name) => at === own || name.endsWith('.value'));
      return (await Promise.all(files.map((name) => stat(join(at, name))))).reduce(
        (sum, { blocks }) => sum + blocks * 512,
        0,
      );
    };
    // The kernel stores a few values of its own there.
    expect(await onDisk(data)).toBeLessThan(130_000);
    expect(await onDisk(own)).toBeLessThan(100_000);
  });
});
