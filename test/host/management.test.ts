/**
 * Plugins that manage plugins, read system facts, and access settings of others: within their
 * permissions, audited.
 */

import { type Kernel, type KernelOptions, type PermissionRequest, packageOf } from '@plinth/kernel';
import { contract } from '@plinth/sdk';
import type { ManifestInput } from '@plinth/sdk/contract';
import { Plugins, Settings, System } from '@plinth/sdk/contracts';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

type Permissions = ManifestInput['permissions'];
const CODE = `const said = (promise) => promise.then((value) => value === undefined ? 'done' : value, (error) => [error.code, error.details?.reason ?? error.details?.onBehalfOf ?? null]);
  ctx.commands.handle('do', ([command, input]) => said(ctx.commands.execute('plinth.' + command, input)));
  ctx.commands.handle('get', (id) => said(ctx.settings.get(id)));
  ctx.commands.handle('set', ([id, patch]) => said(ctx.settings.set(id, patch)));
  ctx.commands.handle('list', async () => (await ctx.commands.list()).map(({ id }) => id).filter((id) => id.startsWith('plinth.')));`;
const manager = (
  permissions: Permissions,
  id = 'test.manager',
  manifest: Partial<ManifestInput> = {},
) => pluginOf(id, CODE, { permissions, ...manifest });
const target = (id = 'test.target', version = '1.0.0', manifest: Partial<ManifestInput> = {}) =>
  pluginOf(id, `ctx.commands.handle('version', () => '${version}');`, {
    version,
    activation: ['startup'],
    ...manifest,
  });
const MANAGE = { plugins: { manage: ['test.target', 'test.more*'] } };
const ask = (kernel: Kernel, command: string, input?: unknown, by = 'test.manager') =>
  kernel.commands.execute(`${by}:do`, [command, input]);
const packed = (pkg: ReturnType<typeof target>) => ({
  manifest: JSON.stringify(pkg.manifest),
  code: pkg.code,
});
const managed = async (kernel: Kernel) =>
  (await kernel.audit.entries({ topic: 'plugin:managed' })).map(
    ({ plugin, facts: { action, target: of, ok, code } }) =>
      [plugin, action, of, ok, code].filter((one) => one !== undefined),
  );

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  const start = (
    permissions: Permissions,
    options: KernelOptions = {},
    manifest: Partial<ManifestInput> = {},
  ) =>
    startKernel(
      setting,
      [manager(permissions, 'test.manager', manifest), target(), target('test.other')],
      options,
    );

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: plinth.plugins@1`, () => {
    it('lists, shows, disables and enables plugins that the caller may manage, and no others', async () => {
      const kernel = await start(MANAGE);
      expect(await ask(kernel, 'plugins:list')).toMatchObject([
        { id: 'test.target', version: '1.0.0', state: 'active', enabled: true },
      ]);
      expect(await ask(kernel, 'plugins:list', { state: 'failed' })).toEqual([]);
      expect(await ask(kernel, 'plugins:status', { id: 'test.target' })).toMatchObject({
        id: 'test.target',
        running: true,
        because: expect.stringContaining('is active'),
      });
      expect(await ask(kernel, 'plugins:disable', { id: 'test.target' })).toBe('done');
      expect(kernel.plugins.get('test.target')).toMatchObject({
        enabled: false,
        state: 'unloaded',
      });
      expect(await ask(kernel, 'plugins:enable', { id: 'test.target' })).toBe('done');
      expect(kernel.plugins.get('test.target')).toMatchObject({ enabled: true, state: 'active' });
      for (const verb of ['status', 'disable', 'enable', 'uninstall', 'settings'])
        expect(await ask(kernel, `plugins:${verb}`, { id: 'test.other' })).toEqual([
          'permission/denied',
          'manifest',
        ]);
      expect(kernel.plugins.get('test.other')?.state).toBe('active');
      expect(await ask(kernel, 'plugins:disable', { id: 'test.more' })).toEqual([
        'plugin/not-found',
        null,
      ]);
      expect(await ask(kernel, 'plugins:uninstall', { id: 'test.target' })).toBe('done');
      expect(kernel.plugins.get('test.target')).toBe(undefined);
    });

    it('is refused without the right, whatever else the manifest asks for, and respects grants and revocations', async () => {
      const kernel = await start(
        { commands: { execute: ['*'] } },
        {},
        { needs: ['plinth.plugins@^1'] },
      );
      expect(await ask(kernel, 'plugins:list')).toEqual(['permission/denied', 'manifest']);
      expect(await kernel.commands.execute('test.manager:list')).toEqual([]);
      await kernel.permissions.grant('test.manager', 'plugins.manage', 'test.*');
      expect(await ask(kernel, 'plugins:disable', { id: 'test.other' })).toBe('done');
      await kernel.permissions.revoke('test.manager', 'plugins.manage', 'test.*');
      expect(await ask(kernel, 'plugins:enable', { id: 'test.other' })).toEqual([
        'permission/denied',
        'manifest',
      ]);
    });

    it("refuses a plugin's changes of itself, and audits what is done and attempted", async () => {
      const kernel = await start({ plugins: { manage: ['*'] } });
      for (const verb of ['disable', 'enable', 'uninstall'])
        expect(await ask(kernel, `plugins:${verb}`, { id: 'test.manager' })).toEqual([
          'permission/denied',
          'self',
        ]);
      expect(
        await ask(kernel, 'plugins:configure', { id: 'test.manager', patch: { a: 1 } }),
      ).toEqual(['permission/denied', 'self']);
      expect(await ask(kernel, 'plugins:install', packed(target('test.manager', '2.0.0')))).toEqual(
        ['permission/denied', 'self'],
      );
      expect(kernel.plugins.get('test.manager')).toMatchObject({
        version: '1.0.0',
        enabled: true,
        state: 'active',
      });
      expect(await ask(kernel, 'plugins:disable', { id: 'test.target' })).toBe('done');
      expect(await managed(kernel)).toEqual([
        ['test.manager', 'disable', 'test.manager', false, 'permission/denied'],
        ['test.manager', 'enable', 'test.manager', false, 'permission/denied'],
        ['test.manager', 'uninstall', 'test.manager', false, 'permission/denied'],
        ['test.manager', 'configure', 'test.manager', false, 'permission/denied'],
        ['test.manager', 'install', 'test.manager', false, 'permission/denied'],
        ['test.manager', 'disable', 'test.target', true],
      ]);
    });

    it("cannot displace the application's decisions from the audit: these have their own chain", async () => {
      const kernel = await start(MANAGE);
      await kernel.permissions.grant('test.target', 'storage.read');
      const head = await kernel.audit.head();
      for (let n = 0; n < 3; n++) {
        await ask(kernel, 'plugins:disable', { id: 'test.target' });
        await ask(kernel, 'plugins:enable', { id: 'test.target' });
      }
      const entries = await kernel.audit.entries({
        plugin: 'test.target',
        topic: 'plugin:disabled',
      });
      expect(entries.map(({ facts }) => facts)).toEqual(
        Array.from({ length: 3 }, () => ({ version: '1.0.0', by: 'test.manager' })),
      );
      // The chain of decisions ends where it did before.
      const after = await kernel.audit.head();
      expect(after.chains?.decisions).toEqual(head.chains?.decisions);
      await kernel.plugins.disable('test.target');
      expect((await kernel.audit.head()).chains?.decisions).not.toEqual(head.chains?.decisions);
    });

    it('installs and updates packages; one that asks for more than the caller has needs consent', async () => {
      const kernel = await start(MANAGE);
      expect(await ask(kernel, 'plugins:install', packed(target('test.more', '1.0.0')))).toEqual({
        id: 'test.more',
        version: '1.0.0',
        updated: false,
      });
      expect(await ask(kernel, 'plugins:enable', { id: 'test.more' })).toBe('done');
      expect(await kernel.commands.execute('test.more:version')).toBe('1.0.0');
      expect(await ask(kernel, 'plugins:install', packed(target('test.more', '1.1.0')))).toEqual({
        id: 'test.more',
        version: '1.1.0',
        updated: true,
      });
      expect(await kernel.commands.execute('test.more:version')).toBe('1.1.0');
      expect(await ask(kernel, 'plugins:install', packed(target('test.elsewhere')))).toEqual([
        'permission/denied',
        'manifest',
      ]);
      expect(await ask(kernel, 'plugins:install', { manifest: '{', code: '' })).toEqual([
        'manifest/not-json',
        null,
      ]);
      const greedy = packed(
        target('test.more-rights', '1.0.0', {
          permissions: { network: { fetch: ['https://example.com'] } },
        }),
      );
      expect(await ask(kernel, 'plugins:install', greedy)).toEqual([
        'permission/consent-required',
        null,
      ]);
      expect(kernel.plugins.get('test.more-rights')).toBe(undefined);
      const asked: PermissionRequest[] = [];
      kernel.permissions.onRequest((request) => {
        asked.push(request);
        return true;
      });
      expect(await ask(kernel, 'plugins:install', greedy)).toMatchObject({
        id: 'test.more-rights',
      });
      expect(asked).toMatchObject([
        {
          plugin: 'test.more-rights',
          reason: 'install',
          by: 'test.manager',
          permissions: { 'network.fetch': ['https://example.com'] },
        },
      ]);
    });

    it('installs a provider of a contract that the application opens, and of no other', async () => {
      const Panel = contract('com.acme.panel@1', {});
      const panel = packed(
        target('test.more', '1.0.0', {
          provides: ['com.acme.panel@1'],
          permissions: { contracts: { provide: ['com.acme.panel'] } },
        }),
      );
      const may = { ...MANAGE, contracts: { provide: ['com.acme.panel'] } };
      const opened = await start(may, { contracts: [Panel] });
      expect(await ask(opened, 'plugins:install', panel)).toMatchObject({ id: 'test.more' });
      const closed = await start(may);
      let asked = 0;
      closed.permissions.onRequest(() => {
        asked += 1;
        return true;
      });
      expect(await ask(closed, 'plugins:install', panel)).toEqual(['manifest/invalid', null]);
      expect([closed.plugins.get('test.more'), asked]).toEqual([undefined, 0]);
    });

    it('needs the rights of all members of the chain of calls', async () => {
      const kernel = await startKernel(setting, [
        pluginOf(
          'test.manager',
          `ctx.commands.handle('stop', (id, call) => ctx.commands.execute('plinth.plugins:disable', { id }, call).then(() => 'done', (error) => [error.code, error.details?.onBehalfOf]));`,
          {
            permissions: MANAGE,
          },
        ),
        pluginOf(
          'test.user',
          `ctx.commands.handle('stop', (id, call) => ctx.commands.execute('test.manager:stop', id, call));`,
          {
            permissions: { commands: { execute: ['test.manager:*'] } },
          },
        ),
        target(),
      ]);
      expect(await kernel.commands.execute('test.user:stop', 'test.target')).toEqual([
        'permission/denied',
        'test.user',
      ]);
      expect(kernel.plugins.get('test.target')?.state).toBe('active');
      expect(await kernel.commands.execute('test.manager:stop', 'test.target')).toBe('done');
    });

    it('refuses an input of another shape', async () => {
      const kernel = await start({ plugins: { manage: ['*'] } });
      for (const input of [undefined, {}, { id: 5 }, { id: 'x'.repeat(129) }])
        expect((await ask(kernel, 'plugins:disable', input)) as string[]).toContain(
          'call/invalid-input',
        );
      expect(await ask(kernel, 'plugins:disable', { id: '*' })).toEqual(['plugin/not-found', null]);
      expect(await ask(kernel, 'plugins:nothing', {})).toContain('call/unknown-command');
    });

    it('is typed, for the application as for plugins', async () => {
      const kernel = await start({});
      expect((await kernel.client(Plugins).list()).map(({ id }) => id)).toEqual([
        'test.manager',
        'test.target',
        'test.other',
      ]);
      await kernel.client(Settings).set({ id: 'test.target', patch: { depth: 2 } });
      expect((await kernel.client(Plugins).settings({ id: 'test.target' })).layers).toEqual({
        depth: { value: 2, layer: 'user' },
      });
      expect((await kernel.client(System).info()).versions.plinth).toBe(kernel.version);
    });

    it('cannot be provided by a plugin', async () => {
      const kernel = await startKernel(setting, [
        pluginOf('test.liar', `ctx.commands.handle('plinth.plugins:list', () => ['lie']);`, {
          provides: ['plinth.plugins@1'],
          permissions: { contracts: { provide: ['*'] } },
        }),
        manager({ plugins: { manage: ['*'] } }),
      ]);
      expect(kernel.plugins.explain('test.liar').because).toContain(
        'only the application and its kernel answer that contract',
      );
      expect(await ask(kernel, 'plugins:list')).toMatchObject([
        { id: 'test.liar' },
        { id: 'test.manager' },
      ]);
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: settings of other plugins`, () => {
    it('are read under config.read and changed under config.write, by ctx.settings', async () => {
      const kernel = await start(
        { config: { read: ['test.target'], write: ['test.target'] } },
        {
          config: {
            global: {
              'test.target': { db: { host: 'a', port: 1 } },
              'test.manager': { own: true },
            },
          },
        },
      );
      expect(await kernel.commands.execute('test.manager:get', 'test.target')).toEqual({
        db: { host: 'a', port: 1 },
      });
      expect(
        await kernel.commands.execute('test.manager:set', ['test.target', { db: { host: 'b' } }]),
      ).toBe('done');
      expect(kernel.config.get('test.target')).toEqual({ db: { host: 'b', port: 1 } });
      expect(kernel.config.layers('test.target')['db.host']).toEqual({ value: 'b', layer: 'user' });
      expect(await kernel.commands.execute('test.manager:get', 'test.other')).toEqual([
        'permission/denied',
        'manifest',
      ]);
      expect(await kernel.commands.execute('test.manager:set', ['test.other', { a: 1 }])).toEqual([
        'permission/denied',
        'manifest',
      ]);
      expect(kernel.config.get('test.other')).toEqual({});
      // It may read its own settings without a permission, and change them with one.
      expect(await kernel.commands.execute('test.manager:get')).toEqual({ own: true });
      expect(
        await kernel.commands.execute('test.manager:set', ['test.manager', { own: false }]),
      ).toEqual(['permission/denied', 'manifest']);
      await kernel.permissions.grant('test.manager', 'config.write', 'test.manager');
      expect(
        await kernel.commands.execute('test.manager:set', ['test.manager', { own: false }]),
      ).toBe('done');
      expect(await kernel.commands.execute('test.manager:get')).toEqual({ own: false });
      expect(await managed(kernel)).toEqual([
        ['test.manager', 'configure', 'test.target', true],
        ['test.manager', 'configure', 'test.other', false, 'permission/denied'],
        ['test.manager', 'configure', 'test.manager', false, 'permission/denied'],
        ['test.manager', 'configure', 'test.manager', true],
      ]);
    });

    it('are not available to a plugin that may only execute everything', async () => {
      const kernel = await start({ commands: { execute: ['*'] } });
      expect(await kernel.commands.execute('test.manager:get', 'test.target')).toEqual([
        'permission/denied',
        'manifest',
      ]);
      expect(await kernel.commands.execute('test.manager:set', ['test.target', {}])).toEqual([
        'permission/denied',
        'manifest',
      ]);
      expect(await kernel.commands.execute('test.manager:get')).toEqual({});
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: plinth.system@1`, () => {
    it('reports what the kernel runs on to plugins that may read it', async () => {
      const kernel = await start({ system: { read: true } }, {}, { needs: ['plinth.system@^1'] });
      expect(await ask(kernel, 'system:info')).toMatchObject({
        tenant: 'tenant-0',
        isolations: expect.arrayContaining(['inline']),
        versions: { plinth: kernel.version },
        load: { plugins: { total: 3, active: 3, suspended: 0, failed: 0 } },
      });
      expect(await ask(await start({ commands: { execute: ['*'] } }), 'system:info')).toEqual([
        'permission/denied',
        'manifest',
      ]);
      if (setting.isolation === 'worker')
        expect(await ask(kernel, 'system:info')).toMatchObject({
          runtime,
          versions: { [runtime]: expect.any(String) },
        });
    });
  });
}

describe('plugins of higher trust', () => {
  const setting: Setting = { isolation: 'worker', createHost };
  const LEVELS: Readonly<Record<string, 'trusted' | 'partner'>> = {
    'test.manager': 'partner',
    'test.equal': 'partner',
  };
  const start = (permissions: Permissions) =>
    startKernel(setting, [manager(permissions), target(), target('test.equal')], {
      policy: { trust: ({ id }) => LEVELS[id] ?? 'trusted' },
    });

  it('are not changed by plugins that the application trusts less', async () => {
    const kernel = await start({ plugins: { manage: ['*'] }, config: { write: ['*'] } });
    for (const verb of ['disable', 'enable', 'uninstall'])
      expect(await ask(kernel, `plugins:${verb}`, { id: 'test.target' })).toEqual([
        'permission/denied',
        'trust',
      ]);
    expect(await kernel.commands.execute('test.manager:set', ['test.target', { a: 1 }])).toEqual([
      'permission/denied',
      'trust',
    ]);
    expect(kernel.plugins.get('test.target')).toMatchObject({ enabled: true, state: 'active' });
    expect(kernel.config.get('test.target')).toEqual({});
    expect(await ask(kernel, 'plugins:status', { id: 'test.target' })).toMatchObject({
      state: 'active',
    });
    expect(await ask(kernel, 'plugins:disable', { id: 'test.equal' })).toBe('done');
  });

  it('are not installed or updated by them either', async () => {
    const kernel = await start({ plugins: { manage: ['*'] } });
    expect(await ask(kernel, 'plugins:install', packed(target('test.more')))).toEqual([
      'permission/denied',
      'trust',
    ]);
    expect(await ask(kernel, 'plugins:install', packed(target('test.target', '2.0.0')))).toEqual([
      'permission/denied',
      'trust',
    ]);
    expect(kernel.plugins.get('test.more')).toBe(undefined);
    expect(kernel.plugins.get('test.target')?.version).toBe('1.0.0');
    await kernel.plugins.install(packageOf(target('test.more')));
    expect(kernel.plugins.get('test.more')?.version).toBe('1.0.0');
    expect(
      (await rejection(kernel.commands.execute('plinth.plugins:uninstall', { id: 'test.none' })))
        .code,
    ).toBe('plugin/not-found');
  });
});
