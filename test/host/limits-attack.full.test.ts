/** Ways around limits, and limits that must not delay an orderly end. */

import type { Kernel, KernelOptions, PackageInput, ResourcePolicy } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const permissions: ManifestInput['permissions'] = {
  events: { emit: ['app:*'], subscribe: ['app:*'] },
  commands: { execute: ['app.host:*', 'test.other:*'] },
  storage: { read: true, write: true },
};
const busy = (members = '', manifest: Partial<ManifestInput> = {}, id = 'test.busy') =>
  pluginOf(
    id,
    `let flooding = true; const kept = [];
     ctx.commands.handle('flood', () => { (async () => { while (flooding) await ctx.events.emit('app:n', 0); })(); });
     ctx.commands.handle('burst', (count) => { for (let n = 0; n < count; n++) ctx.events.emit('app:n', n).catch(() => {}); return count; });
     ctx.commands.handle('burstLater', (count) => { setTimeout(() => { for (let n = 0; n < count; n++) ctx.events.emit('app:n', n).catch(() => {}); }, 10); });
     ctx.commands.handle('steps', async (length, call) => { await call.progress('x'.repeat(length)); return 'done'; });
     ctx.commands.handle('many', async (count, call) => { for (let n = 0; n < count; n++) { call.progress(n); await 0; } return 'done'; });
     ctx.commands.handle('fail', (length) => { throw Object.assign(new Error('failed'), { details: { text: 'x'.repeat(length) } }); });
     ctx.commands.handle('wrapped', (length) => [Object.assign(new Error('failed'), { details: { text: 'x'.repeat(length) } })]);
     ctx.commands.handle('keepError', (length) => ctx.storage.set('error', Object.assign(new Error('kept'), { details: { text: 'x'.repeat(length) } })).then(() => 'stored', (error) => error.code));
     ctx.commands.handle('count', async function* (count) { for (let n = 0; n < count; n++) yield n; });
     ctx.commands.handle('own', async (count) => { let sum = 0; for await (const n of await ctx.commands.execute('test.busy:count', count)) sum += 1; return sum; });
     ctx.commands.handle('listen', () => { ctx.events.on('app:news', () => { kept.push(1); }); });
     ctx.commands.handle('ping', () => 'pong');`,
    { permissions, ...manifest },
    members,
  );
const call = (kernel: Kernel, command: string, input?: unknown, plugin = 'test.busy') =>
  kernel.commands.execute(`${plugin}:${command}`, input);
const stopped = (kernel: Kernel) =>
  kernel.logger.recent('kernel').filter(({ message }) => message.includes('failed while stopping'));
const setting = { isolation: 'worker', createHost } satisfies Setting;
const start = (
  resources: ResourcePolicy,
  packages: readonly PackageInput[] = [busy()],
  options: KernelOptions = {},
) =>
  startKernel(setting, packages, {
    supervision: { backoff: 60_000 },
    ...options,
    policy: { ...options.policy, resources },
  });

describe(`${runtime}: a throttled plugin`, () => {
  it('stops in order with the kernel', async () => {
    const kernel = await start({ default: { messages: 30 }, patience: 60_000 });
    const limited = nextEvent(kernel, 'resource:limited');
    call(kernel, 'burst', 500).catch(() => {});
    await limited;
    await kernel.stop();
    expect(stopped(kernel)).toEqual([]);
  });

  it('stops in order by itself', async () => {
    const kernel = await start({ default: { messages: 30 }, patience: 60_000 });
    const limited = nextEvent(kernel, 'resource:limited');
    call(kernel, 'burst', 500).catch(() => {});
    await limited;
    await kernel.plugins.deactivate('test.busy');
    expect(stopped(kernel)).toEqual([]);
  });

  it('is replaced, and its state is handed over', async () => {
    const kernel = await start({ default: { messages: 30 }, patience: 60_000 }, [
      busy('getState() { return 1; },'),
    ]);
    const limited = nextEvent(kernel, 'resource:limited');
    call(kernel, 'burst', 500).catch(() => {});
    await limited;
    await kernel.plugins.reload('test.busy');
    expect(await call(kernel, 'ping')).toBe('pong');
  }, 20_000);

  it('does not hibernate while its sent messages are not yet taken', async () => {
    const kernel = await start({ default: { messages: 30 }, patience: 60_000 });
    const limited = nextEvent(kernel, 'resource:limited');
    await call(kernel, 'burstLater', 100);
    await limited;
    expect(await kernel.plugins.hibernate('test.busy')).toBe(false);
  });

  it('is not considered hung because of what others have sent', async () => {
    const kernel = await start(
      { tenant: { messages: 20 }, patience: 60_000 },
      [busy(), busy('', {}, 'test.other')],
      {
        supervision: { heartbeat: 100, timeout: 600, backoff: 60_000 },
      },
    );
    const crashed: unknown[] = [];
    kernel.events.on('plugin:crashed', ({ payload }) => void crashed.push(payload));
    await call(kernel, 'listen', undefined, 'test.other');
    call(kernel, 'burst', 900).catch(() => {});
    call(kernel, 'burst', 300, 'test.other').catch(() => {});
    await nextEvent(kernel, 'resource:limited');
    // More than credit allows, while nothing acknowledges them.
    for (let n = 0; n < 3_000; n++) void kernel.events.emit('app:news', n).catch(() => {});
    const looked = performance.now();
    while (performance.now() - looked < 4_000 && crashed.length === 0)
      await Promise.race([nextEvent(kernel, 'app:n'), nextEvent(kernel, 'plugin:crashed')]);
    expect(crashed).toEqual([]);
  }, 20_000);

  it('is not blamed for open calls of another plugin of its tenant', async () => {
    const asking = (id: string, every: number) =>
      pluginOf(
        id,
        `ctx.commands.handle('go', () => { (async () => { for (;;) { ctx.commands.execute('app.host:wait').catch(() => {}); await new Promise((done) => setTimeout(done, ${every})); } })(); });`,
        { permissions },
      );
    const kernel = await start(
      { default: { messages: 10_000 }, tenant: { calls: 3 }, patience: 1_000, pause: 100 },
      [asking('test.greedy', 5), asking('test.honest', 50)],
    );
    kernel.commands.handle('app.host:wait', () => new Promise(() => {}));
    const suspended: string[] = [];
    kernel.events.on('plugin:suspended', ({ payload }) => void suspended.push(payload.id));
    await kernel.commands.execute('test.greedy:go');
    await kernel.commands.execute('test.honest:go');
    await new Promise((done) => setTimeout(done, 2_500));
    expect(suspended).toEqual([]);
  });
});

describe(`${runtime}: a plugin that was suspended for a limit`, () => {
  it('resumes although its own suspend() took longer than its pause', async () => {
    const kernel = await start({ default: { messages: 30 }, patience: 1_000, pause: 50 }, [
      busy('async suspend() { await new Promise((done) => setTimeout(done, 400)); },'),
    ]);
    const resumed = nextEvent<{ id: string }>(kernel, 'plugin:resumed');
    call(kernel, 'burst', 50).catch(() => {});
    expect((await resumed).id).toBe('test.busy');
    expect(await call(kernel, 'ping')).toBe('pong');
  });

  it('is not ended for messages sent before, which are still being taken', async () => {
    const kernel = await start({ default: { messages: 30 }, patience: 1_000, pause: 4_000 });
    const crashed: unknown[] = [];
    kernel.events.on('plugin:crashed', ({ payload }) => void crashed.push(payload));
    const resumed = nextEvent<{ id: string }>(kernel, 'plugin:resumed');
    call(kernel, 'burst', 80).catch(() => {});
    expect((await resumed).id).toBe('test.busy');
    expect(crashed).toEqual([]);
  });

  it('resumes when its dependency is back, which was gone meanwhile', async () => {
    const tried = Promise.withResolvers<void>();
    const kernel = await start(
      { plugins: { 'test.busy': { messages: 30 } }, patience: 1_000, pause: 4_000 },
      [busy('', { dependencies: { 'test.needed': '^1.0.0' } }), pluginOf('test.needed', '')],
      {
        telemetry: {
          log: ({ message }) =>
            message.includes('could not resume test.busy') ? tried.resolve() : undefined,
        },
      },
    );
    const suspended = nextEvent<{ id: string }>(kernel, 'plugin:suspended');
    call(kernel, 'burst', 35).catch(() => {});
    expect((await suspended).id).toBe('test.busy');
    await kernel.plugins.deactivate('test.needed');
    await tried.promise;
    await kernel.plugins.activate('test.needed');
    expect(kernel.plugins.get('test.busy')).toMatchObject({ state: 'active' });
    expect(await call(kernel, 'ping')).toBe('pong');
  });

  it('stays suspended when it was suspended by hand meanwhile', async () => {
    const kernel = await start({ default: { messages: 30 }, patience: 1_000, pause: 100 }, [
      busy(),
      busy('', {}, 'test.other'),
    ]);
    call(kernel, 'burst', 50).catch(() => {});
    await nextEvent(kernel, 'plugin:suspended');
    await kernel.plugins.suspend('test.busy');
    // Its pause is over before that of a plugin that is suspended later.
    const resumed = nextEvent(kernel, 'plugin:resumed');
    call(kernel, 'burst', 50, 'test.other').catch(() => {});
    expect(await resumed).toMatchObject({ id: 'test.other' });
    expect(kernel.plugins.get('test.busy')).toMatchObject({
      state: 'suspended',
      reason: 'request',
    });
  });

  it('is suspended for open calls too, where nothing else is limited', async () => {
    const asking = pluginOf(
      'test.asking',
      `ctx.commands.handle('go', () => { (async () => { for (;;) { ctx.commands.execute('app.host:wait').catch(() => {}); await new Promise((done) => setTimeout(done, 50)); } })(); });`,
      { permissions },
    );
    const kernel = await start({ default: { calls: 2 }, patience: 2_000, pause: 100 }, [asking]);
    kernel.commands.handle('app.host:wait', () => new Promise(() => {}));
    const suspended = nextEvent<{ id: string }>(kernel, 'plugin:suspended');
    await kernel.commands.execute('test.asking:go');
    expect((await suspended).id).toBe('test.asking');
  });
});

describe(`${runtime}: ways around a limit`, () => {
  const throttled = (kernel: Kernel) => {
    const all: string[] = [];
    kernel.events.on(
      'resource:limited',
      ({ payload }) => void all.push(`${payload.resource} ${payload.step}`),
    );
    return all;
  };

  it('progress has a size limit', async () => {
    const kernel = await start({ default: { messageSize: '10kB' } });
    const lengths: number[] = [];
    await kernel.commands.execute('test.busy:steps', 1_000, {
      onProgress: (text) => void lengths.push((text as string).length),
    });
    await kernel.commands
      .execute('test.busy:steps', 50_000, {
        onProgress: (text) => void lengths.push((text as string).length),
      })
      .catch(() => {});
    expect(lengths).toEqual([1_000]);
  });

  it('an error has a size limit too: thrown, and in an answer', async () => {
    const kernel = await start({ default: { messageSize: '10kB' } });
    expect(await rejection(call(kernel, 'fail', 500))).toMatchObject({ message: 'failed' });
    expect(await rejection(call(kernel, 'wrapped', 200_000))).toMatchObject({
      code: 'value/invalid',
    });
    expect(await rejection(call(kernel, 'fail', 200_000))).toMatchObject({ code: 'value/invalid' });
  });

  it('a stored error counts with everything it contains', async () => {
    const kernel = await start({}, [
      busy('', { permissions: { storage: { read: true, write: true, quota: '10kB' } } }),
    ]);
    expect(await call(kernel, 'keepError', 500)).toBe('stored');
    expect(await call(kernel, 'keepError', 200_000)).toBe('storage/quota');
  });

  it('items of streams count as messages', async () => {
    const kernel = await start({ default: { messages: 50 }, patience: 60_000 });
    const all = throttled(kernel);
    expect(await call(kernel, 'own', 80)).toBe(80);
    expect(all).toContain('messages throttled');
  });

  it('progress counts as messages', async () => {
    const kernel = await start({ default: { messages: 50 }, patience: 60_000 });
    const all = throttled(kernel);
    expect(await kernel.commands.execute('test.busy:many', 80, { onProgress() {} })).toBe('done');
    expect(all).toContain('messages throttled');
  });

  it('registrations count as messages', async () => {
    const registering = pluginOf(
      'test.registering',
      `ctx.commands.handle('go', async () => { for (let n = 0; n < 40; n++) (await ctx.events.on('app:n', () => {})).dispose?.(); });`,
      { permissions },
    );
    const kernel = await start({ default: { messages: 50 }, patience: 60_000 }, [registering]);
    const all = throttled(kernel);
    await kernel.commands.execute('test.registering:go');
    await kernel.commands.execute('test.registering:go');
    expect(all).toContain('messages throttled');
  });
});
