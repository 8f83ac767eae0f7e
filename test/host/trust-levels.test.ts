/**
 * The effects of a trust level: isolation, limits and permissions; and the permission that plugins
 * have unless it is denied.
 */

import type { Host, KernelOptions } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { has } from '../matrix/gaps.ts';
import { nextEvent, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';
import { ask, other, user } from './permissions-conformance.ts';

const setting: Setting = { isolation: 'worker', createHost };
const wall = await has('wall');

/** A host that records its launch requests. */
function watched(seen: string[]): Host {
  const host = createHost();
  return {
    ...host,
    launch: (request) => {
      seen.push(request.isolation);
      return host.launch(request);
    },
  };
}

describe('a partner', () => {
  it('runs as a process where the runtime has them, else as a worker', async () => {
    const seen: string[] = [];
    const kernel = await startKernel(
      { isolation: 'worker', createHost: () => watched(seen) },
      [pluginOf('test.partner', `ctx.commands.handle('ping', () => 'pong');`)],
      {
        policy: { trust: [{ level: 'partner' }] },
      },
    );
    expect(await kernel.commands.execute('test.partner:ping')).toBe('pong');
    expect(seen).toEqual([wall ? 'process' : 'worker']);
  });

  it('runs as a worker where the host has no processes', async () => {
    const seen: string[] = [];
    const createWorkers = () => ({
      ...watched(seen),
      offers: (isolation: string) => isolation === 'worker',
    });
    const kernel = await startKernel(
      { isolation: 'worker', createHost: createWorkers },
      [pluginOf('test.partner', `ctx.commands.handle('ping', () => 'pong');`)],
      {
        policy: { trust: [{ level: 'partner' }] },
      },
    );
    expect(await kernel.commands.execute('test.partner:ping')).toBe('pong');
    expect(seen).toEqual(['worker']);
  });

  it('has its resources watched', async () => {
    const kernel = await startKernel(
      setting,
      [
        pluginOf(
          'test.partner',
          `ctx.commands.handle('log', (n) => { for (let i = 0; i < n; i++) ctx.logger.info('line'); });`,
        ),
      ],
      {
        policy: { trust: [{ level: 'partner' }] },
      },
    );
    const limited = nextEvent(kernel, 'resource:limited');
    await kernel.commands.execute('test.partner:log', 400);
    expect(await limited).toMatchObject({ plugin: 'test.partner', resource: 'logs', of: 'plugin' });
  });
});

describe('a trusted plugin', () => {
  const trusted = (options: KernelOptions = {}) =>
    startKernel(setting, [user(), other], {
      ...options,
      policy: { trust: [{ level: 'trusted' }], ...options.policy },
    });

  it('has all permissions without listing one', async () => {
    const kernel = await trusted();
    expect(await ask(kernel, 'call', 'test.other:ping')).toBe('pong');
    expect(await ask(kernel, 'store')).toBe('stored');
    expect(await ask(kernel, 'read')).toBe('read');
    expect(await ask(kernel, 'emit', 'test.other:topic')).toBe('emitted');
    expect(await ask(kernel, 'send', 'test.other')).toBe('got');
    await ask(kernel, 'wrap', 'command:test.other:*');
    expect(kernel.permissions.check('test.user', 'network.fetch', 'GET https://example.com/')).toBe(
      true,
    );
    expect(kernel.permissions.check('test.user', 'wasm')).toBe(true);
  });

  it('has them within policy, without revoked ones', async () => {
    const kernel = await trusted({
      policy: {
        permissions: {
          commands: { execute: ['test.other:*'] },
          storage: { read: true, write: true },
        },
      },
    });
    expect(await ask(kernel, 'call', 'test.other:ping')).toBe('pong');
    expect(await ask(kernel, 'emit', 'test.other:topic')).toBe('permission/denied');
    await kernel.permissions.revoke('test.user', 'storage.write');
    expect(await ask(kernel, 'store')).toBe('permission/denied');
    expect(await ask(kernel, 'read')).toBe('read');
  });

  it('is named by policy: another one has what its manifest lists', async () => {
    const kernel = await startKernel(setting, [user(), other], {
      policy: { trust: [{ level: 'trusted', plugins: ['test.other'] }, { level: 'partner' }] },
    });
    expect(await ask(kernel, 'call', 'test.other:ping')).toBe('permission/denied');
    expect(await ask(kernel, 'store')).toBe('permission/denied');
  });
});

describe('logs.write', () => {
  const logging = (permissions = {}) =>
    bundleOf(
      'test.logs',
      `export default { activate(ctx) { ctx.commands.handle('log', (text) => { ctx.logger.info(text); console.log(text); }); } };`,
      { permissions },
    );
  const lines = async (kernel: Awaited<ReturnType<typeof startKernel>>, text: string) => {
    await kernel.commands.execute('test.logs:log', text);
    return kernel.logger.recent('test.logs').filter(({ message }) => message === text).length;
  };

  it("is given where manifest and policy don't mention it", async () => {
    expect(await lines(await startKernel(setting, [logging()]), 'a')).toBe(2);
    expect(
      await lines(
        await startKernel(setting, [logging()], {
          policy: { permissions: { storage: { read: true } } },
        }),
        'a',
      ),
    ).toBe(2);
  });

  it('can be denied by the manifest, by policy, and at run time', async () => {
    expect(
      await lines(await startKernel(setting, [logging({ logs: { write: false } })]), 'a'),
    ).toBe(0);
    const kernel = await startKernel(setting, [logging()], {
      policy: { permissions: { logs: { write: false } } },
    });
    const denied = nextEvent(kernel, 'permission:denied');
    expect(await lines(kernel, 'a')).toBe(0);
    expect(await denied).toMatchObject({ plugin: 'test.logs', permission: 'logs.write' });
    const other = await startKernel(setting, [logging()]);
    expect(await lines(other, 'a')).toBe(2);
    await other.permissions.revoke('test.logs', 'logs.write');
    expect(await lines(other, 'b')).toBe(0);
    await other.permissions.grant('test.logs', 'logs.write');
    expect(await lines(other, 'c')).toBe(2);
  });
});
