/**
 * Ownership of a plugin's id: data, permissions and callers stay with the publisher or origin that
 * has them, unless a change of owner is agreed to by name.
 */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  memoryStorage,
  type PluginPackage,
  packageOf,
  type StorageAdapter,
} from '@plinth/kernel';
import { createSigningKey, signPackage } from '@plinth/sdk/signing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const ID = 'com.acme.notes';
const permissions = { storage: { read: true, write: true }, secrets: { read: ['*'] } };

/** A version of the plugin that reports its identity and what it finds. */
const notes = (version: string, manifest: object = {}) =>
  pluginOf(
    ID,
    `ctx.commands.handle('who', () => '${version}');
     ctx.commands.handle('write', (text) => ctx.storage.set('note', text));
     ctx.commands.handle('read', async () => [await ctx.storage.get('note'), await ctx.secrets.get('key'), ctx.config.size]);`,
    {
      version,
      permissions,
      config: { type: 'object', properties: { size: { type: 'number' } } },
      ...manifest,
    },
  );
/** The same, from an origin. */
const from = (origin: string, version: string, manifest = {}): PluginPackage => ({
  ...packageOf(notes(version, manifest)),
  origin,
});
const GOOD = 'https://plugins.acme.example/notes/plugin.json';
const EVIL = 'https://evil.example/notes/plugin.json';

const sourceOf = (packages: readonly PluginPackage[]) => ({
  async *discover() {
    yield* packages;
  },
});

async function start(
  packages: readonly PluginPackage[],
  options: KernelOptions & { storage?: StorageAdapter } = {},
): Promise<Kernel> {
  const kernel = await createKernel({
    host: createHost(),
    ...options,
    sources: [sourceOf(packages)],
  });
  onTestFinished(() => kernel.stop());
  await kernel.start();
  return kernel;
}

const ask = (kernel: Kernel, member: string, input?: unknown) =>
  kernel.commands.execute(`${ID}:${member}`, input).catch((error: { code?: string }) => error.code);
const refused = { code: 'permission/consent-required', plugin: ID };
const states = (kernel: Kernel) =>
  kernel.plugins.list().map(({ version, state }) => `${version ?? '?'} ${state}`);

describe(`${runtime}: owners of plugins`, () => {
  it('a later version from another origin is not accepted beside a plugin, wherever it is found', async () => {
    for (const packages of [
      [from(GOOD, '1.0.0'), from(EVIL, '99.0.0')],
      [from('/srv/plugins/notes', '1.0.0'), from('/tmp/uploads/notes', '99.0.0')],
    ]) {
      const kernel = await start(packages);
      expect(await ask(kernel, 'who')).toBe('1.0.0');
      expect(kernel.plugins.get(ID)?.version).toBe('1.0.0');
      expect(kernel.plugins.list({ state: 'failed' }).map(({ error }) => error)).toMatchObject([
        refused,
      ]);
    }
    const lines = await start([
      from(GOOD, '1.0.0'),
      from(GOOD.replace('notes', 'notes2'), '2.0.0'),
    ]);
    expect(await ask(lines, 'who')).toBe('2.0.0');
  });

  it('data of one origin is not readable by another in a later kernel, until it is transferred by name', async () => {
    const storage = outliving(memoryStorage());
    const first = await start([from(GOOD, '1.0.0')], { storage });
    await ask(first, 'write', 'private');
    await first.stop();
    const second = await start([from(EVIL, '99.0.0')], { storage });
    expect(states(second)).toEqual(['99.0.0 failed']);
    expect(second.plugins.get(ID)?.error).toMatchObject({
      ...refused,
      details: { owner: { from: 'https://plugins.acme.example', to: 'https://evil.example' } },
    });
    expect(await ask(second, 'read')).not.toEqual(expect.arrayContaining(['private']));
    await second.stop();
    const third = await start([from(EVIL, '99.0.0'), from(GOOD, '1.1.0')], { storage });
    expect(await ask(third, 'read')).toEqual(['private', undefined, undefined]);
    expect(await ask(third, 'who')).toBe('1.1.0');
    await third.plugins.transfer(ID, 'https://evil.example');
    expect([await ask(third, 'who'), await ask(third, 'read')]).toEqual([
      '99.0.0',
      ['private', undefined, undefined],
    ]);
    expect(
      (await third.audit.entries({ topic: 'plugin:transferred' })).map(({ facts }) => facts),
    ).toEqual([{ from: 'https://plugins.acme.example', to: 'https://evil.example' }]);
    await third.stop();
    expect(await ask(await start([from(GOOD, '1.1.0')], { storage }), 'who')).not.toBe('1.1.0');
  });

  it('install, update and reload of another origin’s package need its name, or a yes to the question that names it', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await start([from(GOOD, '1.0.0')], { storage });
    await ask(kernel, 'write', 'private');
    const asked: unknown[] = [];
    for (const attempt of [
      () => kernel.plugins.update(ID, from(EVIL, '2.0.0'), { consent: true }),
      () => kernel.plugins.install(from(EVIL, '2.0.0')),
      () => kernel.plugins.reload(ID, from(EVIL, '2.0.0')),
      () => kernel.plugins.update(ID, from(EVIL, '2.0.0'), { owner: 'https://other.example' }),
    ])
      expect(await rejection(attempt())).toMatchObject(refused);
    kernel.permissions.onRequest((request) => {
      asked.push(request);
      return false;
    });
    expect(await rejection(kernel.plugins.update(ID, from(EVIL, '2.0.0')))).toMatchObject(refused);
    expect(asked).toMatchObject([
      {
        plugin: ID,
        version: '2.0.0',
        reason: 'owner',
        owner: { from: 'https://plugins.acme.example', to: 'https://evil.example' },
      },
    ]);
    expect(await ask(kernel, 'who')).toBe('1.0.0');
    await kernel.plugins.update(ID, from(GOOD, '1.5.0'));
    expect(await ask(kernel, 'who')).toBe('1.5.0');
    await kernel.plugins.update(ID, from(EVIL, '2.0.0'), { owner: 'https://evil.example' });
    expect([await ask(kernel, 'who'), (await ask(kernel, 'read')) as unknown]).toEqual([
      '2.0.0',
      ['private', undefined, undefined],
    ]);
    // What a rollback restores belongs to the former owner again.
    await kernel.plugins.rollback(ID);
    expect(await ask(kernel, 'who')).toBe('1.5.0');
    expect(await rejection(kernel.plugins.update(ID, from(EVIL, '3.0.0')))).toMatchObject(refused);
    await kernel.stop();
    // Installed packages still belong to their owners.
    expect(await ask(await start([], { storage }), 'who')).toBe('1.5.0');
  });

  it('a verified publisher owns an id for packages from any place, and before unsigned ones; another publisher needs consent', async () => {
    const [acme, evil] = [await createSigningKey(), await createSigningKey()];
    const keys = Object.fromEntries(
      [
        [acme, 'Acme'],
        [evil, 'Evil'],
      ].map(([key, publisher]) => [
        (key as typeof acme).keyId,
        {
          publicKey: (key as typeof acme).publicKey,
          publisher: publisher as string,
          scopes: ['com.acme.*'],
        },
      ]),
    );
    const signed = async (
      key: typeof acme,
      origin: string,
      version: string,
    ): Promise<PluginPackage> => {
      const { manifest, code } = notes(version);
      const text = JSON.stringify(manifest);
      const utf8 = new TextEncoder();
      const files = new Map([
        ['plugin.json', utf8.encode(text)],
        ['plugin.js', utf8.encode(code)],
      ]);
      const signature = await signPackage({ files, key });
      return { ...packageOf({ manifest: text, code, signature }), origin };
    };
    const storage = outliving(memoryStorage());
    const policy = { signatures: { keys, required: 'none' } } as const;
    const first = await start(
      [
        from(EVIL, '98.0.0'),
        await signed(evil, EVIL, '99.0.0').then((one) => ({ ...one, origin: '/x/evil' })),
        await signed(acme, GOOD, '1.0.0'),
      ],
      {
        storage,
        policy,
      },
    );
    // Of two known publishers the first one that is found owns it: here that is the other one.
    expect(await ask(first, 'who')).toBe('99.0.0');
    await first.stop();
    const fresh = outliving(memoryStorage());
    const kernel = await start([from(EVIL, '98.0.0'), await signed(acme, GOOD, '1.0.0')], {
      storage: fresh,
      policy,
    });
    expect(await ask(kernel, 'who')).toBe('1.0.0');
    await ask(kernel, 'write', 'private');
    await kernel.plugins.update(
      ID,
      await signed(acme, 'https://mirror.example/notes.json', '1.1.0'),
    );
    expect(
      await rejection(kernel.plugins.update(ID, await signed(evil, GOOD, '1.2.0'))),
    ).toMatchObject({
      ...refused,
      details: { owner: { from: 'publisher:Acme', to: 'publisher:Evil' } },
    });
    expect(await rejection(kernel.plugins.update(ID, from(GOOD, '1.2.0')))).toMatchObject(refused);
    expect(await ask(kernel, 'read')).toEqual(['private', undefined, undefined]);
    await kernel.plugins.uninstall(ID);
    expect(
      await rejection(kernel.plugins.install(await signed(evil, GOOD, '2.0.0'))),
    ).toMatchObject(refused);
    await kernel.plugins.install(await signed(acme, 'https://mirror.example/notes.json', '2.0.0'));
    await kernel.plugins.activate(ID);
    expect(await ask(kernel, 'read')).toEqual(['private', undefined, undefined]);
  });

  it('packages of the application and of this disk may move between places', async () => {
    const storage = outliving(memoryStorage());
    const first = await start([from('/srv/v1/notes', '1.0.0')], { storage });
    await ask(first, 'write', 'kept');
    await first.stop();
    const second = await start([from('/srv/v2/notes', '1.0.0')], { storage });
    await second.plugins.update(ID, packageOf(notes('2.0.0')));
    expect([await ask(second, 'who'), await ask(second, 'read')]).toEqual([
      '2.0.0',
      ['kept', undefined, undefined],
    ]);
  });

  it('data of an uninstalled plugin is listed, stays with its owner, and is deleted by a purge', async () => {
    const storage = outliving(memoryStorage());
    const secrets = { key: new Uint8Array(32).fill(7) };
    const first = await start([], { storage, secrets });
    const fill = async (kernel: Kernel) => {
      await kernel.plugins.install(from(GOOD, '1.0.0'));
      await kernel.plugins.activate(ID);
      await ask(kernel, 'write', 'private');
      await kernel.secrets.set(ID, 'key', 'secret-1');
      await kernel.config.set(ID, { size: 7 }, 'user');
      await kernel.permissions.grant(ID, 'events.emit', 'app:*');
    };
    await fill(first);
    expect(await first.plugins.leftovers()).toEqual([]);
    await first.plugins.uninstall(ID);
    const left = {
      plugin: ID,
      owner: 'https://plugins.acme.example',
      keys: 1,
      secrets: true,
      settings: true,
      grants: true,
    };
    expect(await first.plugins.leftovers()).toEqual([left]);
    await first.stop();
    const second = await start([], { storage, secrets });
    expect(await second.plugins.leftovers()).toEqual([left]);
    expect(await rejection(second.plugins.install(from(EVIL, '2.0.0')))).toMatchObject(refused);
    await second.plugins.install(from(GOOD, '1.1.0'));
    await second.plugins.activate(ID);
    expect(await ask(second, 'read')).toEqual(['private', 'secret-1', 7]);
    await second.plugins.install(from(GOOD, '2.0.0'));
    expect((await rejection(second.plugins.uninstall(`${ID}@1.1.0`, { purge: true }))).code).toBe(
      'kernel/invalid-option',
    );
    await second.plugins.uninstall(ID, { purge: true });
    expect(await second.plugins.leftovers()).toEqual([]);
    await second.plugins.install(from(EVIL, '2.0.0'));
    await second.plugins.activate(ID);
    expect(await ask(second, 'read')).toEqual([undefined, undefined, undefined]);
    expect([
      second.permissions.check(ID, 'events.emit', 'app:x'),
      await second.secrets.names(ID),
      second.config.get(ID),
    ]).toEqual([false, [], {}]);
    await second.plugins.uninstall(ID);
    expect(await second.plugins.leftovers()).toMatchObject([
      { plugin: ID, owner: 'https://evil.example', keys: 0 },
    ]);
    // The remaining data may also be purged later.
    await second.plugins.uninstall(ID, { purge: true });
    expect(await second.plugins.leftovers()).toEqual([]);
    expect((await rejection(second.plugins.uninstall(ID, { purge: true }))).code).toBe(
      'plugin/not-found',
    );
    await second.stop();
    const third = await start([], { storage, secrets });
    expect([await third.plugins.leftovers(), await storage.keys(`tenant-0\0${ID}\0`)]).toEqual([
      [],
      [],
    ]);
  });

  it("kernel.storage lists, reads, exports, imports and deletes a plugin's data, while it runs and after it is gone", async () => {
    const kernel = await start([from(GOOD, '1.0.0')]);
    const data = kernel.storage.of(ID);
    await ask(kernel, 'write', 'a');
    expect([await data.list(), await data.list('x'), [...(await data.export())]]).toEqual([
      ['note'],
      [],
      [['note', 'a']],
    ]);
    expect([await data.read('note'), await data.read('none')]).toEqual(['a', undefined]);
    await data.import([
      ['note', 'b'],
      ['when', new Date(0)],
    ]);
    expect([((await ask(kernel, 'read')) as unknown[])[0], await data.list()]).toEqual([
      'b',
      ['note', 'when'],
    ]);
    expect([await data.delete('when'), await data.delete('when')]).toEqual([true, false]);
    expect(await data.list()).toEqual(['note']);
    expect((await rejection(data.delete(''))).code).toBe('storage/invalid-key');
    const kept = await data.export();
    await kernel.plugins.uninstall(ID);
    await data.purge();
    expect([await data.list(), (await kernel.plugins.leftovers())[0]?.keys]).toEqual([[], 0]);
    await data.import(kept);
    expect(await data.export()).toEqual(kept);
    expect((await rejection(data.import([['', 1]]))).code).toBe('storage/invalid-key');
    for (const id of ['plinth', '', '../x', 1])
      expect(() => kernel.storage.of(id as string)).toThrow(
        expect.objectContaining({ code: 'storage/invalid-key' }),
      );
    expect(await kernel.storage.of('com.acme.other').list()).toEqual([]);
  });
});
