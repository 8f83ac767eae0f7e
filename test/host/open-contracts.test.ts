/** Contracts with many providers: which of them answers, and what stands around each of them. */
import { type PackageInput, packageOf } from '@plinth/kernel';
import { command, contract, hook } from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const text = v.string();
const members = { show: command({ input: text, output: text }), ask: hook({ output: text }) };
const Panel = contract('com.acme.panel@1', members);
const Panel2 = contract('com.acme.panel@2', members);
const PROVIDES = { permissions: { contracts: { provide: ['com.acme.panel'] } } };

const panel = (id: string, manifest: Partial<PackageInput['manifest'] & object> = {}) =>
  pluginOf(
    id,
    `ctx.commands.handle('com.acme.panel:show', (what) => what + ' by ' + ctx.plugin.id + ' ' + ctx.plugin.version);
     ctx.hooks.handle('com.acme.panel:ask', () => ctx.plugin.id);`,
    {
      provides: ['com.acme.panel@1'],
      ...PROVIDES,
      permissions: { ...PROVIDES.permissions, hooks: { handle: ['com.acme.panel:*'] } },
      ...(manifest as object),
    },
  );
const start = (plugins: readonly ReturnType<typeof panel>[], more: object = {}) =>
  startKernel(setting, plugins, { contracts: [Panel, Panel2], ...more });

describe(`${runtime}: a provider that is named`, () => {
  it('is named by the errors of its calls', async () => {
    const kernel = await start([
      pluginOf(
        'test.late',
        "ctx.commands.handle('com.acme.panel:show', (what) => what === 'wait' ? new Promise(() => {}) : 42);",
        { provides: ['com.acme.panel@1'], ...PROVIDES },
      ),
    ]);
    for (const provider of [undefined, 'test.late']) {
      const { show } = kernel.client(Panel, provider === undefined ? {} : { provider });
      const late = await rejection(show('wait', { timeout: 50 }));
      expect([late.code, late.plugin]).toEqual(['call/timeout', 'test.late']);
      const stopped = await rejection(show('wait', { signal: AbortSignal.timeout(50) }));
      expect([stopped.code, stopped.plugin]).toEqual(['call/cancelled', 'test.late']);
      const wrong = await rejection(show('x'));
      expect([wrong.code, wrong.plugin]).toEqual(['call/invalid-output', 'test.late']);
    }
  });

  it('is told by a text, and a contract by itself or its id', async () => {
    const kernel = await start([panel('test.a')]);
    for (const provider of ['', 7, null, {}])
      expect(() => kernel.client(Panel, { provider } as never)).toThrow(/'provider' is the id/);
    for (const wrong of [undefined, null, 7, {}, Panel.show]) {
      expect(() => kernel.providers(wrong as never)).toThrow(
        /a contract is what contract\(\) makes/,
      );
    }
    for (const wrong of [undefined, null, 7, {}])
      expect((await rejection(kernel.hooks.collect(wrong as unknown as string))).code).toBe(
        'contract/invalid',
      );
    expect(kernel.providers('com.acme.panel@1').map(({ id }) => id)).toEqual(['test.a']);
  });

  it('reports its progress through a policy', async () => {
    const reporting = pluginOf(
      'test.slow',
      "ctx.commands.handle('com.acme.panel:show', (what, call) => { call.progress(1); call.progress(2); return what; });",
      { provides: ['com.acme.panel@1'], ...PROVIDES },
    );
    for (const policy of [
      { timeout: 5_000 },
      { breaker: {} },
      { rate: { limit: 9, per: 1_000 } },
    ]) {
      const kernel = await start([reporting], {
        resilience: { 'com.acme.panel:show': policy },
      });
      const seen: unknown[] = [];
      const onProgress = (value: unknown) => void seen.push(value);
      expect(await kernel.client(Panel).show('x', { onProgress })).toBe('x');
      expect(seen).toEqual([1, 2]);
      const { breaker } = kernel.commands.list().find(({ id }) => id.startsWith('com.acme')) ?? {};
      expect(breaker).toBe('breaker' in policy ? 'closed' : undefined);
    }
  });

  it('opens its breaker by answers that are not as the contract promises', async () => {
    let wrong = true;
    const kernel = await start([], {
      resilience: { 'com.acme.panel:show': { breaker: { calls: 4, halfOpenAfter: 60_000 } } },
    });
    kernel.commands.handle('shape', () => (wrong ? 42 : 'fine'));
    await kernel.plugins.install(
      packageOf(
        pluginOf(
          'test.a',
          "ctx.commands.handle('com.acme.panel:show', () => ctx.commands.execute('host:shape'));",
          {
            provides: ['com.acme.panel@1'],
            permissions: { ...PROVIDES.permissions, commands: { execute: ['host:shape'] } },
          },
        ),
      ),
    );
    const changed = nextEvent(kernel, 'call:circuit-changed');
    const { show } = kernel.client(Panel);
    for (let n = 0; n < 4; n++)
      expect((await rejection(show('x'))).code).toBe('call/invalid-output');
    expect(await changed).toEqual({
      command: 'com.acme.panel:show',
      plugin: 'test.a',
      state: 'open',
    });
    wrong = false;
    expect((await rejection(show('x'))).code).toBe('call/circuit-open');
  });

  it('is the one of the major that a plugin means, where it needs several', async () => {
    const caller = bundleOf(
      'test.caller',
      `const of = (major) => ({ $id: 'com.acme.panel@' + major, show: { kind: 'command', id: 'com.acme.panel:show', errors: {}, idempotent: true } });
       export default {
         needs: { one: of(1), two: of(2) },
         activate(ctx) {
           ctx.commands.handle('ask', async () => [await ctx.needs.one.show('x'), await ctx.needs.two.show('y'), await ctx.services.get(of(2)).show('z')]);
         },
       };`,
      {
        needs: ['com.acme.panel@^1', 'com.acme.panel@^2'],
        permissions: {
          commands: { execute: ['com.acme.panel:*'] },
          services: { get: ['com.acme.panel'] },
        },
      },
    );
    const kernel = await start([
      panel('test.a'),
      panel('test.b', { provides: ['com.acme.panel@2'] }),
      caller,
    ]);
    expect(await kernel.commands.execute('test.caller:ask')).toEqual([
      'x by test.a 1.0.0',
      'y by test.b 1.0.0',
      'z by test.b 1.0.0',
    ]);
  });

  it('answers again when its right comes back after it was revoked', async () => {
    const kernel = await start([panel('test.a')]);
    const client = kernel.client(Panel, { provider: 'test.a' });
    const asked = () => kernel.hooks.collect(Panel.ask, undefined);
    for (let round = 0; round < 2; round++) {
      await kernel.permissions.revoke('test.a', 'contracts.provide', 'com.acme.panel');
      expect((await rejection(client.show('x'))).message).toContain('contracts.provide');
      expect(await asked()).toEqual([]);
      await kernel.permissions.grant('test.a', 'contracts.provide', 'com.acme.panel');
      expect(await client.show('x')).toBe('x by test.a 1.0.0');
      expect(await asked()).toEqual(['test.a']);
    }
    await kernel.plugins.reload('test.a');
    expect(await client.show('x')).toBe('x by test.a 1.0.0');
  });

  it('is behind the same middleware as one that is not named', async () => {
    const kernel = await start([panel('test.a'), panel('test.b')]);
    const seen: string[] = [];
    kernel.middleware.use('command:com.acme.panel:show', (call, next) => {
      seen.push(call.id);
      return next();
    });
    kernel.middleware.use('command:com.acme.panel:*', (call, next) => {
      seen.push(`any ${call.id}`);
      return next();
    });
    expect(await kernel.client(Panel, { provider: 'test.b' }).show('x')).toBe('x by test.b 1.0.0');
    expect(seen).toEqual(['com.acme.panel:show', 'any com.acme.panel:show']);
    const { commands } = kernel.metrics.snapshot();
    expect(Object.keys(commands).filter((id) => id.includes('@'))).toEqual([]);
  });

  it('waits for a guard that is not there, and is refused by it', async () => {
    const guard = pluginOf(
      'test.guard',
      "ctx.middleware.use('command:com.acme.panel:show', () => { throw new Error('not today'); });",
      {
        activation: [],
        permissions: { middleware: { use: ['command:com.acme.panel:show'] } },
      },
    );
    const caller = pluginOf(
      'test.caller',
      "ctx.commands.handle('go', () => ctx.commands.execute('com.acme.panel:show@test.b', 'x'));",
      { permissions: { commands: { execute: ['com.acme.panel:show'] } } },
    );
    const kernel = await start([panel('test.a'), panel('test.b'), guard, caller]);
    for (const call of [
      kernel.commands.execute('com.acme.panel:show@test.b', 'x'),
      kernel.commands.execute('test.caller:go'),
    ])
      expect(await rejection(call)).toMatchObject({
        message: expect.stringContaining('not today'),
      });
    expect(kernel.plugins.get('test.guard')?.state).toBe('active');
  });

  it('is behind the middleware of a contract that is not open, too, and is woken by its command', async () => {
    const own = pluginOf('test.notes', "ctx.commands.handle('delete', () => 'gone');", {
      activation: ['command:test.notes:delete'],
      contributes: { commands: [{ id: 'delete' }] },
    });
    const kernel = await start([own]);
    kernel.middleware.use('command:test.notes:delete', () => 'kept');
    expect(await kernel.commands.execute('test.notes:delete@test.notes')).toBe('kept');
    const other = await start([own]);
    expect(await other.commands.execute('test.notes:delete@test.notes')).toBe('gone');
  });

  it('is told by its name when it is absent, or has no such contract', async () => {
    const kernel = await start([panel('test.a'), pluginOf('test.other', '')]);
    const failure = (provider: string) => rejection(kernel.client(Panel, { provider }).show('x'));
    expect(await failure('test.none')).toMatchObject({
      code: 'call/unknown-command',
      message: expect.stringContaining("no plugin 'test.none' is installed"),
    });
    expect(await failure('test.other')).toMatchObject({
      message: expect.stringContaining("test.other doesn't provide com.acme.panel"),
    });
    const Own = contract('test.a@1', { show: members.show });
    expect(await rejection(kernel.client(Own, { provider: 'test.other' }).show('x'))).toMatchObject(
      { message: expect.stringContaining("test.other doesn't provide test.a") },
    );
  });
});

describe(`${runtime}: hooks of one provider`, () => {
  const asker = pluginOf(
    'test.asker',
    "ctx.commands.handle('ask', ({ mode, options }) => ctx.hooks[mode]('com.acme.panel:ask', undefined, options));",
    { permissions: { hooks: { call: ['com.acme.panel:ask'] } } },
  );

  it('ask its handlers alone, in each mode, from the host and from a plugin', async () => {
    const kernel = await start([panel('test.a'), panel('test.b'), asker]);
    const options = { provider: 'test.b' };
    expect(await kernel.hooks.collect(Panel.ask, undefined, options)).toEqual(['test.b']);
    expect(await kernel.hooks.first(Panel.ask, undefined, options)).toBe('test.b');
    expect(await kernel.hooks.waterfall(Panel.ask, undefined, options)).toBe('test.b');
    const all = await kernel.hooks.parallel(Panel.ask, undefined, options);
    expect(all.map(({ plugin }) => plugin)).toEqual(['test.b']);
    expect(await kernel.hooks.collect(Panel.ask)).toEqual(['test.a', 'test.b']);
    const ask = (mode: string, more: object = options) =>
      kernel.commands.execute('test.asker:ask', { mode, options: more });
    expect(await ask('collect')).toEqual(['test.b']);
    expect(await ask('first')).toBe('test.b');
    expect(await ask('collect', {})).toEqual(['test.a', 'test.b']);
  });

  it('wake no other provider, and fail when it is strict and there is none', async () => {
    const asleep = (id: string) => panel(id, { activation: ['hook:com.acme.panel:ask'] });
    const kernel = await start([asleep('test.a'), asleep('test.b'), asker]);
    expect(await kernel.hooks.first(Panel.ask, undefined, { provider: 'test.b' })).toBe('test.b');
    expect(kernel.plugins.get('test.a')?.state).toBe('resolved');
    const none = { provider: 'test.none', strict: true };
    for (const call of [
      kernel.hooks.collect(Panel.ask, undefined, none),
      kernel.commands.execute('test.asker:ask', { mode: 'collect', options: none }),
    ])
      expect(await rejection(call)).toMatchObject({ code: 'hook/no-handler' });
    expect(await kernel.hooks.collect(Panel.ask, undefined, { provider: 'test.none' })).toEqual([]);
    for (const provider of ['', 7, {}])
      for (const call of [
        kernel.hooks.collect(Panel.ask, undefined, { provider } as never),
        kernel.commands.execute('test.asker:ask', { mode: 'collect', options: { provider } }),
      ])
        expect(await rejection(call)).toMatchObject({ code: 'call/invalid-option' });
  });
});

describe(`${runtime}: majors and versions of an open contract`, () => {
  it('the provider of the caller’s major answers', async () => {
    const needs = (id: string, need: string) =>
      pluginOf(
        id,
        "ctx.commands.handle('go', () => ctx.commands.execute('com.acme.panel:show', 'x'));",
        { needs: [need], permissions: { commands: { execute: ['com.acme.panel:show'] } } },
      );
    const kernel = await start([
      panel('test.a'),
      panel('test.b', { provides: ['com.acme.panel@2'] }),
      needs('test.old', 'com.acme.panel@1'),
      needs('test.new', 'com.acme.panel@2'),
    ]);
    expect(await kernel.client(Panel2).show('x')).toBe('x by test.b 1.0.0');
    expect(await kernel.client(Panel).show('x')).toBe('x by test.a 1.0.0');
    expect(await kernel.commands.execute('test.new:go')).toBe('x by test.b 1.0.0');
    expect(await kernel.commands.execute('test.old:go')).toBe('x by test.a 1.0.0');
  });

  it('an error says which majors there are', async () => {
    const kernel = await start([panel('test.a')]);
    expect(await rejection(kernel.client(Panel2).show('x'))).toMatchObject({
      code: 'plugin/unsatisfied',
      plugin: 'test.a',
      message: expect.stringMatching(/as com\.acme\.panel@2 does: found test\.a@1\.0\.0 \(.*@1\)/),
    });
  });

  it('the best version of a plugin is listed first, and started first', async () => {
    const kernel = await start([
      panel('test.a', { activation: [] }),
      panel('test.a', { version: '2.0.0', activation: [] }),
      panel('test.b', { activation: [] }),
    ]);
    expect(kernel.providers(Panel).map(({ id, version }) => `${id} ${version}`)).toEqual([
      'test.a 2.0.0',
      'test.a 1.0.0',
      'test.b 1.0.0',
    ]);
    expect(await kernel.client(Panel).show('x')).toBe('x by test.a 2.0.0');
  });
});
