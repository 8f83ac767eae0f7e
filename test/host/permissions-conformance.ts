/** Permissions that change while plugins run: granted, revoked, granted for a time, requested. */

import type { Kernel, KernelOptions, PermissionRequest } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import { describe, expect, it, vi } from 'vitest';
import { runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** Uses its permissions on request. */
export const user = (permissions: ManifestInput['permissions'] = {}) =>
  pluginOf(
    'test.user',
    `const heard = [];
     ctx.commands.handle('call', (id) => ctx.commands.execute(id).catch((error) => error.code));
     ctx.commands.handle('emit', (topic) => ctx.events.emit(topic, 1).then(() => 'emitted', (error) => error.code));
     ctx.commands.handle('hook', (id) => ctx.hooks.collect(id).then(() => 'asked', (error) => error.code));
     ctx.commands.handle('send', (id) => ctx.messaging.send(id, 1).catch((error) => error.code));
     ctx.commands.handle('store', () => ctx.storage.set('a', 1).then(() => 'stored', (error) => error.code));
     ctx.commands.handle('read', () => ctx.storage.get('a').then(() => 'read', (error) => error.code));
     ctx.commands.handle('keys', async () => { const said = {}; const say = (name, run) => run().then(() => { said[name] = 'yes'; }, (error) => { said[name] = error.code; });
       await say('own', () => ctx.storage.set('settings:a', 1)); await say('other', () => ctx.storage.set('notes:a', 1)); await say('read', () => ctx.storage.get('notes:a'));
       await say('list', () => ctx.storage.keys('settings:')); await say('all', () => ctx.storage.keys()); await say('clear', () => ctx.storage.clear()); return said; });
     ctx.commands.handle('count', async (id) => { try { for await (const n of await ctx.commands.execute(id)) {} return 'all'; } catch (error) { return error.code; } });
     ctx.commands.handle('secret', () => ctx.secrets.get('key').then(() => 'told', (error) => error.code));
     ctx.commands.handle('listen', (pattern) => { ctx.events.on(pattern, ({ topic }) => { heard.push(topic); }); });
     ctx.commands.handle('heard', () => heard);
     ctx.commands.handle('answer', (id) => { ctx.hooks.handle(id, () => 'answer'); });
     ctx.commands.handle('wrap', (target) => { ctx.middleware.use(target, (call, next) => next()); });
     ctx.commands.handle('has', ([permission, scope]) => ctx.permissions.has(permission, scope));
     ctx.commands.handle('often', async () => { for (let n = 0; n < 60; n++) await ctx.commands.execute('test.other:ping'); });
     ctx.commands.handle('request', ([permission, scope, options]) => ctx.permissions.request(permission, scope, options).catch((error) => error.code));`,
    { permissions },
  );
/** The plugin that it calls. */
export const other = pluginOf(
  'test.other',
  `ctx.commands.handle('ping', () => 'pong'); ctx.messaging.on(() => 'got'); ctx.hooks.handle('test.other:hook', () => 1);`,
);
export const ask = (kernel: Kernel, command: string, input?: unknown) =>
  kernel.commands.execute(`test.user:${command}`, input);

/** The same in every isolation. */
export function rights(setting: Setting): void {
  const start = (permissions?: ManifestInput['permissions'], options: KernelOptions = {}) =>
    startKernel(setting, [user(permissions), other], options);
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} ${setting.isolation}`}: rights`, () => {
    /** A permission, its use, and the answer when it is allowed. */
    const uses: readonly (readonly [
      permission: Parameters<Kernel['permissions']['grant']>[1],
      scope: string,
      command: string,
      input: unknown,
      answer: string,
    ])[] = [
      ['commands.execute', 'test.other:*', 'call', 'test.other:ping', 'pong'],
      ['events.emit', 'app:*', 'emit', 'app:done', 'emitted'],
      ['hooks.call', 'test.other:hook', 'hook', 'test.other:hook', 'asked'],
      ['messaging.send', 'test.other', 'send', 'test.other', 'got'],
      ['storage.write', '*', 'store', undefined, 'stored'],
      ['storage.read', '*', 'read', undefined, 'read'],
      ['secrets.read', 'key', 'secret', undefined, 'told'],
    ];
    it.each(uses)(
      '%s is denied, granted, revoked and granted again: from the next message on',
      async (permission, scope, command, input, answer) => {
        const kernel = await start();
        const denied: unknown[] = [];
        kernel.events.on(
          'permission:denied',
          ({ payload }) => void denied.push(payload.permission),
        );
        expect(await ask(kernel, command, input)).toBe('permission/denied');
        await kernel.permissions.grant('test.user', permission, scope);
        expect(await ask(kernel, command, input)).toBe(answer);
        expect(
          kernel.permissions.check(
            'test.user',
            permission,
            scope === '*' ? '' : scope.replace('*', 'x'),
          ),
        ).toBe(true);
        await kernel.permissions.revoke('test.user', permission, scope);
        expect(await ask(kernel, command, input)).toBe('permission/denied');
        await kernel.permissions.grant('test.user', permission, scope);
        expect(await ask(kernel, command, input)).toBe(answer);
        expect(denied).toEqual([permission, permission]);
      },
    );

    it('listeners, hooks and middleware opened under a right end with it', async () => {
      const kernel = await start({
        events: { subscribe: ['app:*'] },
        hooks: { handle: ['app:*'] },
        middleware: { use: ['command:host:*'] },
      });
      kernel.commands.handle('work', () => 1);
      await ask(kernel, 'listen', 'app:*');
      await ask(kernel, 'answer', 'app:menu');
      await ask(kernel, 'wrap', 'command:host:*');
      await kernel.events.emit('app:one');
      expect(await kernel.hooks.collect('app:menu')).toEqual(['answer']);
      const runs = () => kernel.metrics.snapshot().middlewareRuns;
      await kernel.commands.execute('host:work');
      expect(runs()).toBe(1);
      await Promise.all(
        (['events.subscribe', 'hooks.handle', 'middleware.use'] as const).map((permission) =>
          kernel.permissions.revoke('test.user', permission),
        ),
      );
      await kernel.events.emit('app:two');
      expect(await kernel.hooks.collect('app:menu')).toEqual([]);
      await kernel.commands.execute('host:work');
      expect([runs(), await ask(kernel, 'heard')]).toEqual([1, ['app:one']]);
    });

    it('waiting calls and flowing streams under a right end with it', async () => {
      const kernel = await start({ commands: { execute: ['host:*'] } });
      let cancelled = 0;
      const begun = new Promise<void>((resolve) => {
        kernel.commands.handle('wait', (_input, call) => {
          call.signal.addEventListener('abort', () => {
            cancelled += 1;
          });
          resolve();
          return new Promise(() => {});
        });
      });
      let returned!: () => void;
      const ended = new Promise<void>((resolve) => {
        returned = resolve;
      });
      let flows!: () => void;
      const flowing = new Promise<void>((resolve) => {
        flows = resolve;
      });
      kernel.commands.handle('count', async function* () {
        try {
          for (let n = 0; ; n++) {
            if (n === 100) flows();
            yield n;
          }
        } finally {
          returned();
        }
      });
      const counting = ask(kernel, 'count', 'host:count');
      const waiting = ask(kernel, 'call', 'host:wait');
      await Promise.all([begun, flowing]);
      await kernel.permissions.revoke('test.user', 'commands.execute', 'host:*');
      expect(await waiting).toBe('permission/denied');
      expect(await counting).toBe('permission/denied');
      await ended;
      expect(cancelled).toBe(1);
    });

    it('a right may have a rate: use beyond it is refused, and may be retried', async () => {
      const kernel = await start({
        commands: { execute: ['test.other:* 3/h'] },
        events: { emit: ['app:* 2/min', 'app:free'] },
      });
      const codes: unknown[] = [];
      for (let n = 0; n < 5; n++) codes.push(await ask(kernel, 'call', 'test.other:ping'));
      expect(codes).toEqual(['pong', 'pong', 'pong', 'permission/rate', 'permission/rate']);
      const emitted: unknown[] = [];
      for (const topic of ['app:a', 'app:b', 'app:c', 'app:free', 'app:free', 'app:free'])
        emitted.push(await ask(kernel, 'emit', topic));
      expect(emitted).toEqual([
        'emitted',
        'emitted',
        'permission/rate',
        'emitted',
        'emitted',
        'emitted',
      ]);
      expect(await ask(kernel, 'has', ['events.emit', 'app:a'])).toBe(true);
      await kernel.permissions.grant('test.user', 'commands.execute', 'test.other:ping');
      expect(await ask(kernel, 'call', 'test.other:ping')).toBe('pong');
    });

    it('policy lowers a rate', async () => {
      const kernel = await start(
        { commands: { execute: ['test.other:*'] } },
        { policy: { permissions: { commands: { execute: ['* 1/h'] } } } },
      );
      expect([
        await ask(kernel, 'call', 'test.other:ping'),
        await ask(kernel, 'call', 'test.other:ping'),
      ]).toEqual(['pong', 'permission/rate']);
      expect(kernel.permissions.list('test.user').commands?.execute).toEqual(['test.other:* 1/h']);
    });

    it('storage can be granted by key', async () => {
      const kernel = await start({ storage: { read: ['settings:*'], write: ['settings:*'] } });
      const denied = 'permission/denied';
      expect(await ask(kernel, 'keys')).toEqual({
        own: 'yes',
        other: denied,
        read: denied,
        list: 'yes',
        all: denied,
        clear: denied,
      });
      const whole = await startKernel(setting, [user({ storage: { read: true, write: true } })], {
        policy: { permissions: { storage: { read: true, write: ['notes:*'] } } },
      });
      expect(await ask(whole, 'keys')).toEqual({
        own: denied,
        other: 'yes',
        read: 'yes',
        list: 'yes',
        all: 'yes',
        clear: denied,
      });
    });

    it('a right to a service includes its members, and ends with it', async () => {
      const kernel = await start({ services: { get: ['test.other'] } });
      expect([
        await ask(kernel, 'call', 'test.other:ping'),
        await ask(kernel, 'hook', 'test.other:hook'),
        await ask(kernel, 'call', 'host:x'),
      ]).toEqual(['pong', 'asked', 'permission/denied']);
      await kernel.permissions.revoke('test.user', 'services.get', 'test.other');
      expect([
        await ask(kernel, 'call', 'test.other:ping'),
        await ask(kernel, 'hook', 'test.other:hook'),
      ]).toEqual(['permission/denied', 'permission/denied']);
      await kernel.permissions.grant('test.user', 'services.get', 'test.other');
      expect(await ask(kernel, 'call', 'test.other:ping')).toBe('pong');
      const narrow = await start(
        { services: { get: ['test.other'] } },
        { policy: { permissions: { services: { get: ['test.else'] } } } },
      );
      expect(await ask(narrow, 'call', 'test.other:ping')).toBe('permission/denied');
    });

    it('WebAssembly is available to permitted plugins, below a wall', async () => {
      const asks = (permissions?: ManifestInput['permissions']) =>
        startKernel(setting, [
          pluginOf('test.wasm', `ctx.commands.handle('kind', () => typeof WebAssembly);`, {
            ...(permissions && { permissions }),
          }),
        ]);
      const kinds = async (permissions?: ManifestInput['permissions']) =>
        (await asks(permissions)).commands.execute('test.wasm:kind');
      const open = setting.isolation === 'inline' ? 'object' : 'undefined';
      expect([await kinds(), await kinds({ wasm: true })]).toEqual([
        open,
        setting.isolation === 'sandbox' ? 'undefined' : 'object',
      ]);
    });

    it('a part of a right can be revoked: what overlaps it is denied, the rest stays', async () => {
      const kernel = await start({ commands: { execute: ['test.other:*', 'host:*'] } });
      kernel.commands.handle('work', () => 'worked');
      kernel.commands.handle('danger', () => 'done');
      await kernel.permissions.revoke('test.user', 'commands.execute', 'host:danger');
      expect([
        await ask(kernel, 'call', 'host:danger'),
        await ask(kernel, 'call', 'host:work'),
        await ask(kernel, 'call', 'test.other:ping'),
      ]).toEqual(['permission/denied', 'worked', 'pong']);
      expect(await ask(kernel, 'has', ['commands.execute', 'host:*'])).toBe(false);
    });

    it('a temporary grant ends by itself, and is announced', async () => {
      const kernel = await start();
      const revoked = nextEvent(kernel, 'permission:revoked');
      const grant = (milliseconds: number) =>
        kernel.permissions.grant('test.user', 'commands.execute', 'test.other:ping', {
          for: milliseconds,
        });
      await grant(60_000);
      expect(await ask(kernel, 'call', 'test.other:ping')).toBe('pong');
      await grant(50);
      expect(await revoked).toEqual({
        plugin: 'test.user',
        permission: 'commands.execute',
        scope: 'test.other:ping',
      });
      expect(await ask(kernel, 'call', 'test.other:ping')).toBe('permission/denied');
    });

    it('a revoked right can be granted temporarily, and is revoked again afterwards; the later decision applies to its part', async () => {
      const kernel = await start({ commands: { execute: ['host:*'] } });
      for (const name of ['work', 'danger']) kernel.commands.handle(name, () => name);
      const both = async () => [
        await ask(kernel, 'call', 'host:work'),
        await ask(kernel, 'call', 'host:danger'),
      ];
      await kernel.permissions.revoke('test.user', 'commands.execute', 'host:*');
      expect(await both()).toEqual(['permission/denied', 'permission/denied']);
      const over = nextEvent(kernel, 'permission:revoked');
      await kernel.permissions.grant('test.user', 'commands.execute', 'host:*', { for: 60_000 });
      expect(await both()).toEqual(['work', 'danger']);
      await kernel.permissions.grant('test.user', 'commands.execute', 'host:*', { for: 50 });
      await over;
      expect(await both()).toEqual(['permission/denied', 'permission/denied']);
      await kernel.permissions.grant('test.user', 'commands.execute', 'host:work');
      expect(await both()).toEqual(['work', 'permission/denied']);
      await kernel.permissions.grant('test.user', 'commands.execute', 'host:*', { for: 60_000 });
      await kernel.permissions.revoke('test.user', 'commands.execute', 'host:danger');
      expect(await both()).toEqual(['work', 'permission/denied']);
    });

    it('an unknown permission is neither granted nor checked', async () => {
      const kernel = await start({});
      expect(
        (await rejection(kernel.permissions.grant('test.user', 'commands.exectue' as never))).code,
      ).toBe('permission/invalid');
      expect(() => kernel.permissions.check('test.user', 'commands.exectue' as never)).toThrow(
        expect.objectContaining({
          name: 'PluginValidationError',
          code: 'permission/invalid',
          plugin: 'test.user',
        }),
      );
      expect(() => kernel.permissions.check('test.unknown', 'commands.execute')).toThrow(
        expect.objectContaining({ code: 'plugin/not-found' }),
      );
    });

    it('policy limits what can be granted', async () => {
      const kernel = await start(
        {},
        { policy: { permissions: { commands: { execute: ['test.other:*'] } } } },
      );
      await kernel.permissions.grant('test.user', 'commands.execute', 'test.other:ping');
      for (const [permission, scope] of [
        ['commands.execute', 'host:work'],
        ['commands.execute', '*'],
        ['storage.write', '*'],
      ] as const) {
        expect(
          await rejection(kernel.permissions.grant('test.user', permission, scope)),
          scope,
        ).toMatchObject({ code: 'permission/denied', plugin: 'test.user' });
      }
      expect(await ask(kernel, 'store')).toBe('permission/denied');
    });

    it('a plugin asks the application: what, why and for how long; without a handler the answer is no', async () => {
      const kernel = await start(
        {},
        { policy: { permissions: { commands: { execute: ['test.other:*'] } } } },
      );
      const wish = ['commands.execute', 'test.other:ping', { why: 'to play', for: 60_000 }];
      expect(await ask(kernel, 'request', wish)).toBe(false);
      const asked: PermissionRequest[] = [];
      let answer: boolean | { for: number } = false;
      const handler = kernel.permissions.onRequest((request) => {
        asked.push(request);
        return answer;
      });
      expect(await ask(kernel, 'request', wish)).toBe(false);
      expect(asked).toEqual([
        {
          plugin: 'test.user',
          version: '1.0.0',
          reason: 'request',
          permissions: { 'commands.execute': ['test.other:ping'] },
          why: 'to play',
          for: 60_000,
        },
      ]);
      await kernel.permissions.forget('test.user');
      answer = { for: 50 };
      const revoked = nextEvent(kernel, 'permission:revoked');
      expect(await ask(kernel, 'request', wish)).toBe(true);
      await revoked;
      expect(await ask(kernel, 'call', 'test.other:ping')).toBe('permission/denied');
      answer = true;
      expect([
        await ask(kernel, 'request', ['commands.execute', 'test.other:ping']),
        await ask(kernel, 'request', ['commands.execute', 'test.other:ping']),
        await ask(kernel, 'call', 'test.other:ping'),
      ]).toEqual([true, true, 'pong']);
      // It need not ask for what it has, and the application isn't asked about what policy refuses.
      expect(asked.length).toBe(3);
      expect(await ask(kernel, 'request', ['storage.write', '*'])).toBe(false);
      expect(asked.length).toBe(3);
      for (const bad of [
        ['everything', '*'],
        ['storage.write', ''],
        ['storage.write', '*', { for: -1 }],
      ])
        expect(await ask(kernel, 'request', bad)).toMatch(/^permission\/invalid$|^wire\/refused$/);
      handler.dispose();
      await kernel.permissions.revoke('test.user', 'commands.execute');
      const broken = () => {
        throw new Error('broken');
      };
      const odd = [{}, null, undefined, 'yes', 1, { for: 'ever' }, { for: -1 }];
      for (const wrong of [...odd.map((value) => () => value as never), broken]) {
        const handled = vi.fn(wrong);
        kernel.permissions.onRequest(handled);
        await kernel.permissions.forget('test.user');
        expect(await ask(kernel, 'request', wish), String(wrong)).toBe(false);
        expect(handled).toHaveBeenCalledTimes(1);
      }
    });

    it('a plugin does for another only what both may do, unless it acts on its own behalf', async () => {
      const deputy = pluginOf(
        'test.deputy',
        `ctx.commands.handle('now', (id) => ctx.commands.execute(id).catch((error) => [error.code, error.details.onBehalfOf]));
         ctx.commands.handle('later', async (id, call) => { await null; return ctx.commands.execute(id, undefined, call).catch((error) => error.code); });
         ctx.commands.handle('emit', (topic) => ctx.events.emit(topic, 1).then(() => 'emitted', (error) => error.code));
         ctx.commands.handle('own', (id) => ctx.own((own) => ctx.commands.execute(id, undefined, own)).catch((error) => error.code));
         ctx.commands.handle('inner', () => 'inner');`,
        { permissions: { commands: { execute: ['*'] }, events: { emit: ['*'] } } },
      );
      const middle = pluginOf(
        'test.middle',
        `ctx.commands.handle('pass', (id, call) => ctx.commands.execute('test.deputy:now', id, call).catch((error) => error.code));`,
        {
          permissions: { commands: { execute: ['*'] } },
        },
      );
      const asker = pluginOf(
        'test.asker',
        `ctx.commands.handle('ask', ([id, input]) => ctx.commands.execute(id, input).catch((error) => error.code));`,
        {
          permissions: { commands: { execute: ['test.deputy:*', 'test.middle:*'] } },
        },
      );
      const run = (kernel: Kernel, command: string, input: string) =>
        kernel.commands.execute('test.asker:ask', [command, input]);
      const kernel = await startKernel(setting, [deputy, middle, asker, other]);
      kernel.commands.handle('danger', () => 'done');
      expect(await run(kernel, 'test.deputy:now', 'host:danger')).toEqual([
        'permission/denied',
        'test.asker',
      ]);
      expect(await run(kernel, 'test.deputy:later', 'host:danger')).toBe('permission/denied');
      expect(await run(kernel, 'test.deputy:emit', 'app:done')).toBe('permission/denied');
      expect(await run(kernel, 'test.middle:pass', 'host:danger')).toEqual([
        'permission/denied',
        'test.asker',
      ]);
      // What is its own, what it does on its own behalf, and what the host asks for.
      expect(await run(kernel, 'test.deputy:now', 'test.deputy:inner')).toBe('inner');
      expect(await run(kernel, 'test.deputy:own', 'host:danger')).toBe('done');
      expect(await kernel.commands.execute('test.deputy:now', 'host:danger')).toBe('done');
      await kernel.permissions.grant('test.asker', 'commands.execute', 'host:danger');
      expect(await run(kernel, 'test.deputy:now', 'host:danger')).toBe('done');
      const lax = await startKernel(setting, [deputy, middle, asker], { policy: { chain: 'own' } });
      lax.commands.handle('danger', () => 'done');
      expect(await run(lax, 'test.deputy:now', 'host:danger')).toBe('done');
    });

    it('the log takes a limited number of lines of one plugin per second, and reports the rest', async () => {
      const chatty = pluginOf(
        'test.chatty',
        `ctx.commands.handle('chat', () => { for (let n = 0; n < 900; n++) ctx.logger.info('line ' + n); }); ctx.commands.handle('one', () => ctx.logger.info('one'));`,
      );
      const kernel = await startKernel(setting, [chatty, other]);
      await kernel.commands.execute('test.chatty:chat');
      await kernel.commands.execute('test.chatty:one');
      expect(kernel.logger.recent('test.chatty').length).toBeLessThanOrEqual(500);
      expect(kernel.logger.recent('test.chatty').some(({ message }) => message === 'line 0')).toBe(
        true,
      );
      expect(
        kernel.logger
          .recent('kernel')
          .filter(({ message }) => message.includes('test.chatty is throttled: 501 log entries')),
      ).toHaveLength(1);
    });

    it('a lane ends with the right to call', async () => {
      if (setting.isolation !== 'worker') return;
      const kernel = await start(
        { commands: { execute: ['test.other:*'] } },
        { lanes: { calls: 10 } },
      );
      const opened = nextEvent(kernel, 'lane:opened');
      await ask(kernel, 'often');
      await opened;
      await kernel.permissions.revoke('test.user', 'commands.execute', 'test.other:*');
      expect(await ask(kernel, 'call', 'test.other:ping')).toBe('permission/denied');
    });
  });
}
