/**
 * Ways around permissions: rates that multiply, restart or belong to another plugin; and entries
 * withheld from the audit.
 */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import type { ManifestInput, Permissions } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const user = (permissions: ManifestInput['permissions'], id = 'test.user') =>
  pluginOf(
    id,
    `const often = async (count, run) => { let done = 0; const codes = new Set(); for (let n = 0; n < count; n++) await run(n).then(() => done++, (error) => codes.add(error.code)); return [done, ...codes]; };
     ctx.commands.handle('emit', ([topic, count]) => often(count, () => ctx.events.emit(topic, 1)));
     ctx.commands.handle('emitAll', ([topic, count]) => often(count, (n) => ctx.events.emit(topic + n, 1)));
     ctx.commands.handle('emitAtOnce', async ([topic, count]) => { await Promise.allSettled(Array.from({ length: count }, (_, n) => ctx.events.emit(topic + n, 1))); });
     ctx.commands.handle('store', ([key, count]) => often(count, (n) => ctx.storage.set(key + n, 1)));
     ctx.commands.handle('call', ([id, count]) => often(count, () => ctx.commands.execute(id)));
     ctx.commands.handle('do', (id, call) => call.commands === undefined ? ctx.commands.execute(id) : call.commands.execute(id));
     ctx.commands.handle('through', ([id, count]) => often(count, () => ctx.commands.execute('test.deputy:do', id)));
     ctx.commands.handle('has', ([permission, scope]) => ctx.permissions.has(permission, scope));`,
    { permissions },
  );
const ask = (kernel: Kernel, command: string, input?: unknown) =>
  kernel.commands.execute(`test.user:${command}`, input);
const setting = { isolation: 'worker', createHost } satisfies Setting;
const start = (
  permissions: ManifestInput['permissions'],
  allowed?: Permissions,
  options: KernelOptions = {},
) =>
  startKernel(setting, [user(permissions)], {
    ...options,
    policy: { ...options.policy, ...(allowed && { permissions: allowed }) },
  });

describe(`${runtime}: rates`, () => {
  it('of policy apply to all rights together, however many are requested under them', async () => {
    const kernel = await start(
      { events: { emit: ['app:*', 'app:a*', 'app:ab*', 'app:abc'] } },
      { events: { emit: ['app:* 3/h'] } },
    );
    expect(await ask(kernel, 'emit', ['app:abc', 10])).toEqual([3, 'permission/rate']);
    expect(await ask(kernel, 'emit', ['app:x', 3])).toEqual([0, 'permission/rate']);
  });

  it('of policy allow no larger burst when the same rate is requested over a longer time', async () => {
    const kernel = await start(
      { events: { emit: ['app:* 60/h'] } },
      { events: { emit: ['app:* 1/min'] } },
    );
    expect(await ask(kernel, 'emit', ['app:x', 60])).toEqual([1, 'permission/rate']);
  });

  it('do not restart with another guest', async () => {
    const kernel = await start({ events: { emit: ['app:* 3/h'] } });
    expect(await ask(kernel, 'emit', ['app:x', 2])).toEqual([2]);
    await kernel.plugins.reload('test.user');
    expect(await ask(kernel, 'emit', ['app:x', 3])).toEqual([1, 'permission/rate']);
    await kernel.permissions.grant('test.user', 'events.emit', 'other:*');
    expect(await ask(kernel, 'emit', ['app:x', 3])).toEqual([0, 'permission/rate']);
  });

  it('cannot be bypassed through calls to others', async () => {
    const kernel = await startKernel(setting, [
      user({ commands: { execute: ['test.deputy:*', 'app.host:work 2/h'] } }),
      user({ commands: { execute: ['app.host:*'] } }, 'test.deputy'),
    ]);
    kernel.commands.handle('app.host:work', () => 1);
    expect(await ask(kernel, 'through', ['app.host:work', 5])).toEqual([2, 'permission/rate']);
  });

  it('apply to what is granted back of a revoked right', async () => {
    const kernel = await start({
      events: { emit: ['app:*'] },
      storage: { read: true, write: true },
    });
    await kernel.permissions.revoke('test.user', 'events.emit', 'app:*');
    await kernel.permissions.grant('test.user', 'events.emit', 'app:* 2/h');
    expect(await ask(kernel, 'emit', ['app:x', 5])).toEqual([2, 'permission/rate']);
    await kernel.permissions.revoke('test.user', 'storage.write', '*');
    await kernel.permissions.grant('test.user', 'storage.write', 'a* 2/h');
    expect(await ask(kernel, 'store', ['a', 5])).toEqual([2, 'permission/rate']);
    expect(await ask(kernel, 'store', ['b', 5])).toEqual([0, 'permission/denied']);
    await kernel.permissions.grant('test.user', 'storage.write', 'b*');
    expect(await ask(kernel, 'store', ['b', 5])).toEqual([5]);
  });
});

describe(`${runtime}: the audit of untrusted plugins`, () => {
  const policy = {
    trust: () => 'untrusted' as const,
    signatures: { keys: {}, required: 'none' as const },
  };
  const used = async (kernel: Kernel) =>
    (await kernel.audit.entries({ topic: 'permission:used' })).map(({ facts }) => facts.scope);

  it('includes their first permission checks', async () => {
    const kernel = await start({ events: { emit: ['app:*'] } }, undefined, { policy });
    expect(await ask(kernel, 'has', ['events.emit', 'app:x'])).toBe(true);
    expect(await ask(kernel, 'emit', ['app:x', 1])).toEqual([1]);
    expect(await used(kernel)).toEqual(['app:x']);
  });

  it("is not filled by many uses of one broad right, or by a plugin's own resources", async () => {
    const kernel = await start({ events: { emit: ['app:*'] } }, undefined, { policy });
    expect(await ask(kernel, 'emitAll', ['test.user:n', 300])).toEqual([300]);
    expect(await used(kernel)).toEqual([]);
    expect(await ask(kernel, 'emitAll', ['app:n', 1_000])).toEqual([1_000]);
    expect((await used(kernel)).length).toBeLessThan(100);
  });

  it('keeps entries of others while one plugin floods it', async () => {
    const kernel = await start({}, undefined, { policy });
    for (let n = 0; n < 20; n++) {
      await ask(kernel, 'emitAtOnce', [`app:${n}.`, 900]);
      await kernel.permissions.grant('test.user', 'secrets.read', `name${n}`);
    }
    expect(await kernel.audit.entries({ topic: 'permission:granted' })).toHaveLength(20);
  });
});
