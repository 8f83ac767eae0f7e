/** Bisects over running plugins: what is named, and that everything is afterwards as before. */

import {
  createKernel,
  type Kernel,
  memoryStorage,
  type PackageInput,
  packageSource,
} from '@plinth/kernel';
import { bisect, bisecting } from '@plinth/kernel/bisect';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, rejection } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

/** Counts, and keeps its count with `getState`. */
const plain = (id: string, manifest = {}, extra = '') =>
  pluginOf(
    id,
    `ctx.commands.handle('count', () => ++this.n); ${CRASH} ${extra}`,
    manifest,
    'n: 0, getState() { return this.n; }, restoreState(n) { this.n = n; },',
  );
/** Calls of the host's command wait for it, unless it is switched off. */
const guard = { permissions: { middleware: { use: ['command:host:*'] } } };
/** Its middleware lets calls of the host's command fail. */
const breaking = (id: string, manifest = {}) =>
  plain(
    id,
    { ...guard, ...manifest },
    `ctx.middleware.use('command:host:work', () => { throw new Error('broken'); });`,
  );

async function start(packages: readonly PackageInput[], storage = memoryStorage()) {
  const kernel = keep(
    await createKernel({
      host: createHost(),
      storage: outliving(storage),
      sources: [packageSource(packages)],
      extensions: [bisecting()],
      telemetry: { log: false },
    }),
  );
  await kernel.start();
  kernel.commands.handle('work', () => 'done');
  return kernel;
}
const fails = (kernel: Kernel) => () =>
  kernel.commands.execute('host:work', undefined, { timeout: 5_000 }).then(
    () => false,
    () => true,
  );
const facts = (kernel: Kernel) =>
  kernel.plugins.list().map(({ id, state, reason, enabled }) => ({ id, state, reason, enabled }));
const on = (id: string) => ({ dependencies: { [id]: '^1.0.0' } });

describe(`${runtime}: bisect`, () => {
  it('names the plugin whose middleware breaks a command, and leaves everything as it was', async () => {
    const kernel = await start([
      plain('test.a'),
      plain('test.b', { ...guard, ...on('test.a') }),
      breaking('test.c', on('test.a')),
      plain('test.d', on('test.c')),
      plain('test.asleep'),
      plain('test.paused'),
      plain('test.stopped'),
      plain('test.disabled'),
      plain('test.later', { activation: ['command:test.later:count'] }),
    ]);
    for (let n = 0; n < 3; n++) await kernel.commands.execute('test.a:count');
    await kernel.commands.execute('test.asleep:count');
    await kernel.plugins.hibernate('test.asleep');
    await kernel.plugins.suspend('test.paused');
    await kernel.plugins.deactivate('test.stopped');
    await kernel.plugins.disable('test.disabled');
    const before = facts(kernel);
    const result = await bisect(kernel, fails(kernel));
    expect(result).toMatchObject({
      verdict: 'plugin',
      plugins: ['test.c'],
      more: false,
      problems: [],
    });
    expect(result.text).toContain('test.c causes the fault.');
    expect(result.steps.length).toBeLessThan(12);
    // A plugin is off with what it needs.
    for (const { on: those, off } of result.steps)
      if (off.includes('test.a')) expect(those.filter((id) => /test\.[bcd]/.test(id))).toEqual([]);
    expect(facts(kernel)).toEqual(before);
    // What getState hands out is kept.
    expect(await kernel.commands.execute('test.a:count')).toBe(4);
    expect(await kernel.commands.execute('test.asleep:count')).toBe(2);
  });

  it('names a pair, the application, and nothing', async () => {
    const kernel = await start(['a', 'b', 'c', 'd', 'e'].map((name) => plain(`test.${name}`)));
    const runs = (id: string) => kernel.plugins.get(id)?.state === 'active';
    const pair = await bisect(kernel, () => runs('test.b') && runs('test.e'));
    expect([pair.verdict, [...pair.plugins].sort()]).toEqual(['pair', ['test.b', 'test.e']]);
    const group = await bisect(kernel, () => ['a', 'c', 'd'].every((id) => runs(`test.${id}`)));
    expect([group.verdict, group.plugins.length]).toEqual(['group', 3]);
    expect(await bisect(kernel, () => true)).toMatchObject({ verdict: 'host', plugins: [] });
    expect(await bisect(kernel, () => false)).toMatchObject({ verdict: 'none', plugins: [] });
    const kept = await bisect(kernel, () => runs('test.b'), { keep: ['test.b'] });
    expect(kept).toMatchObject({ verdict: 'host' });
    expect(facts(kernel).every(({ state, enabled }) => state === 'active' && enabled)).toBe(true);
  });

  it('names none when the fault flickers', async () => {
    const kernel = await start(['a', 'b', 'c'].map((name) => plain(`test.${name}`)));
    let asked = 0;
    const result = await bisect(kernel, () => ++asked % 3 > 0);
    expect(result).toMatchObject({ verdict: 'flickers', plugins: [] });
    expect(new Set(result.steps.at(-1)?.answers).size).toBe(2);
    expect(facts(kernel).every(({ state }) => state === 'active')).toBe(true);
  });

  it('brings everything back when the predicate throws, is late, answers nonsense or is aborted', async () => {
    const kernel = await start(['a', 'b', 'c', 'd'].map((name) => plain(`test.${name}`)));
    const before = facts(kernel);
    let asked = 0;
    const third = (what: () => unknown) => {
      asked = 0;
      return () => (++asked < 5 ? asked < 3 : what()) as boolean;
    };
    const ending = new AbortController();
    for (const [what, code] of [
      [() => Promise.reject(Object.assign(new Error('no'), { code: 'own' })), 'own'],
      [() => new Promise(() => {}), 'call/timeout'],
      [() => 'perhaps', 'value/invalid'],
      [
        () => {
          ending.abort(Object.assign(new Error('enough'), { code: 'enough' }));
          return new Promise(() => {});
        },
        'enough',
      ],
    ] as const) {
      const options = { timeout: code === 'call/timeout' ? 50 : 5_000, signal: ending.signal };
      expect((await rejection(bisect(kernel, third(what), options))).code).toBe(code);
      expect(facts(kernel)).toEqual(before);
    }
    expect(asked).toBe(5);
  });

  it('a plugin that crashed meanwhile runs again afterwards', async () => {
    const kernel = await start([plain('test.a'), plain('test.b')]);
    const result = await bisect(
      kernel,
      async () => {
        await kernel.commands.execute('test.b:crash').catch(() => {});
        return (
          kernel.plugins.get('test.b')?.state !== undefined &&
          kernel.plugins.get('test.b')?.enabled === true
        );
      },
      { times: 1 },
    );
    expect(result).toMatchObject({ verdict: 'plugin', plugins: ['test.b'], problems: [] });
    await expect.poll(() => facts(kernel).map(({ state }) => state)).toEqual(['active', 'active']);
  });

  it('stores nothing: a kernel that stops midway leaves the next one with all plugins', async () => {
    const storage = memoryStorage();
    const packages = ['a', 'b', 'c', 'd'].map((name) => plain(`test.${name}`));
    const kernel = await start(packages, storage);
    const reached = Promise.withResolvers<void>();
    let asked = 0;
    const result = rejection(
      bisect(kernel, () => {
        if (++asked <= 2) return true;
        reached.resolve();
        return new Promise(() => {});
      }),
    );
    await reached.promise;
    expect(facts(kernel).every(({ state }) => state === 'unloaded')).toBe(true);
    await kernel.stop();
    expect((await result).code).toBe('kernel/stopped');
    expect((await rejection(bisect(kernel, () => true))).code).toBe('kernel/stopped');
    const next = await start(packages, storage);
    expect(facts(next).every(({ state, enabled }) => state === 'active' && enabled)).toBe(true);
    await next.stop();
  });

  it('ends when the operator changes a plugin, whose decision stays', async () => {
    const storage = memoryStorage();
    const packages = ['a', 'b', 'c'].map((name) => plain(`test.${name}`));
    const kernel = await start(packages, storage);
    let asked = 0;
    const error = await rejection(
      bisect(kernel, async () => {
        if (++asked > 2) await kernel.plugins.disable('test.b');
        return asked <= 2;
      }),
    );
    expect([error.code, error.plugin]).toEqual(['call/cancelled', 'test.b']);
    expect(facts(kernel).map(({ state, enabled }) => [state, enabled])).toEqual([
      ['active', true],
      ['unloaded', false],
      ['active', true],
    ]);
    await kernel.plugins.enable('test.b');
    await expect.poll(() => kernel.plugins.get('test.b')?.state).toBe('active');
  });

  it('refuses a second bisect, options that make no sense, and a kernel without the extension', async () => {
    const kernel = await start([plain('test.a')]);
    const first = Promise.withResolvers<boolean>();
    const running = bisect(kernel, () => first.promise);
    expect((await rejection(bisect(kernel, () => true))).code).toBe('plugin/illegal-transition');
    first.resolve(false);
    expect((await running).verdict).toBe('none');
    for (const [predicate, options, code] of [
      [7, {}, 'kernel/invalid-option'],
      [() => true, { times: 0 }, 'kernel/invalid-option'],
      [() => true, { timeout: -1 }, 'kernel/invalid-option'],
      [() => true, { keep: 'test.a' }, 'kernel/invalid-option'],
      [() => true, { signal: {} }, 'kernel/invalid-option'],
      [() => true, { keep: ['test.none'] }, 'plugin/not-found'],
    ] as const)
      expect((await rejection(bisect(kernel, predicate as never, options as never))).code).toBe(
        code,
      );
    const other = keep(
      await createKernel({
        host: createHost(),
        sources: [packageSource([])],
        telemetry: { log: false },
      }),
    );
    expect((await rejection((async () => bisect(other, () => true))())).code).toBe(
      'extension/missing',
    );
  });
});
