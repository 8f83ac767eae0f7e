/** `ctx.fs` and `ctx.env`: what a plugin reads and writes, as seen in the file system. */

import { spawnSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kernel, ResourcePolicy } from '@plinth/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

let root: string;
let mine: string;
let theirs: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'plinth-files-')));
  [mine, theirs] = [join(root, 'mine'), join(root, 'theirs')];
  await Promise.all([mkdir(join(mine, 'sub'), { recursive: true }), mkdir(theirs)]);
  await Promise.all([
    writeFile(join(mine, 'a.txt'), 'größe'),
    writeFile(join(theirs, 'secret.txt'), 'secret'),
  ]);
  await Promise.all([
    symlink(join(theirs, 'secret.txt'), join(mine, 'link.txt')),
    symlink(theirs, join(mine, 'linked')),
    symlink(join(mine, 'a.txt'), join(mine, 'inner.txt')),
    symlink('/etc', join(mine, 'sub', 'etc')),
  ]);
  spawnSync('mkfifo', [join(mine, 'pipe')]);
});
afterAll(() => rm(root, { recursive: true }));

const plugin = (permissions: object) =>
  pluginOf(
    'test.files',
    `ctx.commands.handle('do', ([verb, ...args]) => ctx.fs[verb](...args)); ctx.commands.handle('env', (name) => ctx.env.get(name));`,
    { permissions },
  );
const ask = (kernel: Kernel, ...args: unknown[]) => kernel.commands.execute('test.files:do', args);
const codeOf = async (kernel: Kernel, ...args: unknown[]) =>
  (await rejection(ask(kernel, ...args))).code;

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'sandbox', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`node ${setting.isolation}: ctx.fs and ctx.env`, () => {
    const start = (permissions: object, resources?: ResourcePolicy) =>
      startKernel(setting, [plugin(permissions)], {
        host: createHost(),
        ...(resources && { policy: { resources } }),
      });
    const own = () => start({ fs: { read: [`${mine}/*`, mine], write: [`${mine}/*`] } });

    it("limits written bytes, credits removed ones, and leaves a file's permissions unchanged", async () => {
      const kernel = await start({ fs: { write: [`${mine}/*`] } }, { default: { files: '12kB' } });
      const bytes = (length: number) => new Uint8Array(length);
      await ask(kernel, 'write', join(mine, 'q1'), bytes(6_000));
      expect(await codeOf(kernel, 'write', join(mine, 'q2'), bytes(6_000))).toBe('fs/quota');
      expect(await readdir(mine)).not.toContain('q2');
      await ask(kernel, 'write', join(mine, 'q1'), bytes(8_100));
      await kernel.plugins.reload('test.files');
      expect(await codeOf(kernel, 'write', join(mine, 'q2'), bytes(6_000))).toBe('fs/quota');
      expect(await ask(kernel, 'remove', join(mine, 'q1'))).toBe(true);
      await writeFile(join(mine, 'q2'), 'x');
      await chmod(join(mine, 'q2'), 0o640);
      await ask(kernel, 'write', join(mine, 'q2'), bytes(6_000));
      expect((await stat(join(mine, 'q2'))).mode & 0o777).toBe(0o640);
      await rm(join(mine, 'q2'));
    });

    it('counts the final sizes, for concurrent writes and removals', async () => {
      const kernel = await start({ fs: { write: [`${mine}/*`] } }, { default: { files: '10MB' } });
      const [first, second] = [join(mine, 'r1'), join(mine, 'r2')];
      // Without ordering, the large write would finish last. The same for a file that is removed
      // meanwhile.
      await Promise.all([
        ask(kernel, 'write', first, new Uint8Array(9_000_000)),
        ask(kernel, 'write', first, new Uint8Array(1)),
      ]);
      const kept = await stat(first);
      expect(
        await ask(kernel, 'write', second, new Uint8Array(9_000_000)).then(
          () => 'written',
          (error) => error.code,
        ),
      ).toBe(kept.size === 1 ? 'written' : 'fs/quota');
      await Promise.all([
        ask(kernel, 'write', second, new Uint8Array(9_500_000)),
        ask(kernel, 'remove', second),
      ]).catch(() => {});
      const sizes = await Promise.all(
        [first, second].map((path) =>
          stat(path).then(
            ({ size }) => size,
            () => 0,
          ),
        ),
      );
      expect(
        await ask(kernel, 'write', join(mine, 'r3'), new Uint8Array(9_000_000)).then(
          () => 'written',
          (error) => error.code,
        ),
      ).toBe((sizes[0] as number) + (sizes[1] as number) > 1_000_000 ? 'fs/quota' : 'written');
      await Promise.all(['r1', 'r2', 'r3'].map((name) => rm(join(mine, name), { force: true })));
    });

    it('one use of a right to a file counts once', async () => {
      const kernel = await start({ fs: { read: [`${mine}/* 2/h`] } });
      expect(await ask(kernel, 'readText', join(mine, 'a.txt'))).toBe('größe');
      expect(await ask(kernel, 'readText', join(mine, 'a.txt'))).toBe('größe');
      expect(await codeOf(kernel, 'readText', join(mine, 'a.txt'))).toBe('permission/rate');
    });

    it('reads, writes, lists, inspects and removes what is granted', async () => {
      const kernel = await own();
      expect(await ask(kernel, 'readText', join(mine, 'a.txt'))).toBe('größe');
      await ask(kernel, 'write', join(mine, 'new.txt'), 'one');
      await ask(kernel, 'write', join(mine, 'new.txt'), new Uint8Array([50]));
      expect(await readFile(join(mine, 'new.txt'), 'utf8')).toBe('2');
      expect(await ask(kernel, 'stat', join(mine, 'new.txt'))).toMatchObject({
        kind: 'file',
        size: 1,
      });
      expect(await ask(kernel, 'list', mine)).toEqual([
        'a.txt',
        'inner.txt',
        'link.txt',
        'linked',
        'new.txt',
        'pipe',
        'sub',
      ]);
      expect([
        await ask(kernel, 'remove', join(mine, 'new.txt')),
        await ask(kernel, 'remove', join(mine, 'new.txt')),
        await ask(kernel, 'stat', join(mine, 'new.txt')),
      ]).toEqual([true, false, undefined]);
      expect(await readdir(mine)).toHaveLength(6);
    });

    it('reaches nothing else, by any spelling or link', async () => {
      const kernel = await own();
      const out = [
        join(theirs, 'secret.txt'),
        `${mine}/../theirs/secret.txt`,
        `${mine}//a.txt`,
        `${mine}/./a.txt`,
        `${mine}/sub/../../theirs/secret.txt`,
        'a.txt',
        '',
        '/',
        `${mine}/a.txt\0.png`,
        `${mine}x/a.txt`,
      ];
      for (const path of out) {
        expect(await codeOf(kernel, 'read', path), path).toMatch(
          /^(permission\/denied|fs\/invalid)$/,
        );
        expect(await codeOf(kernel, 'write', path, 'x'), path).toMatch(
          /^(permission\/denied|fs\/invalid)$/,
        );
      }
      for (const path of [
        'link.txt',
        'inner.txt',
        'linked/secret.txt',
        'sub/etc/hostname',
        'pipe',
        'sub',
        'missing/x',
      ]) {
        expect(await codeOf(kernel, 'read', join(mine, path)), path).toMatch(
          /^(permission\/denied|fs\/invalid|fs\/failed)$/,
        );
      }
      for (const path of [
        'linked/new.txt',
        'sub/etc/new',
        'sub',
        'pipe',
        'link.txt',
        'missing/x',
      ]) {
        expect(await codeOf(kernel, 'write', join(mine, path), 'x'), path).toMatch(
          /^(permission\/denied|fs\/invalid|fs\/failed)$/,
        );
      }
      expect(await codeOf(kernel, 'list', join(mine, 'linked'))).toBe('permission/denied');
      expect(await codeOf(kernel, 'remove', join(mine, 'linked/secret.txt'))).toBe(
        'permission/denied',
      );
      expect(await codeOf(kernel, 'remove', join(mine, 'sub'))).toBe('fs/invalid');
      expect([await readdir(theirs), await readFile(join(theirs, 'secret.txt'), 'utf8')]).toEqual([
        ['secret.txt'],
        'secret',
      ]);
    });

    it('reads without the right to write, writes without the right to read, and does neither without both', async () => {
      const reader = await start({ fs: { read: [`${mine}/*`] } });
      expect([
        await ask(reader, 'readText', join(mine, 'a.txt')),
        await codeOf(reader, 'write', join(mine, 'b.txt'), 'x'),
        await codeOf(reader, 'remove', join(mine, 'a.txt')),
      ]).toEqual(['größe', 'permission/denied', 'permission/denied']);
      const denied = await start({});
      for (const verb of ['read', 'list', 'stat', 'remove'])
        expect(await codeOf(denied, verb, join(mine, 'a.txt')), verb).toBe('permission/denied');
      expect((await rejection(denied.commands.execute('test.files:env', 'HOME'))).code).toBe(
        'permission/denied',
      );
    });

    it('reads one variable of the environment, when it may', async () => {
      process.env.PLINTH_TEST_SHOWN = 'shown';
      const kernel = await start({ env: { read: ['PLINTH_TEST_*'] } });
      expect([
        await kernel.commands.execute('test.files:env', 'PLINTH_TEST_SHOWN'),
        await kernel.commands.execute('test.files:env', 'PLINTH_TEST_NONE'),
      ]).toEqual(['shown', undefined]);
      expect((await rejection(kernel.commands.execute('test.files:env', 'PATH'))).code).toBe(
        'permission/denied',
      );
    });
  });
}
