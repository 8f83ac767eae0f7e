/** Recordings and replays: guests in workers and inline, and what a recording promises. */
import { memoryStorage, packageOf } from '@plinth/kernel';
import { parseRecording, recorder, replay } from '@plinth/kernel/replay';
import type { PluginContext } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createBreachedHost, createHost, rawPost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { rejection, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { record, recorded, replayConformance, startRecorder } from './replay-conformance.ts';

const setting = { isolation: 'worker', createHost } as const;
replayConformance(`${runtime} worker`, setting);
replayConformance(`${runtime} inline`, { isolation: 'inline', createHost });
describe.skipIf(!(await has('wall')))('behind a wall', () => {
  replayConformance(`${runtime} sandbox`, { isolation: 'sandbox', createHost });
});

const simple = recorded(`ctx.commands.handle('echo', (value) => value);
  ctx.commands.handle('big', (size) => 'x'.repeat(size));
  ctx.commands.handle('store', async (value) => { await ctx.storage.set('kept', value); return ctx.storage.get('kept'); });`);
const start = (build = simple) => startRecorder(setting, [build]);
/** Without a host a replay runs inline. */
const played = (...[recording, build = simple]: [Parameters<typeof replay>[0], typeof simple?]) =>
  replay(recording, build);

describe(`${runtime}: a recording`, () => {
  it('is replayed in another isolation than it was made in', async () => {
    const recording = await record(await start(), (ask) => ask('store', { a: 1 }));
    expect(await played(recording)).toEqual({ ok: true, steps: expect.any(Number) });
  });

  it('has no secret: not of ctx.secrets, not in texts, nested values, bytes or errors', async () => {
    const token = 'planted-Secret/12+34';
    const build = recorded(`ctx.commands.handle('use', async () => {
        const token = await ctx.secrets.get('token');
        await ctx.storage.set('nested', { list: [new Map([['k', 'a ' + token + ' z']])] });
        await ctx.commands.execute('host:take', new TextEncoder().encode('bearer ' + token));
        await ctx.commands.execute('host:take', encodeURIComponent(token));
        return 'got ' + token;
      });
      ctx.commands.handle('fail', async () => { throw new Error('bad ' + await ctx.secrets.get('token')); });`);
    const kernel = await startRecorder(setting, [build]);
    await kernel.secrets.set('test.user', 'token', token);
    const taken: unknown[] = [];
    kernel.commands.handle('take', (value) => void taken.push(value));
    const recording = await record(kernel, async (ask) => {
      expect(await ask('use')).toBe(`got ${token}`);
      expect((await rejection(ask('fail'))).message).toContain(token);
      // The application says it, too.
      await ask('use', { note: token });
    });
    expect(new TextDecoder().decode(taken[0] as Uint8Array)).toBe(`bearer ${token}`);
    const { text } = recording;
    const bytes = [...text.matchAll(/"codec":"([^"]*)"/g)].map(([, code]) => atob(code as string));
    for (const place of [text, ...bytes])
      for (const spelling of [token, encodeURIComponent(token), btoa(token)])
        expect(place).not.toContain(spelling);
    expect(text).toContain('[secret]');
    // The replay has the same replacement everywhere.
    expect((await played(recording, build)).divergence).toBeUndefined();
  });

  it('stops when it is full, and the plugin goes on', async () => {
    const kernel = await start();
    const session = await kernel.extension(recorder).record('test.user', { limit: 3_000 });
    for (let n = 0; n < 20; n++)
      expect(await kernel.commands.execute('test.user:big', 500)).toHaveLength(500);
    expect(session.end).toBe('full');
    const recording = await session.stop();
    expect(recording.end).toBe('full');
    expect(new TextEncoder().encode(recording.text).length).toBeLessThanOrEqual(3_000);
    expect((await played(recording)).ok).toBe(true);
    expect(await kernel.commands.execute('test.user:echo', 1)).toBe(1);
    expect(await session.stop()).toBe(recording);
  });

  it('stops in front of a stream, which passes', async () => {
    const build = recorded(
      `ctx.commands.handle('count', async function* () { yield 1; yield 2; }); ctx.commands.handle('echo', (value) => value);
       ctx.commands.handle('sum', async (stream) => { let sum = 0; for await (const item of stream) sum += item; return sum; });`,
    );
    async function* numbers() {
      yield 3;
      yield 4;
    }
    const kernel = await start(build);
    const items: unknown[] = [];
    const recording = await record(kernel, async (ask) => {
      await ask('echo', 1);
      for await (const item of (await ask('count')) as AsyncIterable<unknown>) items.push(item);
      expect(await ask('sum', numbers())).toBe(7);
    });
    expect([items, recording.end]).toEqual([[1, 2], 'stream']);
    expect((await played(recording, build)).ok).toBe(true);
  });

  it('ends with its guest, and a replay of the crash says so', async () => {
    const build = recorded(`${CRASH} ctx.commands.handle('echo', (value) => value);`);
    const kernel = await startRecorder(setting, [build], { supervision: false });
    const recording = await record(kernel, async (ask) => {
      await ask('echo', 1);
      expect((await rejection(ask('crash'))).code).toBe('guest/crashed');
    });
    expect(recording.end).toBe('guest');
    expect(kernel.plugins.get('test.user')?.state).toBe('failed');
    const again = await replay(recording, build, { host: createHost(), wait: 5_000 });
    expect(again.ok || again.divergence?.kind === 'ended').toBe(true);
    const fixed = await played(
      recording,
      recorded(`ctx.commands.handle('echo', (value) => value + 1);`),
    );
    expect(fixed.ok).toBe(false);
  });

  it('of a plugin that does not run begins with its next start, and goes on through an update', async () => {
    const activation = ['command:test.user:echo'];
    const lazy = recorded(`ctx.commands.handle('echo', (value) => value);`, { activation });
    const next = recorded(`ctx.commands.handle('echo', (value) => -value);`, {
      version: '2.0.0',
      activation,
    });
    const kernel = await start(lazy);
    const session = await kernel.extension(recorder).record('test.user');
    expect(session.end).toBeUndefined();
    expect(await kernel.commands.execute('test.user:echo', 1)).toBe(1);
    await kernel.plugins.update('test.user', packageOf(next));
    expect(await kernel.commands.execute('test.user:echo', 1)).toBe(-1);
    const recording = await session.stop();
    expect(recording.header.version).toBe('1.0.0');
    // The guest that was replaced ends on its own time.
    expect(['guest', 'stopped']).toContain(recording.end);
    const result = await played(recording, next);
    expect(result.divergence).toMatchObject({
      kind: 'differs',
      what: 'answer to command test.user:echo',
      expected: 1,
      actual: -1,
    });
  });

  it('of an object of the application has real clocks, and is replayed against a bundle', async () => {
    const plugin = {
      activate(ctx: PluginContext) {
        ctx.commands.handle('echo', (value) => value);
      },
    };
    const kernel = await startKernel(setting, [{ manifest: simple.manifest, plugin }], {
      extensions: [recorder()],
    });
    const recording = await record(kernel, (ask) => ask('echo', 1));
    expect(recording.header).toMatchObject({ taped: false, digest: '', isolation: 'inline' });
    const build = recorded(`ctx.commands.handle('echo', (value) => value);`);
    expect((await played(recording, build)).ok).toBe(true);
  });

  it('may have thousands of entries', async () => {
    const build = recorded(
      `ctx.commands.handle('many', async (count) => { for (let n = 0; n < count; n++) await ctx.storage.get('key' + n); return count; });`,
    );
    const recording = await record(await start(build), (ask) => ask('many', 3_000));
    expect(recording.entries).toBeGreaterThan(6_000);
    expect((await played(recording, build)).ok).toBe(true);
  });

  it('has cancelled calls, and those that are open at its end', async () => {
    const build = recorded(
      `ctx.commands.handle('wait', (_, call) => new Promise((resolve) => call.signal.addEventListener('abort', () => resolve(1)))); ctx.commands.handle('echo', (value) => value);`,
    );
    const kernel = await start(build);
    const stop = new AbortController();
    const recording = await record(kernel, async (ask) => {
      const waiting = rejection(
        kernel.commands.execute('test.user:wait', 1, { signal: stop.signal }),
      );
      await ask('echo', 1);
      stop.abort();
      expect((await waiting).code).toBe('call/cancelled');
      void kernel.commands.execute('test.user:wait', 2).catch(() => {});
      await ask('echo', 2);
    });
    expect(recording.text).toContain('"what":"cancel"');
    expect((await played(recording, build)).divergence).toBeUndefined();
  });

  it('takes no notice of a guest that does not answer any more', async () => {
    const build = recorded(
      `ctx.commands.handle('echo', (value) => value); ctx.commands.handle('hang', () => { setTimeout(() => { for (;;) {} }, 0); return 1; });`,
    );
    const kernel = await startRecorder(setting, [build], { supervision: false });
    const recording = await record(kernel, (ask) => ask('hang'));
    expect(recording.end).toBe('stopped');
    expect(await replay(recording, build, { host: createHost(), wait: 3_000 })).toMatchObject({
      ok: true,
    });
  });

  it('is of one tenant', async () => {
    const kernel = await start();
    const acme = kernel.tenant('acme');
    await acme.start();
    const session = await acme.extension(recorder).record('test.user');
    await kernel.commands.execute('test.user:echo', 'theirs');
    await acme.commands.execute('test.user:echo', 'ours');
    const { text, header } = await session.stop();
    expect(header.tenant).toBe('acme');
    expect([text.includes('ours'), text.includes('theirs')]).toEqual([true, false]);
  });

  it('of another plugin or format, cut or edited is refused with the reason', async () => {
    const recording = await record(await start(), (ask) => ask('echo', 'hello'));
    const { text } = recording;
    const reasonOf = async (changed: string) => {
      const error = await rejection(parseRecording(changed));
      expect(error.code).toBe('recording/invalid');
      return error.details?.reason;
    };
    const lines = text.trimEnd().split('\n');
    expect(await reasonOf(lines.slice(0, -1).join('\n'))).toBe('cut');
    expect(await reasonOf(text.slice(0, text.length / 2))).toBe('cut');
    expect(await reasonOf(lines.toSpliced(2, 1).join('\n'))).toBe('edited');
    expect(await reasonOf(text.replace('"hello"', '"hullo"'))).toBe('edited');
    expect(await reasonOf(text.replace('"entries":', '"entries":1'))).toBe('edited');
    expect(await reasonOf(text.replace('"formatVersion":1', '"formatVersion":2'))).toBe('version');
    for (const wrong of [
      '',
      '{}',
      'no json',
      '[1]',
      '{"format":"plinth-recording","formatVersion":1}',
    ])
      expect(await reasonOf(wrong)).toBe('format');
    expect(await reasonOf(5 as never)).toBe('format');
    const stranger = pluginOf('test.stranger', `ctx.commands.handle('echo', (value) => value);`);
    expect(await rejection(replay(recording, stranger))).toMatchObject({
      code: 'recording/invalid',
      details: { reason: 'plugin' },
    });
    expect(await rejection(replay({ ...recording, text: text.slice(9) }, simple))).toMatchObject({
      code: 'recording/invalid',
    });
    expect((await played(recording)).ok).toBe(true);
  });

  it.each([
    ['a frame of no kind', `[[99, 1]]`],
    [
      'many control messages that are none',
      `Array.from({ length: 20 }, () => [6, { id: 'a', type: 'GET' }])`,
    ],
    [
      'a request that no guest makes',
      `Array.from({ length: 20 }, (_, n) => ({ id: 'x' + n, type: 'APPLY', path: ['register'], argumentList: [{ type: 'RAW', value: null }] }))`,
    ],
  ])('ends a guest that posts %s, and nothing else', async (_, messages) => {
    const build = recorded(
      `const post = ${rawPost}; ctx.commands.handle('echo', (value) => value); ctx.commands.handle('forge', () => { for (const message of ${messages}) post(message); return new Promise(() => {}); });`,
    );
    const neighbour = pluginOf('test.neighbour', `ctx.commands.handle('ping', () => 'pong');`);
    const kernel = await startRecorder(
      { isolation: 'worker', createHost: createBreachedHost },
      [build, neighbour],
      { supervision: false },
    );
    const recording = await record(kernel, async (ask) => {
      await ask('echo', 1);
      const error = await rejection(ask('forge'));
      expect(error.code).toMatch(/^(wire\/refused|guest\/)/);
    });
    expect(recording.end).toBe('guest');
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
  });

  it('is refused for what cannot be recorded, and a replay for what cannot run', async () => {
    const kernel = await startRecorder(setting, [
      simple,
      pluginOf('test.shared', '', { tenancy: 'shared' }),
    ]);
    const records = kernel.extension(recorder);
    expect((await rejection(records.record('test.none'))).code).toBe('plugin/not-found');
    expect((await rejection(records.record('test.shared'))).code).toBe('plugin/illegal-transition');
    for (const limit of [0, 999, 1e12, Number.NaN, '5000'] as never[])
      expect((await rejection(records.record('test.user', { limit }))).code).toBe(
        'kernel/invalid-option',
      );
    const session = await records.record('test.user');
    expect((await rejection(records.record('test.user'))).code).toBe('plugin/illegal-transition');
    const recording = await session.stop();
    const broken = { ...simple, code: 'export default {' };
    expect((await rejection(replay(recording, broken))).code).toBe('plugin/load-failed');
    for (const wait of [0, -1, Number.POSITIVE_INFINITY, '1'] as never[])
      expect((await rejection(replay(recording, simple, { wait }))).code).toBe(
        'kernel/invalid-option',
      );
  });

  it('stops with its kernel, and leaves a plugin alone that nothing records', async () => {
    const storage = memoryStorage();
    const kernel = await startRecorder(setting, [simple], { storage });
    const session = await kernel.extension(recorder).record('test.user');
    await kernel.commands.execute('test.user:echo', 1);
    await kernel.stop();
    expect((await session.stop()).end).toBe('guest');
    const plain = await startKernel(setting, [
      recorded(
        `ctx.commands.handle('own', () => [Date.name, Date === globalThis.Date, String(Date)]);`,
      ),
    ]);
    expect(await plain.commands.execute('test.user:own')).toEqual([
      'Date',
      true,
      expect.stringContaining('[native code]'),
    ]);
  });
});
