/** Services of the application: lifetimes, their order of ending, and what can't be wired, with the path. */
import { createKernel, type Kernel } from '@plinth/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';

let kernel: Kernel;
afterEach(() => kernel.stop());
const make = async () => {
  kernel = await createKernel();
  return kernel.services;
};

describe('services', () => {
  it('singletons are made once, async ones too, when they are first asked for', async () => {
    const services = await make();
    let made = 0;
    const Clock = services.provide('clock', { create: async () => ({ number: ++made, now: () => 5 }) });
    expect(made).toBe(0);
    const [a, b] = await Promise.all([services.get(Clock), services.get(Clock)]);
    expect(a).toBe(b);
    expect([a.number, a.now(), await services.get('clock')]).toEqual([1, 5, a]);
  });

  it('scoped ones are one for each scope, transient ones one for each request', async () => {
    const services = await make();
    let last = 0;
    const Unit = services.provide('unit', { lifetime: 'scoped', create: () => ({ n: ++last }) });
    const Part = services.provide('part', { lifetime: 'transient', create: async ({ get }) => ({ unit: await get(Unit), n: ++last }) });
    const [one, two] = [services.createScope(), services.createScope()];
    const [p1, p2, p3] = [await one.get(Part), await one.get(Part), await two.get(Part)];
    expect(p1.unit).toBe(p2.unit);
    expect(p1).not.toBe(p2);
    expect(p3.unit).not.toBe(p1.unit);
    expect((await rejection(services.get(Unit))).code).toBe('service/no-scope');
    await Promise.all([one.dispose(), two.dispose()]);
    expect((await rejection(one.get(Unit))).code).toBe('service/ended');
  });

  it('everything ends in the reverse order of its making, whatever fails meanwhile', async () => {
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
    services.provide('own', { create: () => ({ [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]: async () => void ended.push('own') }) });
    await services.get('c');
    await services.get('own');
    await kernel.stop();
    expect(ended).toEqual(['own', 'c', 'b', 'a']);
    expect(kernel.logger.recent().some(({ message }) => message.includes("could not end the service 'b': stuck"))).toBe(true);
    expect((await rejection(services.get('a'))).code).toBe('service/ended');
  });

  it('a singleton cannot keep what lives shorter, not even through another', async () => {
    const services = await make();
    services.provide('request', { lifetime: 'scoped', create: () => 1 });
    services.provide('helper', { lifetime: 'transient', create: ({ get }) => get('request') });
    services.provide('cache', { create: ({ get }) => get('helper') });
    const error = await rejection(services.createScope().get('cache'));
    expect(error).toMatchObject({ code: 'service/captive', details: { captor: 'cache', path: ['cache', 'helper', 'request'] } });
    expect(error.message).toContain('(cache → helper → request)');
  });

  it('cycles are named with their path, also between two that are made at once', async () => {
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
    expect(await rejection(services.get('a'))).toMatchObject({ code: 'service/cycle', details: { path: ['a', 'b', 'c', 'a'] } });
    const both = await Promise.all([rejection(services.get('a')), rejection(services.get('b')), rejection(services.get('c'))]);
    for (const error of both) expect(error.code).toBe('service/cycle');
  });

  it('what fails is tried anew, and says which path led to it', async () => {
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
    expect(await rejection(services.get('repo'))).toMatchObject({ code: 'service/failed', message: "could not make the service 'db' (repo → db): no route" });
    expect(await services.get('repo')).toEqual(['up']);
  });

  it('bad registrations are refused, and tenants have services of their own', async () => {
    const services = await make();
    services.provide('x', { create: () => ({}) });
    expect(() => services.provide('x', { create: () => 1 })).toThrow(/'x' is provided already/);
    expect(() => services.provide('', { create: () => 1 })).toThrow(/needs a token/);
    expect(() => services.provide('y', { create: () => 1, lifetime: 'forever' as never })).toThrow(/lifetime/);
    expect(await rejection(services.get('z'))).toMatchObject({ code: 'service/unknown', message: "nobody provides the service 'z' (z)" });
    const tenant = kernel.tenant('a');
    expect(tenant.services.has('x')).toBe(false);
    const again = services.provide('w', { create: () => 1 });
    again.dispose();
    expect(services.has('w')).toBe(false);
  });
});
