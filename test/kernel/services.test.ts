/**
 * Services of the application: lifetimes, order of disposal, and errors for invalid wiring, with
 * the path.
 */
import { createKernel, type Kernel, type ServiceResolver } from '@plinth/kernel';
import { command, contract, PluginOverloadedError } from '@plinth/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';

let kernel: Kernel;
afterEach(() => kernel.stop());
const make = async () => {
  kernel = await createKernel();
  return kernel.services;
};

describe('services', () => {
  it('singletons are created once, async ones too, at the first request', async () => {
    const services = await make();
    let made = 0;
    const Clock = services.provide('clock', {
      create: async () => ({ number: ++made, now: () => 5 }),
    });
    expect(made).toBe(0);
    const [a, b] = await Promise.all([services.get(Clock), services.get(Clock)]);
    expect(a).toBe(b);
    expect([a.number, a.now(), await services.get('clock')]).toEqual([1, 5, a]);
  });

  it('scoped ones are created once per scope, transient ones once per request', async () => {
    const services = await make();
    let last = 0;
    const Unit = services.provide('unit', { lifetime: 'scoped', create: () => ({ n: ++last }) });
    const Part = services.provide('part', {
      lifetime: 'transient',
      create: async ({ get }) => ({ unit: await get(Unit), n: ++last }),
    });
    const [one, two] = [services.createScope(), services.createScope()];
    const [p1, p2, p3] = [await one.get(Part), await one.get(Part), await two.get(Part)];
    expect(p1.unit).toBe(p2.unit);
    expect(p1).not.toBe(p2);
    expect(p3.unit).not.toBe(p1.unit);
    expect((await rejection(services.get(Unit))).code).toBe('service/no-scope');
    await Promise.all([one.dispose(), two.dispose()]);
    expect((await rejection(one.get(Unit))).code).toBe('service/ended');
  });

  it('everything is disposed in reverse order of creation, even if some fail', async () => {
    const services = await make();
    const ended: string[] = [];
    const part = (token: string, needs: readonly string[] = []) =>
      services.provide(token, {
        create: async ({ get }) => {
          for (const need of needs) await get(need);
          return token;
        },
        dispose: (name) => {
          ended.push(name);
          if (name === 'b') throw new Error('stuck');
        },
      });
    part('a');
    part('b', ['a']);
    part('c', ['a', 'b']);
    services.provide('own', {
      create: () => ({
        [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]: async () =>
          void ended.push('own'),
      }),
    });
    await services.get('c');
    await services.get('own');
    await kernel.stop();
    expect(ended).toEqual(['own', 'c', 'b', 'a']);
    expect(
      kernel.logger
        .recent()
        .some(({ message }) => message.includes("could not end the service 'b': stuck")),
    ).toBe(true);
    expect((await rejection(services.get('a'))).code).toBe('service/ended');
  });

  it('a singleton cannot depend on a shorter-lived service, not even through another', async () => {
    const services = await make();
    services.provide('request', { lifetime: 'scoped', create: () => 1 });
    services.provide('helper', { lifetime: 'transient', create: ({ get }) => get('request') });
    services.provide('cache', { create: ({ get }) => get('helper') });
    const error = await rejection(services.createScope().get('cache'));
    expect(error).toMatchObject({
      code: 'service/captive',
      details: { captor: 'cache', path: ['cache', 'helper', 'request'] },
    });
    expect(error.message).toContain('(cache → helper → request)');
  });

  it('cycles are named with their path, also between two services created at once', async () => {
    const services = await make();
    for (const [token, need] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
    ] as const) {
      services.provide(token, {
        create: async ({ get }) => {
          await null;
          return get(need);
        },
      });
    }
    expect(await rejection(services.get('a'))).toMatchObject({
      code: 'service/cycle',
      details: { path: ['a', 'b', 'c', 'a'] },
    });
    const both = await Promise.all([
      rejection(services.get('a')),
      rejection(services.get('b')),
      rejection(services.get('c')),
    ]);
    for (const error of both) expect(error.code).toBe('service/cycle');
  });

  it('a failed service is created again on request, and its error has the path', async () => {
    const services = await make();
    let tries = 0;
    services.provide('db', {
      create: () => {
        tries += 1;
        if (tries === 1) throw new Error('no route');
        return 'up';
      },
    });
    services.provide('repo', { create: async ({ get }) => [await get('db')] });
    expect(await rejection(services.get('repo'))).toMatchObject({
      code: 'service/failed',
      message: "could not make the service 'db' (repo → db): no route",
    });
    expect(await services.get('repo')).toEqual(['up']);
  });

  it('invalid registrations are refused, and tenants have their own services', async () => {
    const services = await make();
    services.provide('x', { create: () => ({}) });
    expect(() => services.provide('x', { create: () => 1 })).toThrow(/'x' is provided already/);
    expect(() => services.provide('', { create: () => 1 })).toThrow(/needs a token/);
    expect(() => services.provide('y', { create: () => 1, lifetime: 'forever' as never })).toThrow(
      /lifetime/,
    );
    expect(await rejection(services.get('z'))).toMatchObject({
      code: 'service/unknown',
      message: "the service 'z' is not provided (z)",
    });
    const tenant = kernel.tenant('a');
    expect(tenant.services.has('x')).toBe(false);
    const again = services.provide('w', { create: () => 1 });
    again.dispose();
    expect(services.has('w')).toBe(false);
  });
});

describe('a scope for each call', () => {
  const setUp = async () => {
    const services = await make();
    const log: string[] = [];
    let last = 0;
    services.provide('unit', {
      lifetime: 'scoped',
      create: () => ({ n: ++last }),
      dispose: ({ n }) => void log.push(`end ${n}`),
    });
    return { services, log };
  };
  const unitOf = (call: { readonly services: ServiceResolver }) =>
    call.services.get('unit') as Promise<{ n: number }>;

  it('is shared by the handler and the middleware around it, and ends with the call', async () => {
    const { log } = await setUp();
    kernel.middleware.use('command:host:*', async (call, next) => {
      log.push(`around ${(await unitOf(call)).n}`);
      const answer = await next();
      log.push('after');
      return answer;
    });
    kernel.commands.handle('work', async (_, call) => (await unitOf(call)).n);
    expect([
      await kernel.commands.execute('host:work'),
      await kernel.commands.execute('host:work'),
    ]).toEqual([1, 2]);
    await expect
      .poll(() => log)
      .toEqual(['around 1', 'after', 'end 1', 'around 2', 'after', 'end 2']);
  });

  it('is not shared with a nested call, nor with a hook or an event', async () => {
    const { log } = await setUp();
    kernel.commands.handle('inner', async (_, call) => (await unitOf(call)).n);
    kernel.commands.handle('outer', async (_, call) => [
      (await unitOf(call)).n,
      await kernel.commands.execute('host:inner', undefined, call),
      (await unitOf(call)).n,
    ]);
    kernel.hooks.handle('host:hook', async (_, call) => (await unitOf(call)).n);
    kernel.middleware.use('event:host:*', async (call, next) => {
      log.push(`event ${(await unitOf(call)).n}`);
      return next();
    });
    expect(await kernel.commands.execute('host:outer')).toEqual([1, 2, 1]);
    expect(await kernel.hooks.collect('host:hook')).toEqual([3]);
    await kernel.events.emit('happened');
    await expect.poll(() => log).toEqual(['end 2', 'end 1', 'end 3', 'event 4', 'end 4']);
  });

  it('ends when its call is cancelled or fails, and then provides nothing', async () => {
    const { log } = await setUp();
    const stop = new AbortController();
    const late = new Promise((resolve) => {
      kernel.commands.handle('hang', async (_, call) => {
        await unitOf(call);
        stop.abort();
        resolve(await rejection(unitOf(call)));
      });
    });
    expect(
      await rejection(kernel.commands.execute('host:hang', undefined, { signal: stop.signal })),
    ).toMatchObject({ code: 'call/cancelled' });
    expect(await late).toMatchObject({ code: 'service/ended' });
    kernel.commands.handle('fail', async (_, call) => {
      throw new Error(`no ${(await unitOf(call)).n}`);
    });
    await rejection(kernel.commands.execute('host:fail'));
    await expect.poll(() => log).toEqual(['end 1', 'end 2']);
  });

  it('is a new one for each attempt', async () => {
    const log: number[] = [];
    kernel = await createKernel({
      resilience: { 'test.api:*': { retry: { attempts: 2, backoff: 1 } } },
    });
    kernel.services.provide('unit', { lifetime: 'scoped', create: () => ({ n: log.length + 1 }) });
    const Api = contract('test.api@1', { work: command({ idempotent: true }) });
    kernel.provide(Api, {
      async work(_, call) {
        log.push((await unitOf(call)).n);
        if (log.length < 3) throw new PluginOverloadedError('call/overloaded', 'later', {});
        return 'done';
      },
    });
    expect(await kernel.client(Api).work()).toBe('done');
    expect(log).toEqual([1, 2, 3]);
  });

  it('that fails to dispose is logged, and the answer is unaffected', async () => {
    const written: string[] = [];
    kernel = await createKernel({
      telemetry: { log: ({ message }) => void written.push(message) },
    });
    kernel.services.provide('unit', {
      lifetime: 'scoped',
      create: () => 1,
      dispose() {
        throw new Error('stuck');
      },
    });
    kernel.commands.handle('work', (_, call) => call.services.get('unit'));
    expect(await kernel.commands.execute('host:work')).toBe(1);
    await expect
      .poll(() => written)
      .toEqual([
        expect.stringMatching(/services of a call of host:work did not end well: .*unit.*stuck/),
      ]);
  });
});
