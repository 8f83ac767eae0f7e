/** Whose rights count: no caller gains any by way of another plugin, a lane, or a call that ended. */
import { type KernelOptions, packageOf } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const may = (...execute: string[]) => ({ permissions: { commands: { execute } } });
const start = (packages: ReturnType<typeof pluginOf>[], options: KernelOptions = {}) =>
  startKernel(setting, packages, options);
const passingOn = (id: string, to: string) =>
  pluginOf(
    id,
    `ctx.commands.handle('go', (value, call) => ctx.commands.execute('${to}', value, call));`,
    may(to),
  );

describe(`${runtime}: rights of a chain`, () => {
  it('count over a direct lane, too', async () => {
    const kernel = await start(
      [
        pluginOf('test.leaf', "ctx.commands.handle('echo', (value) => value);"),
        passingOn('test.middle', 'test.leaf:echo'),
        pluginOf(
          'test.outer',
          "ctx.commands.handle('go', (value, call) => ctx.commands.execute('test.middle:go', value, call));",
          may('test.middle:go'),
        ),
      ],
      { lanes: { calls: 2 } },
    );
    const opened = nextEvent(kernel, 'lane:opened');
    let isOpen = false;
    void opened.then(() => {
      isOpen = true;
    });
    for (let n = 0; !isOpen; n++)
      expect(await kernel.commands.execute('test.middle:go', n)).toBe(n);
    // The application needs no right, so its calls may go by the lane.
    expect(await kernel.commands.execute('test.middle:go', 'x')).toBe('x');
    expect(await rejection(kernel.commands.execute('test.outer:go', 'x'))).toMatchObject({
      code: 'permission/denied',
      message: expect.stringContaining('on behalf of test.outer'),
    });
  });

  it('count below a call that has ended, at every depth', async () => {
    const kernel = await start([
      pluginOf('test.secret', "ctx.commands.handle('read', () => 'the secret');"),
      passingOn('test.inner', 'test.secret:read'),
      pluginOf(
        'test.middle',
        `let release; let done;
         const ended = new Promise((resolve) => { release = resolve; });
         const told = new Promise((resolve) => { done = resolve; });
         ctx.commands.handle('work', async (_, call) => {
           call.signal.addEventListener('abort', release);
           await ended;
           ctx.commands.execute('test.inner:go').then((value) => done(value), (error) => done([error.code, error.details.onBehalfOf]));
         });
         ctx.commands.handle('told', () => told);`,
        may('test.inner:go', 'test.secret:read'),
      ),
      pluginOf(
        'test.outer',
        "ctx.commands.handle('go', () => ctx.commands.execute('test.middle:work', undefined, { timeout: 50 }).catch((error) => error.code));",
        may('test.middle:work', 'test.inner:go'),
      ),
    ]);
    expect(await kernel.commands.execute('test.outer:go')).toBe('call/timeout');
    // Where no runtime carries a call over an await, what runs after it is the plugin's own.
    expect(await kernel.commands.execute('test.middle:told')).toEqual(
      runtime === 'node' ? ['permission/denied', 'test.outer'] : 'the secret',
    );
  });

  it('and what extensions and guards wrap don’t depend on ids that look like others', async () => {
    const kernel = await start([
      pluginOf(
        'test.attacker',
        `ctx.commands.handle('go', async () => {
           for (const id of ['event test:news', 'hook test:news'])
             await ctx.commands.execute(id).catch(() => {});
           await ctx.events.emit('test:news', 'forged');
         });`,
        { permissions: { commands: { execute: ['*'] }, events: { emit: ['test:news'] } } },
      ),
    ]);
    kernel.middleware.use('event:test:news', () => {
      throw new Error('no news today');
    });
    expect(await rejection(kernel.commands.execute('test.attacker:go'))).toMatchObject({
      message: expect.stringContaining('no news today'),
    });
  });
});

describe(`${runtime}: providers of one open contract`, () => {
  const PROVIDES = { contracts: { provide: ['plinth.data-provider'] } };
  const provider = (id: string, code: string, more: Partial<ManifestInput> = {}) =>
    pluginOf(id, code, {
      provides: ['plinth.data-provider@1'],
      permissions: PROVIDES,
      ...more,
    });

  it('don’t wait for each other', async () => {
    const kernel = await start(
      [
        provider(
          'test.slow',
          "await new Promise(() => {}); ctx.commands.handle('plinth.data-provider:query', () => 'slow');",
          { activation: [] },
        ),
        provider('test.good', "ctx.commands.handle('plinth.data-provider:query', () => 'good');"),
      ],
      { limits: { activate: 2_000 } },
    );
    const ask = (id: string) =>
      kernel.commands.execute(`plinth.data-provider:query@${id}`, undefined, { timeout: 5_000 });
    const slow = rejection(ask('test.slow'));
    expect(await ask('test.good')).toBe('good');
    await kernel.plugins.disable('test.slow').catch(() => {});
    expect((await slow).code).toMatch(/^(plugin|call)\//);
  });

  it('have the fallback of their command, also when one is named', async () => {
    const kernel = await start([], {
      resilience: { 'plinth.data-provider:query': { fallback: () => 'instead' } },
    });
    for (const id of ['plinth.data-provider:query', 'plinth.data-provider:query@test.none'])
      expect(await kernel.commands.execute(id), id).toBe('instead');
  });

  it('share no cached answers and no breaker', async () => {
    const counting = (id: string) =>
      provider(
        id,
        `ctx.commands.handle('plinth.data-provider:query', () => { if (ctx.plugin.id === 'test.bad') throw new Error('down'); return ctx.plugin.id; });`,
      );
    const policy = { cache: 60_000, breaker: { calls: 2, halfOpenAfter: 60_000 } };
    const kernel = await start([counting('test.a'), counting('test.b'), counting('test.bad')], {
      resilience: { 'plinth.data-provider:query': policy },
    } as unknown as KernelOptions);
    const ask = (id: string) => kernel.commands.execute(`plinth.data-provider:query@${id}`, 1);
    expect(await ask('test.a')).toBe('test.a');
    for (let n = 0; n < 5; n++) await rejection(ask('test.bad'));
    expect(await ask('test.b')).toBe('test.b');
    expect(await ask('test.a')).toBe('test.a');
  });
});

describe(`${runtime}: rights that were taken`, () => {
  it('don’t come back by a plugin that is installed', async () => {
    const asked: unknown[] = [];
    const kernel = await start([
      pluginOf(
        'test.manager',
        `ctx.commands.handle('install', (input) => ctx.commands.execute('plinth.plugins:install', input).then(() => 'installed', (error) => error.code));`,
        {
          permissions: {
            plugins: { manage: ['test.helper'] },
            events: { emit: ['test:news'] },
          },
        },
      ),
    ]);
    kernel.permissions.onRequest((request) => {
      asked.push(request.permissions);
      return false;
    });
    await kernel.permissions.revoke('test.manager', 'events.emit');
    const helper = packageOf(
      pluginOf('test.helper', '', { permissions: { events: { emit: ['test:news'] } } }),
    );
    const input = {
      manifest: JSON.stringify(helper.manifest),
      code: await helper.code('plugin.js'),
    };
    expect(await kernel.commands.execute('test.manager:install', input)).toMatch(/^permission\//);
    expect(asked).toEqual([{ 'events.emit': ['test:news'] }]);
  });

  it('don’t come back by the answer to an earlier, wider question', async () => {
    const gate = Promise.withResolvers<boolean>();
    const kernel = await start([
      pluginOf('test.pay', "ctx.commands.handle('pay', () => 'paid');"),
      pluginOf(
        'test.asker',
        `ctx.commands.handle('ask', () => ctx.permissions.request('commands.execute', 'test.pay:*', { why: 'to pay' }));
         ctx.commands.handle('pay', () => ctx.commands.execute('test.pay:pay').catch((error) => error.code));`,
      ),
    ]);
    const heard = new Promise<void>((resolve) => {
      kernel.permissions.onRequest(() => {
        resolve();
        return gate.promise;
      });
    });
    const answer = kernel.commands.execute('test.asker:ask');
    await heard;
    await kernel.permissions.revoke('test.asker', 'commands.execute', 'test.pay:pay');
    gate.resolve(true);
    expect(await answer).toBe(false);
    expect(await kernel.commands.execute('test.asker:pay')).toBe('permission/denied');
  });
});
