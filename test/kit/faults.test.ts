/** `faults`: each does what it says to inline plugins and to workers, and can be undone. */
import { createKernel, type Host } from '@plinth/kernel';
import { createTestKernel, faults, stub, type TestKernelOptions } from '@plinth/sdk/testing';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { nextEvent, rejection } from '../support/kernels.ts';
import { counter, manifest, Notes, notes, Search } from './notes.ts';

const ID = 'com.example.counter';
const settings: readonly (readonly [string, () => { readonly host?: Host }])[] = [
  ['inline plugins', () => ({})],
  ['workers', () => ({ host: createHost() })],
];

describe.each(settings)('faults for %s', (_, hostOf) => {
  const start = (options: TestKernelOptions = {}) =>
    createTestKernel({ plugins: [counter], ...hostOf(), ...options });
  type Tested = Awaited<ReturnType<typeof start>>;
  const count = (kernel: Tested) => kernel.commands.execute(`${ID}:count`);

  it('kill ends the guest as a crash does, and supervision restarts it', async () => {
    await using kernel = await start({ supervision: { backoff: 1 } });
    const waiting = rejection(kernel.commands.execute(`${ID}:wait`));
    await count(kernel);
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await faults.kill(kernel, ID);
    expect(await waiting).toMatchObject({ code: 'guest/crashed' });
    expect(await restarted).toMatchObject({ id: ID });
    expect(await count(kernel)).toBe(2);
  });

  it('hang keeps everything until it is undone', async () => {
    await using kernel = await start();
    const order: string[] = [];
    const hang = faults.hang(kernel, ID);
    const counted = count(kernel).then((value) => order.push(`counted ${value}`));
    expect(
      await rejection(kernel.commands.execute(`${ID}:count`, 1, { timeout: 50 })),
    ).toMatchObject({ code: 'call/timeout' });
    order.push('undone');
    hang[Symbol.dispose]();
    await counted;
    expect(order[0]).toBe('undone');
  });

  it('a guest that hangs is found and ended by supervision', async () => {
    await using kernel = await start({
      supervision: { heartbeat: 50, timeout: 1_000, backoff: 1 },
    });
    const crashed = nextEvent(kernel, 'plugin:crashed');
    const restarted = nextEvent(kernel, 'plugin:restarted');
    faults.hang(kernel, ID);
    expect(await crashed).toMatchObject({ code: 'guest/unresponsive' });
    await restarted;
    expect(await count(kernel)).toBe(1);
  });

  it('deny has the kernel refuse, until the right is given back', async () => {
    await using kernel = await start();
    const denied = await faults.deny(kernel, ID, 'storage.write');
    expect(await rejection(count(kernel))).toMatchObject({ code: 'permission/denied' });
    await denied[Symbol.asyncDispose]();
    expect(await count(kernel)).toBe(1);
  });

  it('quota and diskFull refuse writes, and reads go on', async () => {
    await using kernel = await start({ storage: { [ID]: { count: 4 } } });
    {
      using _quota = faults.quota(kernel, ID);
      expect(await rejection(count(kernel))).toMatchObject({ code: 'storage/quota', plugin: ID });
    }
    {
      using _full = faults.diskFull(kernel);
      expect(await rejection(count(kernel))).toMatchObject({ code: 'storage/failed' });
      expect(await kernel.commands.execute(`${ID}:read`)).toBe(4);
    }
    expect(await count(kernel)).toBe(5);
  });

  it('drop loses the call, or only its answer', async () => {
    await using kernel = await start();
    const lost = (answer: boolean) => {
      using _drop = faults.drop(kernel, `${ID}:*`, { answer });
      return rejection(kernel.commands.execute(`${ID}:count`, undefined, { timeout: 2_000 }));
    };
    expect(await lost(false)).toMatchObject({ code: 'call/timeout' });
    expect(await kernel.storageOf(ID)).toEqual({});
    expect(await lost(true)).toMatchObject({ code: 'call/timeout' });
    expect(await kernel.storageOf(ID)).toEqual({ count: 1 });
  });

  it('strikes the same calls for the same seed', async () => {
    await using kernel = await start();
    const pattern = async () => {
      using _corrupt = faults.corrupt(kernel, `${ID}:read`, { rate: 0.5, seed: 7 });
      const answers: unknown[] = [];
      for (let call = 0; call < 12; call += 1)
        answers.push(await kernel.commands.execute(`${ID}:read`));
      return answers;
    };
    const first = await pattern();
    expect(await pattern()).toEqual(first);
    // The same in every runtime and isolation.
    expect(first).toMatchInlineSnapshot(`
      [
        null,
        undefined,
        undefined,
        undefined,
        -1,
        -1,
        undefined,
        null,
        undefined,
        undefined,
        "corrupt",
        -1,
      ]
    `);
  });
});

describe('faults', () => {
  it('corrupt makes answers that a calling plugin refuses by their contract', async () => {
    await using kernel = await createTestKernel({
      plugins: [{ manifest, plugin: notes }],
      contracts: [stub(Search, { find: () => ['bread'] })],
    });
    using _corrupt = faults.corrupt(kernel, 'com.example.search:find', { times: 1 });
    expect(await rejection(kernel.client(Notes).related('milk'))).toMatchObject({
      code: 'call/invalid-output',
    });
    expect(await kernel.client(Notes).related('milk')).toEqual(['bread']);
  });

  it('slow and skew work with the clock of the test', async () => {
    await using kernel = await createTestKernel({
      plugins: [{ manifest, plugin: notes }],
      clock: { now: 0 },
    });
    using _slow = faults.slow(kernel, 'com.example.notes:*', { ms: 2_000 });
    using _skew = faults.skew(kernel, { ms: 60_000 });
    const added = kernel.client(Notes).add({ text: 'milk' });
    await kernel.clock.advance(2_000);
    expect(await added).toEqual({ id: 'note-1', time: 62_000 });
    expect(kernel.calls).toMatchObject([{ took: 2_000 }]);
  });

  it('end with the kernel', async () => {
    const { Date: real } = globalThis;
    const kernel = await createTestKernel({ plugins: [counter] });
    faults.skew(kernel, { ms: -1e9 });
    faults.hang(kernel, ID);
    expect(Date.now()).toBeLessThan(real.now() - 9e8);
    await kernel.stop();
    expect(Date).toBe(real);
  });

  it('refuse what they cannot do', async () => {
    const kernel = await createKernel();
    expect(() => faults.diskFull(kernel)).toThrow('createTestKernel()');
    await kernel.stop();
    await using tested = await createTestKernel({ plugins: [counter] });
    expect(await rejection(faults.kill(tested, 'com.example.absent'))).toMatchObject({
      code: 'plugin/unavailable',
    });
    expect(() => faults.slow(tested, `${ID}:*`, { ms: -1 })).toThrow("'ms'");
    expect(() => faults.drop(tested, 'Not a command', {})).toThrow('names no command');
    expect(() => faults.drop(tested, `${ID}:*`, { rate: 2 })).toThrow("'rate' from 0 to 1");
    expect(() => faults.drop(tested, `${ID}:*`, { rat: 1 } as object)).toThrow(
      "a fault has no option 'rat' (did you mean 'rate'?)",
    );
    expect(() => faults.drop(tested, `${ID}:cuont`)).toThrow(`did you mean '${ID}:count'?`);
    expect(() => faults.drop(tested, 'com.example.absent:*')).toThrow('no command');
    const unknown = faults.deny(tested, ID, 'storage.wirte' as 'storage.write');
    expect(await rejection(unknown)).toMatchObject({
      code: 'kernel/invalid-option',
      message: expect.stringContaining("did you mean 'storage.write'?"),
    });
    expect(() => faults.quota(tested, 'com.example.absent')).toThrow('there is no plugin');
    await expect(tested.client(Search).find('x')).rejects.toThrow();
  });
});
