/** The kernel's own extensions: left out one by one, chosen by a preset, and given to the core. */
import {
  type AnyFactory,
  createKernel,
  type KernelOptions,
  memoryStorage,
  packageSource,
} from '@plinth/kernel';
import { audit } from '@plinth/kernel/audit';
import { createKernel as createCore } from '@plinth/kernel/core';
import { defineExtension } from '@plinth/kernel/extension';
import { hibernation } from '@plinth/kernel/hibernation';
import { installer } from '@plinth/kernel/installer';
import { limits } from '@plinth/kernel/limits';
import { messaging } from '@plinth/kernel/messaging';
import { kernelWith } from '@plinth/kernel/preset';
import { secrets } from '@plinth/kernel/secrets';
import { services } from '@plinth/kernel/services';
import { supervision } from '@plinth/kernel/supervision';
import { trust } from '@plinth/kernel/trust';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const echo = pluginOf('test.echo', "ctx.commands.handle('say', (value) => value);");
const other = pluginOf('test.other', '', { activation: [] });

const BUILT_INS = [
  'audit',
  'grants',
  'hibernation',
  'installer',
  'limits',
  'liveConfig',
  'messaging',
  'metrics',
  'network',
  'resilience',
  'secrets',
  'services',
  'supervision',
  'trust',
] as const;

const start = async (options: KernelOptions = {}, packages = [echo]) => {
  const kernel = await createKernel({
    host: createHost(),
    telemetry: { log: false },
    sources: [packageSource(packages)],
    ...options,
  });
  await kernel.start();
  return kernel;
};

describe(`${runtime}: a kernel without one of its own extensions`, () => {
  it.each(BUILT_INS)('still starts, calls, reloads and stops plugins without %s', async (name) => {
    await using kernel = await start({ [name]: false }, [echo, other]);
    expect(await kernel.commands.execute('test.echo:say', 1)).toBe(1);
    await kernel.plugins.activate('test.other');
    await kernel.plugins.reload('test.echo');
    await kernel.plugins.disable('test.echo');
    expect(kernel.plugins.get('test.echo')).toMatchObject({ state: 'unloaded', enabled: false });
    await kernel.plugins.enable('test.echo');
    await kernel.plugins.activate('test.echo');
    expect(await kernel.commands.execute('test.echo:say', 2)).toBe(2);
    expect((await kernel.health()).status).toBe('healthy');
  });

  it('refuses what the extension would do, and names the line to write', async () => {
    const off = Object.fromEntries(BUILT_INS.map((name) => [name, false]));
    await using kernel = await start(off);
    const missing = (name: string) =>
      expect.objectContaining({
        code: 'extension/missing',
        message: expect.stringContaining(`extensions: [${name}(…)]`),
      });
    const tries: readonly (readonly [string, () => unknown])[] = [
      ['audit', () => kernel.audit.entries()],
      ['secrets', () => kernel.secrets.names('test.echo')],
      ['services', () => kernel.services.createScope()],
      ['messaging', () => kernel.messaging.send('test.echo', {})],
      ['liveConfig', () => kernel.config.set('test.echo', { a: 1 })],
      ['metrics', () => kernel.report()],
      ['installer', () => kernel.plugins.rollback('test.echo')],
    ];
    for (const [name, attempt] of tries) expect(attempt, name).toThrow(missing(name));
    expect(kernel.diagnostics().builtIns).toEqual([]);
  });

  it('refuses a plugin what the extension would do for it', async () => {
    const asking = pluginOf(
      'test.asking',
      `ctx.commands.handle('ask', async (what) => {
        try {
          if (what === 'secrets') await ctx.secrets.get('key');
          if (what === 'network') await ctx.fetch('https://example.com/');
          if (what === 'messaging') await ctx.messaging.send('test.echo', {});
        } catch (error) { return error.code; }
      });`,
      {
        permissions: {
          secrets: { read: ['key'] },
          network: { fetch: ['https://example.com'] },
          messaging: { send: ['*'] },
        },
      },
    );
    await using kernel = await start({ secrets: false, network: false, messaging: false }, [
      asking,
    ]);
    for (const what of ['secrets', 'network', 'messaging'])
      expect(await kernel.commands.execute('test.asking:ask', what), what).toBe(
        'extension/missing',
      );
  });

  it('enforces what protects a command even without policies', async () => {
    const guarded = pluginOf('test.guarded', "ctx.commands.handle('take', () => 'taken');", {
      contributes: { commands: [{ id: 'take', requiresAuth: true }] },
    });
    await using kernel = await start({ resilience: false }, [guarded]);
    expect(await rejection(kernel.commands.execute('test.guarded:take'))).toMatchObject({
      code: 'call/unauthenticated',
    });
    const taken = await kernel.commands.execute('test.guarded:take', undefined, { user: 'u1' });
    expect(taken).toBe('taken');
  });

  it('is not made with an option or a policy that nothing would enforce', async () => {
    const refused: readonly [string, KernelOptions][] = [
      ['trust', { trust: false, policy: { trust: [{ level: 'trusted' }] } }],
      ['limits', { limits: false, policy: { resources: { default: { calls: 1 } } } }],
      ['installer', { installer: false, policy: { updates: { state: 'optional' } } }],
      ['resilience', { resilience: false, policy: { commands: { requiresAuth: true } } }],
    ];
    for (const [extension, options] of refused)
      expect(await rejection(createKernel(options)), extension).toMatchObject({
        code: 'extension/missing',
        details: { extension },
      });
    const source = { name: 'a source', load: async () => ({}) };
    expect(
      await rejection(createKernel({ liveConfig: false, config: { global: source } })),
    ).toMatchObject({ code: 'extension/missing' });
  });

  it('is not started without grants over a storage that has revocations', async () => {
    const values = memoryStorage();
    // The first kernel must leave its storage open for the second.
    const storage = { ...values, close: async () => {} };
    await using first = await start({ storage });
    await first.permissions.revoke('test.echo', 'network.fetch');
    await first.stop();
    const second = await createKernel({ storage, grants: false });
    expect(await rejection(second.start())).toMatchObject({
      code: 'extension/missing',
      details: { extension: 'grants' },
    });
    await second.stop();
    await using third = await start({ grants: false });
    expect(third.permissions.check('test.echo', 'network.fetch', 'https://a.example')).toBe(false);
    expect(await rejection(third.permissions.revoke('test.echo', 'network.fetch'))).toMatchObject({
      code: 'extension/missing',
    });
  });

  it('leaves a plugin failed that crashes without supervision', async () => {
    const crashing = pluginOf('test.crashing', CRASH);
    await using kernel = await start({ supervision: false }, [crashing]);
    const failed = new Promise((resolve) => kernel.events.once('plugin:failed', resolve));
    await rejection(kernel.commands.execute('test.crashing:crash'));
    await failed;
    expect(kernel.plugins.get('test.crashing')?.state).toBe('failed');
    expect(kernel.plugins.explain('test.crashing').restart).toBeUndefined();
  });
});

describe(`${runtime}: an extension of the kernel`, () => {
  it('answers the API that is a member of the kernel', async () => {
    await using kernel = await start();
    expect(kernel.extension(audit)).toBe(kernel.audit);
    expect(kernel.extension(secrets)).toBe(kernel.secrets);
    expect(kernel.extension(services)).toBe(kernel.services);
    expect(kernel.extension(messaging)).toBe(kernel.messaging);
    await kernel.extension(installer).deprecate('test.echo', 'old');
    expect(() => kernel.extension(hibernation)).toThrow('extension');
    const names = kernel.diagnostics().builtIns.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['audit', 'installer', 'trust']));
  });

  it('is given to a kernel of the core alone, which has no other', async () => {
    const crashing = pluginOf('test.crashing', CRASH);
    await using kernel = await createCore({
      host: createHost(),
      telemetry: { log: false },
      sources: [packageSource([crashing])],
      extensions: [audit(), supervision({ backoff: 1 })],
    });
    await kernel.start();
    const restarted = new Promise((resolve) => kernel.events.once('plugin:restarted', resolve));
    await rejection(kernel.commands.execute('test.crashing:crash'));
    await restarted;
    const topics = (await kernel.extension(audit).entries()).map(({ topic }) => topic);
    expect(topics).toContain('plugin:crashed');
    expect('audit' in kernel).toBe(false);
    expect(() => kernel.extension(secrets)).toThrow('secrets');
  });

  it('checks at the start what it was given', async () => {
    const wrong: readonly [string, ReturnType<AnyFactory>][] = [
      ['supervision.crash', supervision({ crash: 1 } as never)],
      ['policy.resources.default.calls', limits({ default: { calls: -1 } })],
      ['policy.trust[0].level', trust({ trust: [{ level: 'none' as never }] })],
      ['secrets.key', secrets({ key: new Uint8Array(3) })],
      ['hibernation.idle', hibernation({ idle: -1 })],
    ];
    for (const [option, extension] of wrong) {
      const kernel = await createCore({ extensions: [extension] });
      const error = await rejection(kernel.start());
      expect([error.code, error.details?.option]).toEqual(['kernel/invalid-option', option]);
      await kernel.stop();
    }
  });

  it('deletes with a plugin what an extension has kept that is left out now', async () => {
    const storage = { ...memoryStorage(), close: async () => {} };
    const key = new Uint8Array(32);
    await using first = await start({ storage, secrets: { key } });
    await first.secrets.set('test.echo', 'token', 'a-secret-value');
    await first.config.set('test.echo', { theme: 'dark' });
    await first.stop();
    await using second = await start({ storage, secrets: false, liveConfig: false });
    await second.plugins.uninstall('test.echo', { purge: true });
    expect(await second.plugins.leftovers()).toEqual([]);
    await second.stop();
    await using third = await start({ storage, secrets: { key } });
    expect(await third.secrets.names('test.echo')).toEqual([]);
  });

  it('is chosen by a preset, and the others are refused', async () => {
    const createSmall = kernelWith([audit, services]);
    const kernel = await createSmall({ services: { one: { create: () => 1 } } });
    expect(await kernel.services.get('one')).toBe(1);
    expect(() => kernel.secrets.names('a')).toThrow('secrets(…)');
    await kernel.stop();
    expect(await rejection(createSmall({ supervision: { crashes: 1 } }))).toMatchObject({
      code: 'extension/missing',
      details: { extension: 'supervision' },
    });
  });

  it('is complete although another extension asks it for something while it is installed', async () => {
    const eager = defineExtension({ name: 'eager', uses: [], requires: [audit] }, () => ({
      install(port) {
        const entries = port.use(audit).entries();
        return { entries };
      },
    }));
    const later = defineExtension({ name: 'later', uses: ['core'] }, () => ({
      install: ({ core }) => core.add(async () => () => ({ made: true, close() {} })),
    }));
    const kernel = await createCore({ extensions: [audit(), eager(), later()] });
    await kernel.start();
    expect(await kernel.extension(eager).entries).toEqual([]);
    expect(await kernel.extension(later)()).toMatchObject({ made: true });
    await kernel.stop();
  });

  it('is not given twice: a preset has it already', async () => {
    expect(await rejection(createKernel({ extensions: [audit()] }))).toMatchObject({
      code: 'extension/duplicate',
      details: { extension: 'audit' },
    });
  });
});
