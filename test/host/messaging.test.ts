/** Messages by address and by confidence, and contracts that many plugins provide. */

import type { Kernel } from '@plinth/kernel';
import { HealthCheck, MessageHandler } from '@plinth/sdk/contracts';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const provides = ['plinth.message-handler@1'];
/** A plugin's text can't import the contract here, so it uses wire ids. */
const handler = (id: string, score: string, manifest = {}) =>
  pluginOf(
    id,
    `ctx.hooks.handle('plinth.message-handler:canHandle', async (message) => ${score});
     ctx.commands.handle('plinth.message-handler:handle', (message, call) => ({ by: '${id}', message, from: call.caller.id, user: call.user }));`,
    { provides, ...manifest },
  );
const health = (id: string, status: string, manifest = {}) =>
  pluginOf(
    id,
    `ctx.commands.handle('plinth.health-check:check', () => ({ status: '${status}' }));`,
    { provides: ['plinth.health-check@1'], ...manifest },
  );

/** Expects a handler to get a message. One that a busy machine keeps for a second is passed over once. */
const routed = (kernel: Kernel, message: unknown, by: string) =>
  expect.poll(() => kernel.messaging.route(message)).toMatchObject({ by });

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: messages`, () => {
    it('reach the plugin they are sent to, from the host and from permitted plugins', async () => {
      const kernel = await startKernel(setting, [
        pluginOf(
          'test.receiver',
          `ctx.messaging.on((message, call) => ({ got: message, from: call.caller.id, user: call.user }));`,
        ),
        pluginOf(
          'test.sender',
          `ctx.commands.handle('go', (to) => ctx.messaging.send(to, { n: 1 }));`,
          {
            permissions: { messaging: { send: ['test.receiver', 'host', 'test.none'] } },
          },
        ),
        pluginOf('test.mute', `ctx.commands.handle('go', (to) => ctx.messaging.send(to, 1));`),
      ]);
      expect(await kernel.messaging.send('test.receiver', 'hi', { user: 'u1' })).toEqual({
        got: 'hi',
        from: 'host',
        user: 'u1',
      });
      expect(
        await kernel.commands.execute('test.sender:go', 'test.receiver', { user: 'u2' }),
      ).toEqual({ got: { n: 1 }, from: 'test.sender', user: 'u2' });
      const host = kernel.messaging.on((message, { caller }) => [message, caller.id]);
      expect(await kernel.commands.execute('test.sender:go', 'host')).toEqual([
        { n: 1 },
        'test.sender',
      ]);
      host.dispose();
      const whole = kernel.messaging.on((_message, call) => [
        call.user,
        call.tenant,
        call.signal.aborted,
        typeof call.requestId,
        call.deadline > Date.now(),
      ]);
      expect(await kernel.commands.execute('test.sender:go', 'host', { user: 'u3' })).toEqual([
        'u3',
        'tenant-0',
        false,
        'string',
        true,
      ]);
      whole.dispose();
      expect((await rejection(kernel.commands.execute('test.sender:go', 'host'))).code).toBe(
        'message/no-handler',
      );
      expect((await rejection(kernel.commands.execute('test.mute:go', 'test.receiver'))).code).toBe(
        'permission/denied',
      );
      for (const to of ['test.none', 'test.sender', '', 'no id'])
        expect((await rejection(kernel.messaging.send(to, 1))).code).toBe('message/no-handler');
    });

    it('go to the handler with the highest confidence; with equal confidence to the one activated first', async () => {
      const kernel = await startKernel(setting, [
        handler('test.low', '0.2'),
        handler(
          'test.weather',
          `typeof message === 'string' && message.startsWith('/weather') ? 0.9 : 0`,
        ),
        handler('test.late', '0.5', { activation: [] }),
        handler('test.mid', '0.5'),
        handler('test.none', '0'),
      ]);
      await expect
        .poll(() => kernel.messaging.route('/weather in Rome', { user: 'u' }))
        .toEqual({
          by: 'test.weather',
          message: '/weather in Rome',
          from: 'host',
          user: 'u',
        });
      await routed(kernel, 'other', 'test.mid');
      await kernel.plugins.activate('test.late');
      await routed(kernel, 'other', 'test.mid');
      await kernel.plugins.deactivate('test.mid');
      await kernel.plugins.activate('test.mid');
      await routed(kernel, 'other', 'test.late');
    });

    it('go only to handlers whose manifest lists their type; a handler without a list is asked for all', async () => {
      const takes = (...types: string[]) => ({
        contributes: { messages: types.map((type) => ({ type })) },
      });
      const kernel = await startKernel(setting, [
        handler('test.weather', '0.9', takes('weather.*', 'forecast')),
        handler('test.any', '0.1'),
        handler('test.lazy', '1', {
          ...takes('lazy'),
          activation: ['hook:plinth.message-handler:canHandle'],
        }),
      ]);
      await routed(kernel, { type: 'weather.today' }, 'test.weather');
      await routed(kernel, { type: 'forecast' }, 'test.weather');
      for (const message of [{ type: 'forecasts' }, { type: 5 }, 'weather.today', {}, null])
        await routed(kernel, message, 'test.any');
      expect((await rejection(kernel.messaging.send('test.weather', { type: 'other' }))).code).toBe(
        'message/no-handler',
      );
      expect(await kernel.messaging.send('test.weather', { type: 'forecast' })).toMatchObject({
        by: 'test.weather',
      });
      // Messages of other types have not activated it.
      expect(kernel.plugins.get('test.lazy')?.state).toBe('resolved');
      await routed(kernel, { type: 'lazy' }, 'test.lazy');
    });

    // An untrusted plugin doesn't run inline: it has a worker in both.
    it('are seen only by plugins that may answer their contract: by manifest within policy, or because they are trusted', async () => {
      const right = { contracts: { provide: ['plinth.message-handler'] } };
      const eavesdropper = (id: string, permissions: object) =>
        pluginOf(
          id,
          `globalThis.seen = []; ctx.commands.handle('seen', () => globalThis.seen);
           try { ctx.hooks.handle('plinth.message-handler:canHandle', (message) => { globalThis.seen.push(message); return 0; }); } catch {}`,
          { permissions: permissions as never, needs: ['plinth.message-handler@^1'] },
        );
      const level = (id: string) =>
        id === 'test.trusted' ? ('trusted' as const) : ('partner' as const);
      const kernel = await startKernel(
        { isolation: 'worker', createHost },
        [
          handler('test.trusted', '0.1'),
          handler('test.asks', '0.5', { permissions: right }),
          handler('test.sly', '1'),
          handler('test.idle', '1', { activation: [] }),
          handler('test.lazy', '1', { activation: ['hook:plinth.message-handler:canHandle'] }),
          eavesdropper('test.ear', {
            hooks: { handle: ['*'] },
            services: { get: ['plinth.message-handler'] },
          }),
        ],
        { policy: { trust: ({ id }) => level(id), signatures: { keys: {}, required: 'none' } } },
      );
      await routed(kernel, 'hello', 'test.asks');
      for (const id of ['test.sly', 'test.ear']) {
        expect(kernel.plugins.get(id)).toMatchObject({ state: 'failed' });
        expect(kernel.permissions.check(id, 'contracts.provide', 'plinth.message-handler')).toBe(
          false,
        );
      }
      expect(
        String((kernel.plugins.get('test.sly')?.error?.cause as Error | undefined)?.message),
      ).toMatch(/contracts\.provide for 'plinth\.message-handler'/);
      // Addressed by its id it is neither activated nor asked.
      expect((await rejection(kernel.messaging.send('test.idle', 1))).code).toBe(
        'message/no-handler',
      );
      expect(kernel.plugins.get('test.idle')?.state).toBe('resolved');
      expect(kernel.plugins.get('test.lazy')?.state).toBe('resolved');
      expect(kernel.permissions.list('test.trusted')).toMatchObject(right);
      await kernel.permissions.revoke('test.asks', 'contracts.provide', 'plinth.message-handler');
      await routed(kernel, 'hello', 'test.trusted');
      await kernel.permissions.grant('test.sly', 'contracts.provide', 'plinth.*');
      await kernel.plugins.activate('test.sly');
      await routed(kernel, 'hello', 'test.sly');
    });

    it('policy lists which open contracts plugins may answer, trusted ones too; a major version is not part of the right', async () => {
      const asks = (id: string, provide: string[]) =>
        handler(id, '0.5', { permissions: { contracts: { provide } } });
      const within = async (permissions: object | undefined, trust?: 'trusted') => {
        const kernel = await startKernel(
          setting,
          [asks('test.asks', ['plinth.message-handler@1']), handler('test.quiet', '0.9')],
          {
            policy: {
              ...(permissions && { permissions }),
              ...(trust && { trust: () => trust, signatures: { keys: {}, required: 'none' } }),
            },
          },
        );
        return ['test.asks', 'test.quiet'].filter(
          (id) => kernel.plugins.get(id)?.state === 'active',
        );
      };
      expect(await within(undefined)).toEqual(['test.asks', 'test.quiet']);
      expect(await within({ storage: { read: true } })).toEqual([]);
      expect(await within({ contracts: { provide: ['plinth.message-handler'] } })).toEqual([
        'test.asks',
      ]);
      expect(await within({ contracts: { provide: ['plinth.http-routes'] } })).toEqual([]);
      expect(await within({ storage: { read: true } }, 'trusted')).toEqual([
        'test.asks',
        'test.quiet',
      ]);
      expect(await within({ contracts: { provide: ['plinth.http-routes@1'] } }, 'trusted')).toEqual(
        [],
      );
    });

    it('skip handlers that fail, are slow or dishonest about it; when none is left that is an error', async () => {
      const bad = [
        handler(
          'test.throws',
          `{ throw new Error('no'); }`.replace(/^\{ (.*) \}$/, '(() => { $1 })()'),
        ),
        handler('test.slow', 'new Promise(() => {})'),
        handler('test.sure', '99'),
        handler('test.nan', 'NaN'),
      ];
      const kernel = await startKernel(setting, bad);
      expect(await rejection(kernel.messaging.route('x', { timeout: 100 }))).toMatchObject({
        code: 'message/no-handler',
      });
      await kernel.plugins.install({
        origin: 'memory:test.good',
        manifest: handler('test.good', '0.01').manifest as object,
        code: async () => handler('test.good', '0.01').code as string,
      });
      await kernel.plugins.activate('test.good');
      await routed(kernel, 'x', 'test.good');
      expect(
        kernel.logger
          .recent()
          .some(({ message }) => /test\.sure is passed over: its confidence is 99/.test(message)),
      ).toBe(true);
    });

    it('from plugins need the permission to send to any plugin', async () => {
      const asking = (permissions: object) =>
        pluginOf('test.asking', `ctx.commands.handle('go', () => ctx.messaging.route('x'));`, {
          permissions,
        });
      const may = await startKernel(setting, [
        handler('test.any', '1'),
        asking({ messaging: { send: ['*'] } }),
      ]);
      await expect
        .poll(() => may.commands.execute('test.asking:go'))
        .toMatchObject({ by: 'test.any', from: 'test.asking' });
      const not = await startKernel(setting, [
        handler('test.any', '1'),
        asking({ messaging: { send: ['test.any'] } }),
      ]);
      expect((await rejection(not.commands.execute('test.asking:go'))).code).toBe(
        'permission/denied',
      );
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: open contracts`, () => {
    it('have many providers: a plain call reaches the first, each can be addressed, and hibernated ones are woken', async () => {
      const kernel = await startKernel(setting, [
        health('test.one', 'healthy'),
        health('test.two', 'degraded'),
        health('test.lazy', 'unhealthy', { activation: [] }),
      ]);
      expect(await kernel.client(HealthCheck).check()).toEqual({ status: 'healthy' });
      expect(await kernel.client(HealthCheck, { provider: 'test.two' }).check()).toEqual({
        status: 'degraded',
      });
      expect(await kernel.commands.execute('plinth.health-check:check@test.lazy')).toEqual({
        status: 'unhealthy',
      });
      expect(kernel.plugins.findByCapability(HealthCheck).map(({ id }) => id)).toEqual([
        'test.one',
        'test.two',
        'test.lazy',
      ]);
      await kernel.plugins.deactivate('test.one');
      expect(await kernel.client(HealthCheck).check()).toEqual({ status: 'degraded' });
      expect(
        (await rejection(kernel.commands.execute('plinth.health-check:check@test.one'))).code,
      ).toMatch(/^(plugin\/unavailable|call\/unknown-command)$/);
    });

    it('are for plugins that declare them in their manifest; other names belong to their owners', async () => {
      const kernel = await startKernel(setting, [
        pluginOf('test.liar', `ctx.commands.handle('plinth.health-check:check', () => 1);`),
        pluginOf('test.thief', `ctx.commands.handle('test.one:x', () => 1);`, {
          provides: ['plinth.health-check@1'],
        }),
        health('test.one', 'healthy'),
      ]);
      for (const id of ['test.liar', 'test.thief'])
        expect(kernel.plugins.explain(id).error?.message).toMatch(/commands live under its own id/);
      expect(await kernel.client(HealthCheck).check()).toEqual({ status: 'healthy' });
    });

    it('may be provided by the host, which comes first', async () => {
      const kernel = await startKernel(setting, [handler('test.any', '0.5')]);
      kernel.provide(MessageHandler, { canHandle: () => 0.5, handle: () => 'host' });
      expect(await kernel.client(MessageHandler).handle('x')).toBe('host');
      await routed(kernel, 'x', 'test.any');
      expect(await kernel.messaging.send('test.any', 'x')).toMatchObject({ by: 'test.any' });
    });
  });
}
