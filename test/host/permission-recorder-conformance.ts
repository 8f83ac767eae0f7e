/** What the permission recorder sees of plugins, for guests of any isolation. */
import { type Kernel, type KernelOptions, packageOf } from '@plinth/kernel';
import { permissionRecorder } from '@plinth/kernel/permission-recorder';
import { type ManifestInput, type Permissions, parseManifest } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf, type TextPackage } from '../support/plugins.ts';

/** Does one thing of each kind, and answers the code of the error or `ok`. */
const BODY = `
  const told = (promise) => promise.then(() => 'ok', (error) => error.code);
  ctx.commands.handle('call', (id) => told(ctx.commands.execute(id)));
  ctx.commands.handle('emit', (topic) => told(ctx.events.emit(topic, 1)));
  ctx.commands.handle('hook', (id) => told(ctx.hooks.collect(id, 1)));
  ctx.commands.handle('send', (to) => told(ctx.messaging.send(to, 1)));
  ctx.commands.handle('secret', (name) => told(ctx.secrets.get(name)));
  ctx.commands.handle('env', (name) => told(ctx.env.get(name)));
  ctx.commands.handle('read', (path) => told(ctx.fs.read(path)));
  ctx.commands.handle('fetch', ([url, method]) => told(ctx.fetch(url, { method })));
  ctx.commands.handle('get', (key) => told(ctx.storage.get(key)));
  ctx.commands.handle('set', ([key, value]) => told(ctx.storage.set(key, value)));
  ctx.commands.handle('on', (topic) => (ctx.events.on(topic, () => {}), ctx.permissions.has('wasm')));
  ctx.commands.handle('log', () => ctx.logger.info('said'));
  ctx.commands.handle('many', async (count) => { for (let n = 0; n < count; n++) await ctx.commands.execute('test.other:work'); });
`;
const userOf = (
  permissions: Permissions | ManifestInput['permissions'],
  more: Partial<ManifestInput> = {},
  body = BODY,
) =>
  pluginOf('test.user', body, {
    permissions: permissions as ManifestInput['permissions'],
    ...more,
  });
const other = pluginOf(
  'test.other',
  `for (const name of ['work', ...'abcdefghij']) ctx.commands.handle(name, () => name);`,
);

/** Declares a right of each kind twice: one that is used, and one that isn't. */
const WIDE = {
  storage: { read: true, write: ['note:*', 'draft:*'], quota: '1MB' },
  network: { fetch: ['https://api.example.com/v1/*', 'https://other.example.com'] },
  commands: { execute: ['test.other:*', 'com.acme.*'] },
  events: { subscribe: ['news:*', 'app:*'], emit: ['app:a', 'app:b'] },
  middleware: { use: ['command:test.other:*'] },
  hooks: { call: ['app:ask'], handle: ['app:ask', 'app:never'] },
  messaging: { send: ['test.other'] },
  fs: { read: ['data/*'] },
  env: { read: ['HOME', 'PATH'] },
  secrets: { read: ['token', 'password'] },
  system: { read: true },
} as const satisfies ManifestInput['permissions'];

export function permissionRecorderConformance(name: string, setting: Setting): void {
  const start = (packages: readonly TextPackage[], options: KernelOptions = {}) =>
    startKernel(setting, packages, { ...options, extensions: [permissionRecorder()] });
  const ask = (kernel: Kernel, command: string, input?: unknown) =>
    kernel.commands.execute(`test.user:${command}`, input);
  const observed = (kernel: Kernel, version?: string) =>
    kernel.extension(permissionRecorder).observed('test.user', version);

  describe(`${name}: the permission recorder`, () => {
    it('sees uses of every kind, and writes the least permissions that cover them', async () => {
      const body = `${BODY}
        ctx.events.on('news:today', () => {});
        ctx.hooks.handle('app:ask', (value) => value);
        ctx.middleware.use('command:test.other:work', (call, next) => next());`;
      const kernel = await start([userOf(WIDE, {}, body), other]);
      await kernel.secrets.set('test.user', 'token', 'a-secret-value');
      expect(await ask(kernel, 'call', 'test.other:work')).toBe('ok');
      expect(await ask(kernel, 'emit', 'app:a')).toBe('ok');
      expect(await ask(kernel, 'hook', 'app:ask')).toBe('ok');
      expect(await ask(kernel, 'secret', 'token')).toBe('ok');
      expect(await ask(kernel, 'set', ['note:1', 'x'.repeat(5_000)])).toBe('ok');
      expect(await ask(kernel, 'get', 'note:1')).toBe('ok');
      await ask(kernel, 'env', 'HOME');
      await ask(kernel, 'read', 'data/missing.txt');
      await ask(kernel, 'send', 'test.other');
      await ask(kernel, 'fetch', ['https://api.example.com/v1/x?token=secret', 'POST']);
      await ask(kernel, 'log');
      const { least, unused, missing, refused, declared, used, text, partial } =
        await observed(kernel);
      expect(least).toEqual({
        storage: { read: ['note:1'], write: ['note:1'], quota: 16_384 },
        network: { fetch: ['POST https://api.example.com/v1/*'] },
        commands: { execute: ['test.other:work'] },
        events: { subscribe: ['news:today'], emit: ['app:a'] },
        middleware: { use: ['command:test.other:work'] },
        hooks: { call: ['app:ask'], handle: ['app:ask'] },
        messaging: { send: ['test.other'] },
        fs: { read: ['data/missing.txt'] },
        env: { read: ['HOME'] },
        secrets: { read: ['token'] },
      });
      expect(unused).toEqual({
        storage: { write: ['draft:*'] },
        network: { fetch: ['https://other.example.com'] },
        commands: { execute: ['com.acme.*'] },
        events: { subscribe: ['app:*'], emit: ['app:b'] },
        hooks: { handle: ['app:never'] },
        env: { read: ['PATH'] },
        secrets: { read: ['password'] },
        system: { read: true },
      });
      expect([missing, refused, partial]).toEqual([{}, {}, []]);
      expect(used.network).toEqual({ fetch: ['POST https://api.example.com'] });
      expect(declared).toEqual(WIDE);
      expect(text).toContain('unused env.read: "PATH"');
      expect(text).not.toContain('token=');
      // What is written is a manifest's, and the plugin does the same with it.
      const { manifest } = userOf(least, {}, body);
      expect(parseManifest(manifest).permissions).toEqual(least);
      const next = await start([userOf(least, {}, body), other]);
      for (const [command, input] of [
        ['call', 'test.other:work'],
        ['emit', 'app:a'],
        ['hook', 'app:ask'],
        ['secret', 'token'],
        ['set', ['note:1', 'x'.repeat(5_000)]],
        ['get', 'note:1'],
      ] as const)
        expect(await ask(next, command, input)).toBe('ok');
      expect((await observed(next)).unused).toEqual({
        network: { fetch: ['POST https://api.example.com/v1/*'] },
        messaging: { send: ['test.other'] },
        fs: { read: ['data/missing.txt'] },
        env: { read: ['HOME'] },
      });
    });

    it('grants nothing: what is refused is missing, and stays refused', async () => {
      const kernel = await start([userOf({ commands: { execute: ['test.other:a'] } }), other]);
      for (let n = 0; n < 2; n++) {
        expect(await ask(kernel, 'call', 'test.other:work')).toBe('permission/denied');
        expect(await ask(kernel, 'set', ['a', 1])).toBe('permission/denied');
        await ask(kernel, 'on', 'news:*');
      }
      const { least, missing, refused, text } = await observed(kernel);
      expect(least).toEqual({});
      expect(missing).toEqual({
        storage: { write: ['a'] },
        commands: { execute: ['test.other:work'] },
        events: { subscribe: ['news:*'] },
      });
      expect(refused).toEqual(missing);
      expect(text).toContain('missing storage.write: "a"');
      expect(kernel.permissions.check('test.user', 'storage.write', 'a')).toBe(false);
    });

    it('writes one scope for a contract only above eight names, and never a wider one than declared', async () => {
      const kernel = await start([userOf({ commands: { execute: ['test.other:*'] } }), other]);
      const names = [...'abcdefgh'].map((one) => `test.other:${one}`);
      for (const id of names) await ask(kernel, 'call', id);
      expect((await observed(kernel)).least).toEqual({ commands: { execute: names } });
      await ask(kernel, 'call', 'test.other:i');
      expect((await observed(kernel)).least).toEqual({ commands: { execute: ['test.other:*'] } });
      const listed = [...names, 'test.other:i', 'test.other:j'];
      const narrow = await start([userOf({ commands: { execute: listed } }), other]);
      for (const id of listed.slice(0, -1)) await ask(narrow, 'call', id);
      const { least, unused } = await observed(narrow);
      expect(least).toEqual({ commands: { execute: listed.slice(0, -1) } });
      expect(unused).toEqual({ commands: { execute: ['test.other:j'] } });
    });

    it('sees every call between plugins, also of a pair that would have a lane', async () => {
      const kernel = await start([userOf({ commands: { execute: ['test.other:*'] } }), other], {
        lanes: { calls: 20 },
      });
      await ask(kernel, 'many', 100);
      await ask(kernel, 'call', 'test.other:b');
      expect(kernel.metrics.snapshot().laneCalls).toBe(0);
      expect((await observed(kernel)).least).toEqual({
        commands: { execute: ['test.other:b', 'test.other:work'] },
      });
    });

    it('goes on through a reload and a restart, begins again with an update, and keeps both apart', async () => {
      const wide = { commands: { execute: ['test.other:*'] } };
      const kernel = await start([userOf(wide), other]);
      await ask(kernel, 'call', 'test.other:a');
      await kernel.plugins.reload('test.user');
      await ask(kernel, 'call', 'test.other:b');
      await kernel.plugins.deactivate('test.user');
      await kernel.plugins.activate('test.user');
      await ask(kernel, 'call', 'test.other:c');
      const three = ['test.other:a', 'test.other:b', 'test.other:c'];
      expect((await observed(kernel)).least).toEqual({ commands: { execute: three } });
      await kernel.plugins.update('test.user', packageOf(userOf(wide, { version: '1.1.0' })));
      await ask(kernel, 'call', 'test.other:d');
      expect(await observed(kernel)).toMatchObject({
        version: '1.1.0',
        least: { commands: { execute: ['test.other:d'] } },
      });
      expect((await observed(kernel, '1.0.0')).least).toEqual({ commands: { execute: three } });
      await kernel.extension(permissionRecorder).forget('test.user');
      await ask(kernel, 'call', 'test.other:e');
      expect((await observed(kernel)).least).toEqual({ commands: { execute: ['test.other:e'] } });
    });

    it('keeps what a rate, a revocation and a quota say', async () => {
      const kernel = await start([
        userOf({
          commands: { execute: ['test.other:* 1/h', 'app:*'] },
          storage: { write: true, quota: 1_000 },
        }),
        other,
      ]);
      expect(await ask(kernel, 'call', 'test.other:a')).toBe('ok');
      expect(await ask(kernel, 'call', 'test.other:a')).toBe('permission/rate');
      expect(await ask(kernel, 'set', ['big', 'x'.repeat(9_000)])).toBe('storage/quota');
      await kernel.permissions.revoke('test.user', 'commands.execute', 'app:*');
      expect(await ask(kernel, 'call', 'app:gone')).toBe('permission/denied');
      expect(await observed(kernel)).toMatchObject({
        least: {
          commands: { execute: ['test.other:a 1/h'] },
          storage: { write: ['big'], quota: 1_000 },
        },
        // The manifest declares it, so it isn't missing there.
        missing: { storage: { quota: 32_768 } },
        refused: { commands: { execute: ['app:gone'] } },
      });
    });

    it('counts what a plugin does for others as a use of theirs, too', async () => {
      const deputy = pluginOf(
        'test.deputy',
        `ctx.commands.handle('do', (id, call) => (call.commands ?? ctx.commands).execute(id));`,
        { permissions: { commands: { execute: ['test.other:*'] } } },
      );
      const kernel = await start([
        userOf(
          { commands: { execute: ['test.deputy:do', 'test.other:*'] } },
          {},
          `ctx.commands.handle('through', (id) => ctx.commands.execute('test.deputy:do', id));`,
        ),
        deputy,
        other,
      ]);
      await ask(kernel, 'through', 'test.other:a');
      expect((await observed(kernel)).least).toEqual({
        commands: { execute: ['test.deputy:do', 'test.other:a'] },
      });
    });
  });
}
