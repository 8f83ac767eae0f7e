/** Messages by address and by confidence, and contracts that many plugins provide. */
import { createHost, runtime } from '#host';
import { HealthCheck, MessageHandler } from '@plinth/sdk/contracts';
import { describe, expect, it } from 'vitest';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const provides = ['plinth.message-handler@1'];
/** A plugin's text can't import the contract here: it says the same by wire ids. */
const handler = (id: string, score: string, manifest = {}) =>
  pluginOf(
    id,
    `ctx.hooks.handle('plinth.message-handler:canHandle', async (message) => ${score});
     ctx.commands.handle('plinth.message-handler:handle', (message, call) => ({ by: '${id}', message, from: call.caller.id, user: call.user }));`,
    { provides, ...manifest },
  );
const health = (id: string, status: string, manifest = {}) =>
  pluginOf(id, `ctx.commands.handle('plinth.health-check:check', () => ({ status: '${status}' }));`, { provides: ['plinth.health-check@1'], ...manifest });

for (const setting of [{ isolation: 'worker', createHost }, { isolation: 'inline' }] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: messages`, () => {
    it('reach the plugin they are sent to, from the host and from plugins that may', async () => {
      const kernel = await startKernel(setting, [
        pluginOf('test.receiver', `ctx.messaging.on((message, call) => ({ got: message, from: call.caller.id, user: call.user }));`),
        pluginOf('test.sender', `ctx.commands.handle('go', (to) => ctx.messaging.send(to, { n: 1 }));`, {
          permissions: { messaging: { send: ['test.receiver', 'host', 'test.none'] } },
        }),
        pluginOf('test.mute', `ctx.commands.handle('go', (to) => ctx.messaging.send(to, 1));`),
      ]);
      expect(await kernel.messaging.send('test.receiver', 'hi', { user: 'u1' })).toEqual({ got: 'hi', from: 'host', user: 'u1' });
      expect(await kernel.commands.execute('test.sender:go', 'test.receiver', { user: 'u2' })).toEqual({ got: { n: 1 }, from: 'test.sender', user: 'u2' });
      const host = kernel.messaging.on((message, { caller }) => [message, caller.id]);
      expect(await kernel.commands.execute('test.sender:go', 'host')).toEqual([{ n: 1 }, 'test.sender']);
      host.dispose();
      expect((await rejection(kernel.commands.execute('test.sender:go', 'host'))).code).toBe('message/no-handler');
      expect((await rejection(kernel.commands.execute('test.mute:go', 'test.receiver'))).code).toBe('permission/denied');
      for (const to of ['test.none', 'test.sender', '', 'no id']) expect((await rejection(kernel.messaging.send(to, 1))).code).toBe('message/no-handler');
    });

    it('go to whoever is surest; of equals to the first that was activated', async () => {
      const kernel = await startKernel(setting, [
        handler('test.low', '0.2'),
        handler('test.weather', `typeof message === 'string' && message.startsWith('/weather') ? 0.9 : 0`),
        handler('test.late', '0.5', { activation: [] }),
        handler('test.mid', '0.5'),
        handler('test.none', '0'),
      ]);
      expect(await kernel.messaging.route('/weather in Rome', { user: 'u' })).toEqual({ by: 'test.weather', message: '/weather in Rome', from: 'host', user: 'u' });
      expect(await kernel.messaging.route('other')).toMatchObject({ by: 'test.mid' });
      await kernel.plugins.activate('test.late');
      expect(await kernel.messaging.route('other')).toMatchObject({ by: 'test.mid' });
      await kernel.plugins.deactivate('test.mid');
      await kernel.plugins.activate('test.mid');
      expect(await kernel.messaging.route('other')).toMatchObject({ by: 'test.late' });
    });

    it('pass over handlers that fail, are slow or not honest about it; when nobody is left that is an error', async () => {
      const bad = [
        handler('test.throws', `{ throw new Error('no'); }`.replace(/^\{ (.*) \}$/, '(() => { $1 })()')),
        handler('test.slow', 'new Promise(() => {})'),
        handler('test.sure', '99'),
        handler('test.nan', 'NaN'),
      ];
      const kernel = await startKernel(setting, bad);
      expect(await rejection(kernel.messaging.route('x', { timeout: 100 }))).toMatchObject({ code: 'message/no-handler' });
      await kernel.plugins.install({
        origin: 'memory:test.good',
        manifest: handler('test.good', '0.01').manifest as object,
        code: async () => handler('test.good', '0.01').code as string,
      });
      await kernel.plugins.activate('test.good');
      expect(await kernel.messaging.route('x', { timeout: 1_000 })).toMatchObject({ by: 'test.good' });
      expect(kernel.logger.recent().some(({ message }) => /test\.sure is passed over: its confidence is 99/.test(message))).toBe(true);
    });

    it('from plugins need the permission to send to anybody', async () => {
      const asking = (permissions: object) => pluginOf('test.asking', `ctx.commands.handle('go', () => ctx.messaging.route('x'));`, { permissions });
      const may = await startKernel(setting, [handler('test.any', '1'), asking({ messaging: { send: ['*'] } })]);
      expect(await may.commands.execute('test.asking:go')).toMatchObject({ by: 'test.any', from: 'test.asking' });
      const not = await startKernel(setting, [handler('test.any', '1'), asking({ messaging: { send: ['test.any'] } })]);
      expect((await rejection(not.commands.execute('test.asking:go'))).code).toBe('permission/denied');
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: open contracts`, () => {
    it('have many providers: a plain call reaches the first, each can be addressed, and sleeping ones are woken', async () => {
      const kernel = await startKernel(setting, [health('test.one', 'healthy'), health('test.two', 'degraded'), health('test.lazy', 'unhealthy', { activation: [] })]);
      expect(await kernel.client(HealthCheck).check()).toEqual({ status: 'healthy' });
      expect(await kernel.client(HealthCheck, { provider: 'test.two' }).check()).toEqual({ status: 'degraded' });
      expect(await kernel.commands.execute('plinth.health-check:check@test.lazy')).toEqual({ status: 'unhealthy' });
      expect(kernel.plugins.findByCapability(HealthCheck).map(({ id }) => id)).toEqual(['test.one', 'test.two', 'test.lazy']);
      await kernel.plugins.deactivate('test.one');
      expect(await kernel.client(HealthCheck).check()).toEqual({ status: 'degraded' });
      expect((await rejection(kernel.commands.execute('plinth.health-check:check@test.one'))).code).toMatch(/^(plugin\/unavailable|call\/unknown-command)$/);
    });

    it('are for plugins that say so in their manifest; other names stay their owners', async () => {
      const kernel = await startKernel(setting, [
        pluginOf('test.liar', `ctx.commands.handle('plinth.health-check:check', () => 1);`),
        pluginOf('test.thief', `ctx.commands.handle('test.one:x', () => 1);`, { provides: ['plinth.health-check@1'] }),
        health('test.one', 'healthy'),
      ]);
      for (const id of ['test.liar', 'test.thief']) expect(kernel.plugins.explain(id).error?.message).toMatch(/commands live under its own id/);
      expect(await kernel.client(HealthCheck).check()).toEqual({ status: 'healthy' });
    });

    it('the host is a provider, too, and comes first', async () => {
      const kernel = await startKernel(setting, [handler('test.any', '0.5')]);
      kernel.provide(MessageHandler, { canHandle: () => 0.5, handle: () => 'host' });
      expect(await kernel.client(MessageHandler).handle('x')).toBe('host');
      expect(await kernel.messaging.route('x')).toMatchObject({ by: 'test.any' });
      expect(await kernel.messaging.send('test.any', 'x')).toMatchObject({ by: 'test.any' });
    });
  });
}
