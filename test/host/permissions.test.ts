/** Permissions in workers and inline; and their persistence. */

import { createKernel, type KernelOptions, memoryStorage, packageSource } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { rejection, type Setting } from '../support/kernels.ts';
import { outliving } from '../support/storages.ts';
import { ask, other, rights, user } from './permissions-conformance.ts';

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[])
  rights(setting);

describe('stored rights', () => {
  const open = async (storage = memoryStorage(), options: KernelOptions = {}) => {
    const kernel = await createKernel({
      isolation: 'inline',
      storage: outliving(storage),
      sources: [packageSource([user({ storage: { write: true } }), other])],
      ...options,
    });
    await kernel.start();
    return kernel;
  };
  it('are restored after a restart, except temporary ones', async () => {
    const storage = memoryStorage();
    const first = await open(storage);
    await first.permissions.grant('test.user', 'commands.execute', 'test.other:*');
    await first.permissions.grant('test.user', 'events.emit', 'app:*', { for: 60_000 });
    await first.permissions.revoke('test.user', 'storage.write');
    await first.stop();
    const second = await open(storage);
    expect([
      await ask(second, 'call', 'test.other:ping'),
      await ask(second, 'emit', 'app:x'),
      await ask(second, 'store'),
    ]).toEqual(['pong', 'permission/denied', 'permission/denied']);
    await second.stop();
  });
  it('that are unreadable grant nothing', async () => {
    const storage = memoryStorage();
    await storage.set('tenant-0\0plinth\0grants\0test.user', { format: 9 });
    const kernel = await open(storage);
    expect([
      await ask(kernel, 'store'),
      kernel.permissions.check('test.other', 'commands.execute', 'test.other:ping'),
    ]).toEqual(['permission/denied', true]);
    expect(
      kernel.logger
        .recent()
        .some(({ message }) => message.includes('kept grants of test.user cannot be read')),
    ).toBe(true);
    await kernel.stop();
  });
  it('refuse unknown plugins, and invalid shapes', async () => {
    const kernel = await open();
    expect(await rejection(kernel.permissions.grant('test.unknown', 'storage.read'))).toMatchObject(
      {
        code: 'plugin/not-found',
      },
    );
    for (const [permission, scope, options] of [
      ['everything', '*', {}],
      ['commands.execute', '', {}],
      ['commands.execute', 'a*b', {}],
      ['commands.execute', 'a:*', { for: 0 }],
      ['commands.execute', 'a:*', { for: Number.NaN }],
    ] as const) {
      expect(
        await rejection(kernel.permissions.grant('test.user', permission as never, scope, options)),
        scope,
      ).toMatchObject({ code: 'permission/invalid' });
    }
    await kernel.stop();
  });
});
