/** One guest for several tenants: they share the plugin's own variables, and nothing else. */

import type { Host, Kernel, KernelOptions } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const plugin = pluginOf(
  'test.shared',
  `ctx.commands.handle('who', (_, call) => ({ tenant: ctx.tenant, call: call.tenant, activations: globalThis.activations = (globalThis.activations ?? 0) + 1 }));
   ctx.commands.handle('set', (value) => ctx.storage.set('x', value));
   ctx.commands.handle('get', async () => ({ value: await ctx.storage.get('x'), keys: await ctx.storage.keys() }));
   ctx.commands.handle('log', (text) => { console.log('console ' + text); ctx.logger.info(text); });
   ctx.commands.handle('config', () => ctx.config.name);
   ${CRASH}
   ctx.commands.handle('hang', () => { for (;;); });
   const heard = []; ctx.events.on('test:*', ({ payload, tenant }) => heard.push([payload, tenant])); ctx.commands.handle('heard', () => heard);`,
  {
    tenancy: 'shared',
    permissions: { storage: { read: true, write: true }, events: { subscribe: ['test:*'] } },
  },
);

/** Counts the guests that are alive. */
function counting(): { readonly setting: Setting; readonly alive: () => number } {
  let alive = 0;
  const host = (): Host => {
    const real = createHost();
    return {
      ...real,
      isolations: real.isolations,
      launch: async (request) => {
        const guest = await real.launch(request);
        alive += 1;
        void guest.exited.then(() => {
          alive -= 1;
        });
        return guest;
      },
    };
  };
  return { setting: { isolation: 'worker', createHost: host }, alive: () => alive };
}

async function start(options: KernelOptions = { policy: { shared: ['test.*'] } }) {
  const { setting, alive } = counting();
  const kernel = await startKernel(setting, [plugin], { supervision: { backoff: 20 }, ...options });
  const [a, b] = [kernel.tenant('a'), kernel.tenant('b')];
  await Promise.all([a.start(), b.start()]);
  return { kernel, a, b, alive };
}

describe(`${runtime}: one guest for several tenants`, () => {
  it('serves each with its own identity, storage, settings, events and log', async () => {
    const { kernel, a, b, alive } = await start();
    expect(alive()).toBe(1);
    const who = async (of: Pick<Kernel, 'commands'>) => of.commands.execute('test.shared:who');
    expect([await who(kernel), await who(a), await who(b)]).toEqual([
      { tenant: 'tenant-0', call: 'tenant-0', activations: 1 },
      { tenant: 'a', call: 'a', activations: 2 },
      { tenant: 'b', call: 'b', activations: 3 },
    ]);
    await a.commands.execute('test.shared:set', 'of a');
    expect(await b.commands.execute('test.shared:get')).toEqual({ value: undefined, keys: [] });
    expect(await a.commands.execute('test.shared:get')).toEqual({ value: 'of a', keys: ['x'] });
    await a.config.set('test.shared', { name: 'A' });
    expect(await b.commands.execute('test.shared:config')).toBeUndefined();
    await a.events.emit('test:x', 1);
    await b.events.emit('test:x', 2);
    expect(await a.commands.execute('test.shared:heard')).toEqual([[1, 'a']]);
    expect(await b.commands.execute('test.shared:heard')).toEqual([[2, 'b']]);
    await a.commands.execute('test.shared:log', 'secret of a');
    const texts = (of: Pick<Kernel, 'logger'>) => of.logger.recent().map(({ message }) => message);
    expect(texts(a)).toContain('secret of a');
    expect([...texts(b), ...texts(kernel)].filter((text) => text.includes('secret'))).toEqual([]);
  });

  it('ends with its last tenant, and is restarted for all of them after a crash', async () => {
    const { kernel, a, b, alive } = await start();
    await a.stop();
    expect(alive()).toBe(1);
    expect(await b.commands.execute('test.shared:who')).toMatchObject({ tenant: 'b' });
    const restarted = [
      nextEvent(kernel, 'plugin:restarted'),
      new Promise((resolve) => b.events.once('plugin:restarted', resolve)),
    ];
    expect((await rejection(b.commands.execute('test.shared:crash'))).code).toMatch(/^guest\//);
    await Promise.all(restarted);
    expect(await b.commands.execute('test.shared:who')).toMatchObject({ tenant: 'b' });
    expect(await kernel.commands.execute('test.shared:who')).toMatchObject({ tenant: 'tenant-0' });
    expect(alive()).toBe(1);
    await b.plugins.deactivate('test.shared');
    expect(alive()).toBe(1);
    await kernel.plugins.deactivate('test.shared');
    expect(alive()).toBe(0);
  });

  it('is ended for all of its tenants when it hangs, and is restarted as one guest', async () => {
    // Restarted at once, so that some are back before the others have noticed.
    const { kernel, a, b, alive } = await start({
      policy: { shared: ['test.*'] },
      supervision: { backoff: 1, heartbeat: 200, timeout: 2_000 },
    });
    const all = [kernel, a, b];
    for (const id of ['c', 'd', 'e']) {
      const next = kernel.tenant(id);
      await next.start();
      all.push(next as Kernel);
    }
    const told: string[] = [];
    for (const one of all) one.events.on('plugin:quarantined', () => told.push(one.id));
    const restarted = all.map(
      (one) => new Promise((resolve) => one.events.once('plugin:restarted', resolve)),
    );
    expect(await rejection(a.commands.execute('test.shared:hang'))).toMatchObject({
      code: expect.stringMatching(/^guest\/(unresponsive|terminated)$/),
    });
    await Promise.all(restarted);
    for (const one of all)
      expect(await one.commands.execute('test.shared:who')).toMatchObject({ tenant: one.id });
    expect([alive(), told]).toEqual([1, []]);
  });

  it("needs the policy: the plugin's own declaration changes nothing", async () => {
    const { a, alive } = await start({});
    expect(alive()).toBe(3);
    expect(await a.commands.execute('test.shared:who')).toMatchObject({
      tenant: 'a',
      activations: 1,
    });
  });
});
