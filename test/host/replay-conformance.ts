/** Recordings of a plugin, and their replay, for guests of any isolation. */
import type { Kernel, KernelOptions } from '@plinth/kernel';
import { parseRecording, type Recording, recorder, replay } from '@plinth/kernel/replay';
import { command, contract } from '@plinth/sdk';
import type { ManifestInput } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf, type TextPackage } from '../support/plugins.ts';

const PERMISSIONS: ManifestInput['permissions'] = {
  storage: { read: true, write: true },
  events: { subscribe: ['news:*'], emit: ['app:*'] },
  commands: { execute: ['test.other:*', 'host:*'] },
  hooks: { call: ['app:ask'], handle: ['app:ask'] },
  middleware: { use: ['command:test.other:*'] },
  secrets: { read: ['token'] },
};

/** Uses everything that crosses, with values of every kind, clocks and randomness. */
const BODY = `
  let count = 0;
  ctx.events.on('news:*', ({ payload }) => ctx.storage.set('news', payload));
  ctx.hooks.handle('app:ask', (value) => ({ value, count }));
  ctx.middleware.use('command:test.other:*', async (call, next) => ['around', await next()]);
  ctx.commands.handle('add', async ({ by }) => {
    count += by;
    await ctx.storage.set('count', count);
    await ctx.events.emit('app:added', { count, at: new Date(), mark: crypto.randomUUID() });
    return { count, seen: new Map([[NaN, 10n]]), bytes: new Uint8Array([1, 2, 3]), none: undefined };
  });
  ctx.commands.handle('out', async (input) => [await ctx.commands.execute('test.other:echo', input), await ctx.hooks.collect('app:ask', 1)]);
  ctx.commands.handle('fail', () => { throw new TypeError('no'); });
  ctx.commands.handle('clocks', () => [Date.now(), new Date().getTime(), performance.now(), Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(8))], globalThis.Date.now(), globalThis.Math.random(), new Date(0).getTime(), Date.UTC(2000, 0), new Date() instanceof Date, Math.max(1, 2)]);
  ctx.commands.handle('config', () => ctx.config);
  ctx.commands.handle('progress', (input, call) => { call.progress(1); call.progress({ half: true }); return 'done'; });
`;
export const recorded = (body = BODY, more: Partial<ManifestInput> = {}, members = '') =>
  pluginOf('test.user', body, { permissions: PERMISSIONS, ...more }, members);
const other = pluginOf('test.other', `ctx.commands.handle('echo', (value) => value);`);

/** Starts a kernel with a recorder. */
export const startRecorder = (
  setting: Setting,
  packages: readonly TextPackage[] = [recorded(), other],
  options: KernelOptions = {},
) => startKernel(setting, packages, { ...options, extensions: [recorder()] });

/** Records what is done meanwhile. */
export async function record(
  kernel: Kernel,
  work: (ask: (command: string, input?: unknown) => Promise<unknown>) => Promise<unknown>,
  limit?: number,
): Promise<Recording> {
  const session = await kernel
    .extension(recorder)
    .record('test.user', limit === undefined ? {} : { limit });
  await work((command, input) => kernel.commands.execute(`test.user:${command}`, input));
  return session.stop();
}

/** Calls every command, and lets an event, a hook and a middleware reach the plugin. */
async function useAll(
  kernel: Kernel,
  ask: (command: string, input?: unknown) => Promise<unknown>,
): Promise<unknown> {
  const answers = [
    await ask('add', { by: 2 }),
    await ask('out', { when: new Date(0), list: [1, -0, 2n] }),
    await ask('fail').catch((error) => `${error.name}: ${error.message}`),
    await ask('clocks'),
    await ask('progress'),
    await kernel.hooks.collect('app:ask', { a: 1 }),
    await kernel.commands.execute('test.other:echo', 'direct'),
  ];
  await kernel.events.emit('news:today', new Set(['a']));
  await ask('add', { by: 3 });
  return answers;
}

export function replayConformance(name: string, setting: Setting): void {
  const options = {
    ...(setting.createHost && { host: setting.createHost() }),
    isolation: setting.isolation,
  };

  describe(`${name}: a recording`, () => {
    it('has everything that crosses, and a replay of the same build has no divergence', async () => {
      const kernel = await startRecorder(setting);
      const plain = await startKernel(setting, [recorded(), other]);
      const direct = await useAll(plain, (command, input) =>
        plain.commands.execute(`test.user:${command}`, input),
      );
      let answers: unknown;
      const recording = await record(kernel, async (ask) => {
        answers = await useAll(kernel, ask);
      });
      // What is recorded behaves like what isn't, but for its clocks and randomness.
      expect((answers as unknown[]).toSpliced(3, 1)).toEqual((direct as unknown[]).toSpliced(3, 1));
      const { header, end, text, entries } = await parseRecording(recording.text);
      expect([header, end, entries]).toEqual([recording.header, 'stopped', recording.entries]);
      expect(header).toMatchObject({
        plugin: 'test.user',
        version: '1.0.0',
        isolation: setting.isolation,
        tenant: 'tenant-0',
        taped: true,
      });
      expect(text).toBe(recording.text);
      const played = await replay(recording, recorded(), options);
      expect(played.divergence).toBeUndefined();
      expect(played.ok).toBe(true);
      expect(played.steps).toBeGreaterThan(40);
      // The plugin goes on, and may be recorded again.
      expect(await kernel.commands.execute('test.user:add', { by: 1 })).toMatchObject({ count: 6 });
      const again = await record(kernel, (ask) => ask('add', { by: 1 }));
      expect((await replay(again, recorded(), options)).ok).toBe(true);
    });

    it('of a provider of a contract that the application opened is replayed', async () => {
      const panel = recorded(`ctx.commands.handle('com.acme.panel:show', (what) => what + '!');`, {
        provides: ['com.acme.panel@1', 'test.user@1'],
        permissions: { contracts: { provide: ['com.acme.panel'] } },
      });
      const Panel = contract('com.acme.panel@1', { show: command({}) });
      const kernel = await startRecorder(setting, [panel], { contracts: [Panel] });
      const recording = await record(kernel, () => kernel.client(Panel).show('a'));
      expect(await replay(recording, panel, options)).toMatchObject({ ok: true });
    });

    it('shows an answer, a request and an event that differ, one that is missing, and one too many', async () => {
      const kernel = await startRecorder(setting);
      const recording = await record(kernel, (ask) => ask('add', { by: 2 }));
      const against = async (from: string, to: string, wait?: number) => {
        const build = recorded(BODY.replace(from, to), { version: '1.1.0' });
        return replay(recording, build, { ...options, ...(wait !== undefined && { wait }) });
      };
      expect(await against('return { count,', 'return { count: count + 1,')).toMatchObject({
        ok: false,
        divergence: {
          kind: 'differs',
          what: 'answer to command test.user:add',
          expected: { count: 2 },
          actual: { count: 3 },
        },
      });
      expect(await against("set('count', count)", "set('counts', count)")).toMatchObject({
        divergence: {
          kind: 'differs',
          expected: { facts: ['set', 'count', null], value: 2 },
          actual: { facts: ['set', 'counts', null], value: 2 },
        },
      });
      expect(await against("'app:added', { count,", "'app:added', { total: count,")).toMatchObject({
        divergence: {
          kind: 'differs',
          what: 'request emit app:added',
          expected: { value: { count: 2 } },
          actual: { value: { total: 2 } },
        },
      });
      const [lost, silent] = await Promise.all([
        against("await ctx.storage.set('count', count);", '', 3_000),
        against('return { count,', 'await new Promise(() => {}); return { count,', 3_000),
      ]);
      expect(lost).toMatchObject({
        divergence: { kind: 'missing', what: 'request storage count', actual: undefined },
      });
      expect(silent).toMatchObject({
        divergence: {
          kind: 'missing',
          what: 'answer to command test.user:add',
          expected: { count: 2 },
          actual: undefined,
        },
      });
      expect(
        await against('return { count,', "await ctx.storage.get('more'); return { count,"),
      ).toMatchObject({
        divergence: {
          kind: 'extra',
          what: 'request storage more',
          actual: { facts: ['get', 'more', null] },
        },
      });
      expect(await against("handle('add'", "handle('sum'")).toMatchObject({
        divergence: { kind: 'extra', what: 'register of command test.user:sum' },
      });
    });

    it('gives a replay the clocks and randomness that were read, and goes on where more is read', async () => {
      const kernel = await startRecorder(setting);
      const recording = await record(kernel, async (ask) => {
        await ask('clocks');
        await ask('clocks');
      });
      expect((await replay(recording, recorded(), options)).divergence).toBeUndefined();
      const more = BODY.replace(
        "ctx.commands.handle('clocks', () => [",
        "ctx.commands.handle('clocks', () => [Date.now(), ",
      );
      const runs = await Promise.all([
        replay(recording, recorded(more), options),
        replay(recording, recorded(more), options),
      ]);
      expect(runs[0]?.divergence).toMatchObject({ kind: 'differs' });
      expect(runs[1]).toEqual(runs[0]);
    });

    it('begins with the state that is handed over', async () => {
      const stateful = `getState: () => ({ kept: globalThis.kept }), restoreState(state) { globalThis.kept = state.kept; },`;
      const body = `globalThis.kept ??= 0; ctx.commands.handle('next', () => { globalThis.kept += 1; return globalThis.kept; });`;
      const build = recorded(body, {}, stateful);
      const kernel = await startRecorder(setting, [build]);
      await kernel.commands.execute('test.user:next');
      const recording = await record(kernel, async (ask) => expect(await ask('next')).toBe(2));
      expect((await replay(recording, build, options)).divergence).toBeUndefined();
    });
  });
}
