/** `createTestKernel`: the real kernel, with what a test gives it and what it records. */
import { memoryStorage, type StorageAdapter } from '@plinth/kernel';
import { createTestKernel, stub } from '@plinth/sdk/testing';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { counter, manifest, Notes, notes, Search } from './notes.ts';

const plugins = [{ manifest, plugin: notes }];
const ID = 'com.example.notes';

describe('createTestKernel()', () => {
  it('starts a kernel whose plugins run, and stops it at the end of the block', async () => {
    let outlived: Awaited<ReturnType<typeof createTestKernel>>;
    {
      await using kernel = await createTestKernel({ plugins });
      expect(await kernel.client(Notes).add({ text: 'milk' })).toMatchObject({ id: 'note-1' });
      expect(await kernel.storageOf(ID)).toEqual({ 'note-1': 'milk' });
      outlived = kernel;
    }
    expect(await rejection(outlived.client(Notes).read('note-1'))).toMatchObject({
      code: 'kernel/stopped',
    });
  });

  it('seeds the storage before plugins start', async () => {
    await using kernel = await createTestKernel({ plugins, storage: { [ID]: { old: 'bread' } } });
    expect(await kernel.client(Notes).read('old')).toBe('bread');
    expect(await kernel.client(Notes).add({ text: 'milk' })).toMatchObject({ id: 'note-2' });
  });

  it('keeps data in the adapter that is given', async () => {
    const kept = memoryStorage();
    const adapter: StorageAdapter = { ...kept, close: async () => {} };
    for (const id of ['note-1', 'note-2']) {
      await using kernel = await createTestKernel({ plugins, adapter });
      expect(await kernel.client(Notes).add({ text: 'milk' })).toMatchObject({ id });
    }
  });

  it('records calls with input, caller, answer or error, and time', async () => {
    await using kernel = await createTestKernel({
      plugins,
      contracts: [stub(Search, { find: (text) => [`${text}!`] })],
      config: { user: { [ID]: { max: 0 } } },
    });
    await kernel.client(Notes).related('milk', { user: 'ada' });
    const error = await rejection(kernel.client(Notes).add({ text: 'milk' }));
    expect(error).toMatchObject({ code: 'full', data: { max: 0 } });
    const [outer, nested, failed] = kernel.calls;
    expect(outer).toMatchObject({
      command: 'com.example.notes:related',
      input: 'milk',
      caller: { kind: 'host' },
      user: 'ada',
      state: 'answered',
      answer: ['milk!'],
    });
    expect(nested).toMatchObject({
      command: 'com.example.search:find',
      caller: { kind: 'plugin', id: ID },
    });
    expect(failed).toMatchObject({ command: 'com.example.notes:add', state: 'failed' });
    expect(failed?.error).toBe(error);
    expect(failed?.took).toBeGreaterThanOrEqual(0);
  });

  it('records log lines and denied attempts', async () => {
    await using kernel = await createTestKernel({
      plugins: [
        { manifest: { ...manifest, permissions: { storage: { write: true } } }, plugin: notes },
      ],
    });
    expect(await rejection(kernel.client(Notes).add({ text: 'milk' }))).toMatchObject({
      code: 'permission/denied',
    });
    await expect
      .poll(() => kernel.denials)
      .toMatchObject([{ plugin: ID, permission: 'storage.read', reason: 'manifest' }]);
  });

  it('answers requests by URL, and refuses the others with a message that names them', async () => {
    const seen: string[] = [];
    await using kernel = await createTestKernel({
      plugins,
      network: {
        'https://api.example.com/*': ({ method, url }) => {
          seen.push(`${method} ${url}`);
          return '1.25';
        },
      },
    });
    expect(await kernel.client(Notes).rate()).toBe(1.25);
    expect(seen).toEqual(['GET https://api.example.com/rate']);
    await using offline = await createTestKernel({ plugins });
    expect((await rejection(offline.client(Notes).rate())).message).toContain(
      'no answer for GET https://api.example.com/rate',
    );
  });

  it('refuses calls of a stub without a handler, and stubs of what a contract lacks', async () => {
    await using kernel = await createTestKernel({ plugins, contracts: [stub(Search, {})] });
    expect((await rejection(kernel.client(Notes).related('milk'))).message).toContain(
      "the stub of 'com.example.search@1' has no handler for 'find'",
    );
    expect(() => stub(Search, { fnd: () => [] } as object)).toThrow('has a handler for');
  });

  it('runs bundles in workers of the host that is given', async () => {
    await using kernel = await createTestKernel({ plugins: [counter], host: createHost() });
    expect(await kernel.commands.execute('com.example.counter:count')).toBe(1);
    expect(kernel.calls).toMatchObject([{ answer: 1 }]);
    expect(await kernel.storageOf('com.example.counter')).toEqual({ count: 1 });
    const { plugins: running } = await kernel.diagnostics();
    expect(running).toMatchObject([{ isolation: 'worker' }]);
  });

  it('carries the user of a call across awaits where the runtime can', async () => {
    await using kernel = await createTestKernel({
      plugins: [
        pluginOf(
          'com.example.late',
          `ctx.commands.handle('late', async () => {
             await new Promise((resolve) => setTimeout(resolve, 1));
             return ctx.commands.execute('com.example.late:user');
           });
           ctx.commands.handle('user', (_, call) => call.user);`,
          { permissions: { commands: { execute: ['com.example.late:*'] } } },
        ),
      ],
    });
    const user = await kernel.commands.execute('com.example.late:late', 1, { user: 'ada' });
    expect(user).toBe(runtime === 'node' ? 'ada' : undefined);
  });

  it.each<readonly [string, object | null, string]>([
    ['an unknown option', { clock: true, plugin: [] }, "no option 'plugin'"],
    ['no object', null, 'an object of options'],
    ['plugins that are no list', { plugins: {} }, "a list as 'plugins'"],
    ['a plugin that is none', { plugins: [null] }, 'the plugin at 0 is none'],
    ['a plugin without a manifest', { plugins: [{ code: '' }] }, 'the plugin at 0 is none'],
    ['storage that is no object of objects', { storage: { a: 1 } }, "as 'storage'"],
    ['contracts that are none', { contracts: [1] }, "as 'contracts'"],
    ['a time that is none', { clock: { now: Number.NaN } }, "as 'clock'"],
    ['a network that is none', { network: true }, "an object as 'network'"],
  ])('refuses %s, and leaves nothing behind', async (_, options, message) => {
    const error = await rejection(createTestKernel(options as object));
    expect(error).toMatchObject({ code: 'kernel/invalid-option' });
    expect(error.message).toContain(message);
    await using kernel = await createTestKernel({ clock: true });
    expect(kernel.plugins.list()).toEqual([]);
  });
});

describe('the clock of a test kernel', () => {
  it('moves timers and dates of inline plugins only when the test moves it', async () => {
    await using kernel = await createTestKernel({
      plugins,
      clock: { now: new Date('2030-01-01') },
    });
    const { time } = await kernel.client(Notes).add({ text: 'milk' });
    expect(new Date(time).toISOString()).toBe('2030-01-01T00:00:00.000Z');
    const reminded = kernel.client(Notes).remind(5_000);
    await kernel.clock.advance(4_999);
    expect(kernel.calls.at(-1)?.state).toBe('pending');
    await kernel.clock.advance(1);
    expect(await reminded).toBe(Date.parse('2030-01-01T00:00:05Z'));
    expect(kernel.calls.at(-1)?.took).toBe(5_000);
  });

  it("moves the kernel's deadlines", async () => {
    await using kernel = await createTestKernel({ plugins: [counter], clock: true });
    const call = rejection(kernel.commands.execute('com.example.counter:wait'));
    await kernel.clock.advance(30_000);
    expect(await call).toMatchObject({ code: 'call/timeout' });
  });

  it('runs timers in their order, repeats intervals, and forgets those that are cleared', async () => {
    await using kernel = await createTestKernel({ clock: { now: 0 } });
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name} ${Date.now()}`);
    setTimeout(note('late'), 30);
    setTimeout(() => {
      note('early')();
      setTimeout(note('nested'), 5);
    }, 10);
    const interval = setInterval(note('interval'), 12);
    const cleared = setTimeout(note('cleared'), 1);
    clearTimeout(cleared);
    await kernel.clock.advance(25);
    clearInterval(interval);
    await kernel.clock.advance(25);
    expect(ran).toEqual(['early 10', 'interval 12', 'nested 15', 'interval 24', 'late 30']);
  });

  it('gives the globals back at the end', async () => {
    const before = { Date, setTimeout, clearTimeout, setInterval, clearInterval };
    const year = new Date().getFullYear();
    {
      await using kernel = await createTestKernel({ clock: { now: 0 } });
      expect([Date.now(), new Date().getFullYear(), kernel.clock.now()]).toEqual([0, 1970, 0]);
      expect(new Date(5).getTime()).toBe(5);
      expect(new Date() instanceof Date).toBe(true);
    }
    expect(new Date().getFullYear()).toBe(year);
    expect({ Date, setTimeout, clearTimeout, setInterval, clearInterval }).toEqual(before);
    expect(Date).toBe(before.Date);
  });

  it('belongs to one kernel, to inline plugins, and only goes forward', async () => {
    await using kernel = await createTestKernel({ clock: true });
    expect((await rejection(createTestKernel({ clock: true }))).message).toContain(
      'holds the clock',
    );
    expect((await rejection(kernel.clock.advance(-1))).message).toContain('never goes back');
    await kernel.stop();
    expect(
      (await rejection(createTestKernel({ clock: true, host: createHost() }))).message,
    ).toContain('inline plugins only');
    await using real = await createTestKernel();
    expect(() => real.clock).toThrow("create it with 'clock: true'");
  });
});
