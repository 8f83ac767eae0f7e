/** The permission recorder: what only the kernel's side decides, and guests in workers and inline. */
import type { Kernel } from '@plinth/kernel';
import { permissionRecorder, widening } from '@plinth/kernel/permission-recorder';
import { type ManifestInput, parseManifest } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { permissionRecorderConformance } from './permission-recorder-conformance.ts';

permissionRecorderConformance(`${runtime} worker`, { isolation: 'worker', createHost });
permissionRecorderConformance(`${runtime} inline`, { isolation: 'inline' });
describe.skipIf(!(await has('wall')))('behind a wall', () => {
  permissionRecorderConformance(`${runtime} sandbox`, { isolation: 'sandbox', createHost });
});

const setting = { isolation: 'worker', createHost } as const;
const user = (permissions: ManifestInput['permissions'], more: Partial<ManifestInput> = {}) =>
  pluginOf(
    'test.user',
    `const told = (promise) => promise.then(() => 'ok', (error) => error.code);
     ctx.commands.handle('set', (keys) => Promise.all(keys.map((key) => told(ctx.storage.set(key, 1)))));
     ctx.commands.handle('call', (ids) => Promise.all(ids.map((id) => told(ctx.commands.execute(id)))));
     ctx.commands.handle('settings', ([verb, id]) => told(ctx.commands.execute('plinth.settings:' + verb, { id, patch: {} })));`,
    { permissions, ...more },
  );
const start = (
  packages: Parameters<typeof startKernel>[1],
  options: Parameters<typeof startKernel>[2] = {},
) => startKernel(setting, packages, { ...options, extensions: [permissionRecorder()] });
const observed = (kernel: Pick<Kernel, 'extension'>) =>
  kernel.extension(permissionRecorder).observed('test.user');

describe(`${runtime}: the permission recorder`, () => {
  it('observes each tenant by itself', async () => {
    const kernel = await start([user({ storage: { write: true } })]);
    const acme = kernel.tenant('acme');
    await acme.start();
    await kernel.commands.execute('test.user:set', ['a']);
    await acme.commands.execute('test.user:set', ['b']);
    expect((await observed(kernel)).used).toEqual({ storage: { write: ['a'] } });
    expect((await observed(acme)).used).toEqual({ storage: { write: ['b'] } });
  });

  it('observes a trusted plugin, to which everything is open, and says what its manifest lacks', async () => {
    const kernel = await start([user({})], { policy: { trust: [{ level: 'trusted' }] } });
    expect(await kernel.commands.execute('test.user:set', [['a'], ['b']].flat())).toEqual([
      'ok',
      'ok',
    ]);
    const wanted = { storage: { write: ['a', 'b'], quota: 4_096 } };
    expect(await observed(kernel)).toMatchObject({
      least: wanted,
      missing: { storage: { write: ['a', 'b'] } },
      declared: {},
      refused: {},
    });
  });

  it('leaves out what needs allow, and what a plugin owns', async () => {
    const other = pluginOf('test.other', `ctx.commands.handle('a', () => 1);`, {
      provides: ['test.other@1'],
    });
    const kernel = await start([user({}, { needs: ['test.other@^1'] }), other]);
    expect(
      await kernel.commands.execute('test.user:call', ['test.other:a', 'test.user:set']),
    ).toContain('ok');
    expect(await observed(kernel)).toMatchObject({
      used: { commands: { execute: ['test.other:a'] } },
      least: {},
      missing: {},
    });
  });

  it('names the plugin whose settings are read, and any plugin where none may be', async () => {
    const other = pluginOf('test.other', '');
    const one = await start([user({ config: { read: ['test.other', 'com.acme.*'] } }), other]);
    expect(await one.commands.execute('test.user:settings', ['get', 'test.other'])).toBe('ok');
    expect(await one.commands.execute('test.user:settings', ['set', 'test.other'])).toBe(
      'permission/denied',
    );
    expect(await observed(one)).toMatchObject({
      least: { config: { read: ['test.other'] } },
      unused: { config: { read: ['com.acme.*'] } },
      missing: { config: { write: ['*'] } },
    });
  });

  it('sees a provider of an open contract, a manager without a subject, and keeps what it cannot see', async () => {
    const permissions = {
      contracts: { provide: ['plinth.message-handler', 'plinth.http-routes'] },
      plugins: { manage: ['com.acme.*'] },
      wasm: true,
    };
    const kernel = await start(
      [
        pluginOf(
          'test.user',
          `ctx.commands.handle('plinth.message-handler:handle', () => 1);
           ctx.commands.handle('list', () => ctx.commands.execute('plinth.plugins:list'));`,
          { permissions, provides: ['plinth.message-handler@1'] },
        ),
      ],
      { policy: { permissions } },
    );
    await kernel.commands.execute('test.user:list');
    expect(await observed(kernel)).toMatchObject({
      least: {
        contracts: { provide: ['plinth.message-handler'] },
        plugins: { manage: ['com.acme.*'] },
        wasm: true,
      },
      unused: { contracts: { provide: ['plinth.http-routes'] } },
      missing: {},
    });
  });

  it('stays within bounds, and writes a valid manifest, whatever names a plugin chooses', async () => {
    const declared = { storage: { write: ['k*', 'x*', 'unused*'] }, commands: { execute: ['*'] } };
    const kernel = await start([user(declared)]);
    const odd = ['x 10/s', 'x*y', 'x'.repeat(511), 'x\u0000', 'x*', 'x "quoted"'];
    await kernel.commands.execute('test.user:set', odd);
    await kernel.commands.execute('test.user:call', [
      'Not A Name',
      '*',
      'a*b',
      `a:${'b'.repeat(300)}`,
    ]);
    const some = await observed(kernel);
    expect(some.partial).toEqual([]);
    const manifest = { ...user({}).manifest, permissions: some.least as never };
    expect(parseManifest(manifest).permissions).toEqual(some.least);
    expect(some.least.storage?.write).toEqual(['x*']);
    const keys = Array.from({ length: 400 }, (_, n) => `k${n}`);
    await kernel.commands.execute('test.user:set', keys);
    const { least, partial, used } = await observed(kernel);
    expect(partial).toEqual(['storage.write']);
    expect(used.storage?.write).toHaveLength(256);
    expect(least.storage?.write).toEqual(['k*', 'x*']);
  });

  it('answers for a plugin that has not started, and refuses one that is unknown', async () => {
    const kernel = await start([
      user({ storage: { read: true } }, { activation: ['event:never'] }),
    ]);
    expect(await observed(kernel)).toMatchObject({
      least: {},
      used: {},
      unused: { storage: { read: true } },
    });
    const records = kernel.extension(permissionRecorder);
    expect(await rejection(records.observed('test.none'))).toMatchObject({
      code: 'plugin/not-found',
      plugin: 'test.none',
    });
    expect((await rejection(records.observed('test.user', '9.0.0'))).code).toBe('plugin/not-found');
  });

  it('refuses an option that makes no sense', () => {
    for (const exactUpTo of [-1, 1.5, '8', null] as never[])
      expect(() => permissionRecorder({ exactUpTo })).toThrow(
        expect.objectContaining({ code: 'kernel/invalid-option' }),
      );
  });
});

describe(`${runtime}: widening()`, () => {
  const manifest = (more: Partial<ManifestInput>) => ({ ...user({}).manifest, ...more });

  it('names what permissions gain, and nothing where they are the same or fewer', () => {
    const before = { commands: { execute: ['a.b:*'] }, storage: { read: true } } as const;
    expect(widening(before, { commands: { execute: ['a.b:c'] } })).toEqual({});
    expect(widening(before, { commands: { execute: ['a.b:c', 'x.y:z'] }, wasm: true })).toEqual({
      'commands.execute': ['x.y:z'],
      wasm: ['*'],
    });
    expect(widening({}, { services: { get: ['a.b'] } })['commands.execute']).toEqual(['a.b:*']);
  });

  it('compares manifests as updates do: needs and isolation count, too', () => {
    const before = manifest({ permissions: { env: { read: ['A'] } }, isolation: 'sandbox' });
    const after = manifest({
      permissions: { env: { read: ['A', 'B'] } },
      needs: ['a.b@^1'],
      isolation: 'worker',
    });
    expect(widening(before, after)).toMatchObject({
      'env.read': ['B'],
      'commands.execute': ['a.b:*'],
      isolation: ['worker'],
    });
    expect(widening(JSON.stringify(before), JSON.stringify(before))).toEqual({});
  });

  it('reads manifests that provide a contract of the application', () => {
    const before = manifest({});
    const after = manifest({
      provides: ['com.acme.panel@1'],
      permissions: { contracts: { provide: ['com.acme.panel'] } },
    });
    expect(widening(before, after)).toMatchObject({ 'contracts.provide': ['com.acme.panel'] });
    expect(widening(after, after)).toEqual({});
  });

  it('compares a manifest with what was observed, and refuses one that is invalid', async () => {
    const declared = { storage: { read: true, write: true } } as const;
    const kernel = await start([user(declared)]);
    await kernel.commands.execute('test.user:set', ['a']);
    const { least } = await observed(kernel);
    expect(widening(least, manifest({ permissions: declared }))).toEqual({
      'storage.read': ['*'],
      'storage.write': ['*'],
      'storage.quota': ['5000000'],
    });
    expect(widening(manifest({ permissions: declared }), least)).toEqual({});
    expect(() => widening(least, { id: 'Not an id', version: '1' })).toThrow(
      expect.objectContaining({ code: 'manifest/invalid' }),
    );
  });
});
