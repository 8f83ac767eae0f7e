/**
 * Canaries: a later version answers a share of the calls beside the one before, and is promoted or
 * rolled back by a rule or by hand.
 */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  memoryStorage,
  packageOf,
  packageSource,
} from '@plinth/kernel';
import { bisect, bisecting } from '@plinth/kernel/bisect';
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, nextEvent, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const ID = 'test.lib';
/** Returns its version, counts with its state, hears events, and fails, lags and dies on request. */
const library = (version: string, extra = '', manifest = {}, idempotent = false) =>
  pluginOf(
    ID,
    `ctx.commands.handle('version', () => '${version}');
     ctx.commands.handle('count', () => ++this.n);
     ctx.commands.handle('keep', (value) => ctx.storage.set('kept', value));
     ctx.commands.handle('kept', () => ctx.storage.get('kept'));
     ctx.provide({ $id: 'test.lib@1', wait: { kind: 'command', id: 'test.lib:wait', errors: {}, idempotent: ${idempotent} } }, {
       async wait() {
         if ((await ctx.commands.execute('host:gate', '${version}')) !== 'die') return '${version}';
         setTimeout(() => { throw new Error('gone'); }, 0);
         return new Promise(() => {});
       },
     });
     ctx.commands.handle('own', () => ctx.commands.execute('test.lib:version'));
     ctx.events.on('test:tick', () => ctx.commands.execute('host:heard', '${version}'));
     ctx.hooks.handle('test.lib:hello', () => '${version}');
     ctx.middleware.use('command:host:work', (call, next) => next(call.input + '${version} ')); ${extra}`,
    {
      version,
      provides: ['test.lib@1'],
      permissions: {
        commands: { execute: ['host:*', 'test.lib:*'] },
        events: { subscribe: ['test:*'] },
        middleware: { use: ['command:host:*'] },
        storage: { read: true, write: true },
      },
      ...manifest,
    },
    'n: 0, getState() { return this.n; }, restoreState(n) { this.n = n; },',
  );
const next = (version: string, extra = '', manifest = {}) =>
  packageOf(library(version, extra, manifest));
const user = (id: string, range: string) =>
  pluginOf(id, `ctx.commands.handle('ask', () => ctx.commands.execute('test.lib:version'));`, {
    permissions: { commands: { execute: ['test.lib:*'] } },
    dependencies: { [ID]: range },
  });

async function start(options: KernelOptions = {}, more: ReturnType<typeof user>[] = []) {
  const kernel = keep(
    await createKernel({
      host: createHost(),
      sources: [packageSource([library('1.0.0'), ...more])],
      telemetry: { log: false },
      ...options,
    }),
  );
  await kernel.start();
  return kernel;
}
const ask = (kernel: Kernel, name = 'version', input?: unknown, options = {}) =>
  kernel.commands.execute(`${ID}:${name}`, input, { timeout: 10_000, ...options });
async function many(kernel: Kernel, count: number, name = 'version', options = {}) {
  const answers = await Promise.all(
    Array.from({ length: count }, () => ask(kernel, name, undefined, options)),
  );
  return answers.filter((version) => version === '1.1.0').length;
}
const versions = (kernel: Kernel) =>
  kernel.plugins.list().flatMap(({ id, version }) => (id === ID ? [version] : []));
const BY_HAND = { share: 0.25, compare: false } as const;
/** Calls until the canary is over. Answers what each call got, and how the canary ended. */
async function until(kernel: Kernel, name: string, options = {}) {
  const over = Promise.race([
    nextEvent<{ reason: string }>(kernel, 'plugin:canary-promoted').then((told) => ({
      told,
      promoted: true,
    })),
    nextEvent<{ reason: string }>(kernel, 'plugin:canary-rolled-back').then((told) => ({
      told,
      promoted: false,
    })),
  ]);
  let ended = false;
  void over.then(() => {
    ended = true;
  });
  const answers: unknown[] = [];
  while (!ended)
    answers.push(
      ...(await Promise.all(
        Array.from({ length: 10 }, () =>
          ask(kernel, name, undefined, options).catch((error) => error.message),
        ),
      )),
    );
  return { ...(await over), answers };
}

describe(`${runtime}: canary`, () => {
  it('answers its share of the calls, by the seed; the version before stays the default one', async () => {
    const kernel = await start();
    const started = nextEvent(kernel, 'plugin:canary-started');
    await kernel.plugins.update(ID, next('1.1.0'), { canary: BY_HAND });
    expect(await started).toEqual({ id: ID, version: '1.1.0', from: '1.0.0', share: 0.25 });
    const taken = await many(kernel, 400);
    expect(taken).toBeGreaterThan(60);
    expect(taken).toBeLessThan(140);
    expect(kernel.plugins.get(ID)).toMatchObject({ version: '1.0.0', state: 'active' });
    expect(kernel.plugins.get(`${ID}@1.1.0`)).toMatchObject({ activatedBy: 'canary' });
    expect(kernel.plugins.explain(ID)).toMatchObject({
      running: true,
      because: expect.stringContaining('1.1.0 is a canary and answers 25% of the calls of 1.0.0'),
      canary: {
        version: '1.1.0',
        from: '1.0.0',
        share: 0.25,
        canary: { calls: taken, faults: 0 },
        before: { calls: 400 - taken, faults: 0 },
      },
    });
    await kernel.plugins.rollback(ID);
    expect(await many(kernel, 50)).toBe(0);
    await kernel.plugins.update(ID, next('1.1.0'), { canary: BY_HAND });
    expect(await many(kernel, 400)).toBe(taken);
  });

  it.each([
    ['answers with what is no value', '() => () => 1'],
    ['lacks a right', `() => ctx.storage.get('key')`],
    ['gives another command a wrong input', `() => ctx.commands.execute('test.strict:go', 'one')`],
    [
      'throws an error with a number as its code',
      `() => { throw new DOMException('no', 'AbortError'); }`,
    ],
  ])('is rolled back when it %s', async (_, handler) => {
    const odd = (version: string, of: string) =>
      pluginOf('test.odd', `ctx.commands.handle('go', ${of});`, {
        version,
        permissions: { commands: { execute: ['test.strict:go'] } },
      });
    const strict = pluginOf('test.strict', `ctx.commands.handle('go', (n) => n);`, {
      contributes: { commands: [{ id: 'go', input: { type: 'number' } }] },
    });
    const kernel = await start({}, [odd('1.0.0', '() => 1'), strict]);
    const over = nextEvent<{ reason: string }>(kernel, 'plugin:canary-rolled-back');
    await kernel.plugins.update('test.odd', packageOf(odd('1.1.0', handler)), {
      canary: { share: 0.5 },
    });
    const go = () => kernel.commands.execute('test.odd:go').catch(() => {});
    await Promise.all(Array.from({ length: 100 }, go));
    expect((await over).reason).toContain('100.0% of its calls fail');
  });

  it('keeps a user, or a caller, with one version; a range that only one suits decides', async () => {
    const kernel = await start({}, [user('test.pinned', '~1.0.0'), user('test.any', '^1.0.0')]);
    await kernel.plugins.update(ID, next('1.1.0'), {
      canary: { share: 0.5, by: 'user', compare: false },
    });
    const reached = new Set<number>();
    for (let n = 0; n < 20; n++) {
      const taken = await many(kernel, 10, 'version', { user: `user-${n}` });
      expect([0, 10]).toContain(taken);
      reached.add(taken);
    }
    expect(reached.size).toBe(2);
    expect(await many(kernel, 20)).toBe(0);
    await kernel.plugins.rollback(ID);
    await kernel.plugins.update(ID, next('1.1.0'), { canary: { share: 1, compare: false } });
    expect(await kernel.commands.execute('test.pinned:ask')).toBe('1.0.0');
    expect(await kernel.commands.execute('test.any:ask')).toBe('1.1.0');
    const Lib = contract(`${ID}@1`, { version: command({}) });
    expect(await kernel.client(Lib, { version: '~1.0.0' }).version(undefined)).toBe('1.0.0');
    // A version calls itself.
    expect(await ask(kernel, 'own')).toBe('1.1.0');
    // No call bypasses the choice over a direct lane.
    for (let n = 0; n < 600; n++) await kernel.commands.execute('test.any:ask');
    await kernel.plugins.rollback(ID);
    expect(await kernel.commands.execute('test.any:ask')).toBe('1.0.0');
  });

  it('hears no events, handles no hooks and is no middleware; it shares the stored data', async () => {
    const kernel = await start();
    const heard: unknown[] = [];
    kernel.commands.handle('heard', (version) => void heard.push(version));
    kernel.commands.handle('work', (input) => input);
    await kernel.plugins.update(ID, next('1.1.0'), { canary: { share: 1, compare: false } });
    await kernel.events.emit('test:tick');
    await expect.poll(() => heard).toEqual(['1.0.0']);
    expect(await kernel.hooks.collect('test.lib:hello')).toEqual(['1.0.0']);
    expect(await kernel.commands.execute('host:work', '')).toBe('1.0.0 ');
    await ask(kernel, 'keep', 7);
    await kernel.plugins.rollback(ID);
    expect(await ask(kernel, 'kept')).toBe(7);
    expect(heard).toEqual(['1.0.0']);
  });

  it('is promoted by the rule: as an update, with the state of the version before, and no call is lost', async () => {
    const kernel = await start();
    for (let n = 0; n < 5; n++) await ask(kernel, 'count');
    await kernel.plugins.update(ID, next('1.1.0'), {
      // Chance decides which of two equal versions waits longer for its thread.
      canary: { share: 0.5, compare: { calls: 40, latency: 1_000_000 } },
    });
    const { promoted, told, answers } = await until(kernel, 'version');
    expect([promoted, told]).toMatchObject([true, { version: '1.1.0', from: '1.0.0' }]);
    expect(answers.every((version) => version === '1.0.0' || version === '1.1.0')).toBe(true);
    expect(await many(kernel, 20)).toBe(20);
    expect(await ask(kernel, 'count')).toBe(6);
    expect(versions(kernel)).toEqual(['1.1.0']);
    expect(kernel.plugins.explain(ID).canary).toBeUndefined();
    const topics = (await kernel.audit.entries({ plugin: ID })).map(({ topic }) => topic);
    expect(topics).toEqual(['plugin:canary-started', 'plugin:updated', 'plugin:canary-promoted']);
    // The version before stays ready, as after any update.
    await kernel.plugins.rollback(ID);
    expect(await ask(kernel)).toBe('1.0.0');
  });

  it('is rolled back by the rule when more of its calls fail, or take longer', async () => {
    const kernel = await start();
    const worse = (how: string) => `ctx.commands.handle('now', async () => { ${how} });`;
    for (const [how, reason] of [
      [`throw new Error('broken')`, /100.0% of its calls fail/],
      [
        `await new Promise((resolve) => setTimeout(resolve, 300)); return 'slow';`,
        /95% of its calls/,
      ],
    ] as const) {
      await kernel.plugins.reload(ID, packageOf(library('1.0.0', worse(`return 'sound';`))));
      await kernel.plugins.update(ID, next('1.1.0', worse(how)), {
        canary: { share: 0.5, compare: { calls: 30 } },
      });
      const { promoted, told } = await until(kernel, 'now');
      expect([promoted, told.reason]).toEqual([false, expect.stringMatching(reason)]);
      expect(versions(kernel)).toEqual(['1.0.0']);
      expect(await ask(kernel, 'now')).toBe('sound');
    }
    const entries = await kernel.audit.entries({ topic: 'plugin:canary-rolled-back' });
    expect(entries.length).toBe(2);
  });

  it('is rolled back when its answers are not as the contract promises', async () => {
    const Texts = contract('test.lib@1', { text: command({ output: v.string() }) });
    const texts = (value: string) => `ctx.commands.handle('text', () => ${value});`;
    const kernel = await start();
    await kernel.plugins.reload(ID, packageOf(library('1.0.0', texts("'fine'"))));
    const over = nextEvent<{ reason: string }>(kernel, 'plugin:canary-rolled-back');
    await kernel.plugins.update(ID, next('1.1.0', texts('42')), {
      canary: { share: 0.5, compare: { calls: 20 } },
    });
    expect(kernel.providers(Texts).map(({ version }) => version)).toEqual(['1.0.0']);
    const { text } = kernel.client(Texts);
    const answers = new Set<unknown>();
    for (let n = 0; n < 100; n++)
      answers.add(await text(undefined as never).catch(({ code }: { code: string }) => code));
    expect((await over).reason).toContain('100.0% of its calls fail');
    expect(answers).toEqual(new Set(['fine', 'call/invalid-output']));
  });

  it('gives up when it has answered too few calls within the window', async () => {
    const kernel = await start();
    const over = nextEvent<{ reason: string }>(kernel, 'plugin:canary-rolled-back');
    await kernel.plugins.update(ID, next('1.1.0'), {
      canary: { share: 0.5, compare: { window: 50 } },
    });
    expect((await over).reason).toContain('it answered 0 calls');
    expect(versions(kernel)).toEqual(['1.0.0']);
  });

  it.each(['idempotent', 'all', undefined] as const)(
    'that crashes is rolled back, and the version before answers what may be repeated (%s)',
    async (repeat) => {
      const kernel = await start();
      const all = Promise.withResolvers<void>();
      let waiting = 0;
      kernel.commands.handle('gate', async (version) => {
        if (version === '1.0.0') return undefined;
        waiting += 1;
        if (waiting === 3) all.resolve();
        await all.promise;
        return 'die';
      });
      const idempotent = repeat === 'idempotent';
      await kernel.plugins.update(ID, packageOf(library('1.1.0', '', {}, idempotent)), {
        canary: { share: 1, compare: false, ...(repeat !== undefined && { repeat }) },
      });
      const over = nextEvent(kernel, 'plugin:canary-rolled-back');
      const answers = await Promise.all(
        Array.from({ length: 3 }, () => ask(kernel, 'wait').catch((error) => error.code)),
      );
      if (repeat === undefined)
        expect(answers.every((code) => String(code).startsWith('guest/'))).toBe(true);
      else expect(answers).toEqual(['1.0.0', '1.0.0', '1.0.0']);
      expect(await over).toMatchObject({ version: '1.1.0', from: '1.0.0' });
      await expect.poll(() => versions(kernel)).toEqual(['1.0.0']);
      expect(await ask(kernel)).toBe('1.0.0');
    },
  );

  it('is promoted and rolled back by hand, and by what else is decided of its plugin', async () => {
    const kernel = await start();
    expect((await rejection(kernel.plugins.promote(ID))).code).toBe('plugin/illegal-transition');
    await kernel.plugins.update(ID, next('1.1.0'), { canary: BY_HAND });
    await kernel.plugins.promote(ID);
    expect(await ask(kernel)).toBe('1.1.0');
    for (const [version, verb, reason, left] of [
      ['1.2.0', () => kernel.plugins.disable(ID), 'disable', ['1.1.0']],
      ['1.2.0', () => kernel.plugins.uninstall(`${ID}@1.2.0`), 'uninstall', ['1.1.0']],
      ['1.3.0', () => kernel.plugins.update(ID, next('1.4.0')), 'update', ['1.4.0']],
      ['1.5.0', () => kernel.plugins.deactivate(ID), '1.4.0 was stopped', ['1.4.0']],
      ['1.6.0', () => kernel.plugins.uninstall(ID), 'uninstall', []],
    ] as const) {
      await kernel.plugins.enable(ID);
      await kernel.plugins.activate(ID);
      await kernel.plugins.update(ID, next(version), { canary: BY_HAND });
      const over = nextEvent<{ reason: string }>(kernel, 'plugin:canary-rolled-back');
      await verb();
      expect((await over).reason).toBe(reason);
      await expect.poll(() => versions(kernel)).toEqual(left);
    }
  });

  it('that is rolled back amid calls loses none of them', async () => {
    const kernel = await start();
    const working = `ctx.commands.handle('work', async () => { await new Promise((turn) => setTimeout(turn, 1)); return ctx.commands.execute('test.lib:version'); });`;
    await kernel.plugins.reload(ID, packageOf(library('1.0.0', working)));
    for (let round = 0; round < 3; round++) {
      await kernel.plugins.update(ID, next('1.1.0', working), {
        canary: { share: 0.5, compare: false },
      });
      let over = false;
      const callers = Array.from({ length: 8 }, async () => {
        const seen = new Set<unknown>();
        while (!over) seen.add(await ask(kernel, 'work').catch((error) => error.message));
        return seen;
      });
      await expect.poll(() => kernel.plugins.explain(ID).canary?.canary.calls).toBeGreaterThan(20);
      await kernel.plugins.rollback(ID);
      over = true;
      for (const seen of await Promise.all(callers))
        expect([...seen].filter((version) => !/^1\.[01]\.0$/.test(String(version)))).toEqual([]);
    }
  });

  it('is refused, and changes nothing, when it makes no sense or may not be', async () => {
    const kernel = await start();
    const refused = async (found: ReturnType<typeof next>, canary: object = BY_HAND) =>
      (await rejection(kernel.plugins.update(ID, found, { canary: canary as never }))).code;
    expect(await refused(next('1.1.0'), { share: 2 })).toBe('kernel/invalid-option');
    expect(await refused(next('1.1.0'), { share: 0.1, mirror: true })).toBe(
      'kernel/invalid-option',
    );
    expect(await refused(next('0.9.0'))).toBe('plugin/downgrade');
    expect(await refused(next('2.0.0'))).toBe('plugin/illegal-transition');
    expect(await refused(next('1.1.0', `throw new Error('no');`))).toBe('plugin/activation-failed');
    const more = { permissions: { commands: { execute: ['*'] } } };
    expect(await refused(next('1.1.0', '', more))).toBe('permission/consent-required');
    expect(versions(kernel)).toEqual(['1.0.0']);
    expect(kernel.plugins.explain(ID).canary).toBeUndefined();
    await kernel.plugins.update(ID, next('1.1.0'), { canary: BY_HAND });
    expect(await refused(next('1.2.0'))).toBe('plugin/illegal-transition');
    await kernel.plugins.rollback(ID);
    await kernel.plugins.deactivate(ID);
    expect(await refused(next('1.1.0'))).toBe('plugin/illegal-transition');
    expect(versions(kernel)).toEqual(['1.0.0']);
  });

  it('that fails while it is rolled back takes nothing from the next one', async () => {
    const kernel = await start();
    const begun = Promise.withResolvers<void>();
    const fails = Promise.withResolvers<void>();
    kernel.commands.handle('failing', async () => {
      begun.resolve();
      await fails.promise;
    });
    const failing = next(
      '1.1.0',
      `await ctx.commands.execute('host:failing'); throw new Error('no');`,
    );
    const first = rejection(kernel.plugins.update(ID, failing, { canary: BY_HAND }));
    await begun.promise;
    const second = kernel.plugins.update(ID, next('1.2.0'), { canary: BY_HAND });
    const rolledBack = kernel.plugins.rollback(ID);
    fails.resolve();
    expect(await first).toMatchObject({ code: 'plugin/activation-failed' });
    await Promise.all([second, rolledBack]);
    expect(kernel.plugins.explain(ID).canary).toMatchObject({ version: '1.2.0' });
    await kernel.plugins.rollback(ID);
    expect(versions(kernel)).toEqual(['1.0.0']);
  });

  it('and a bisect are not under way at once', async () => {
    const kernel = await start({ extensions: [bisecting()] });
    await kernel.plugins.update(ID, next('1.1.0'), { canary: BY_HAND });
    expect((await rejection(bisect(kernel, () => true))).code).toBe('plugin/illegal-transition');
    await kernel.plugins.rollback(ID);
    expect((await bisect(kernel, () => false)).verdict).toBe('none');
  });

  it('hands on progress, and waits while the version before is paused', async () => {
    const kernel = await start();
    const telling = `ctx.commands.handle('tell', (_, call) => { call.progress(1); return 'told'; });`;
    await kernel.plugins.reload(ID, packageOf(library('1.0.0', telling)));
    await kernel.plugins.update(ID, next('1.1.0', telling), {
      canary: { share: 1, compare: false },
    });
    const told: unknown[] = [];
    const onProgress = (value: unknown) => void told.push(value);
    expect([await ask(kernel, 'tell', undefined, { onProgress }), told]).toEqual(['told', [1]]);
    await kernel.plugins.suspend(ID);
    const waiting = many(kernel, 5);
    await kernel.plugins.resume(ID);
    expect(await waiting).toBe(0);
    expect(await many(kernel, 5)).toBe(5);
  });

  it('is of one tenant, and not of the next kernel', async () => {
    const storage = memoryStorage();
    const kernel = await start({ storage: outliving(storage) });
    const tenant = kernel.tenant('other');
    await tenant.start();
    await kernel.plugins.update(ID, next('1.1.0'), { canary: { share: 1, compare: false } });
    expect(await ask(kernel)).toBe('1.1.0');
    expect(await tenant.commands.execute(`${ID}:version`)).toBe('1.0.0');
    await kernel.stop();
    const after = await start({ storage: outliving(storage) });
    expect(versions(after)).toEqual(['1.0.0']);
    expect(await ask(after)).toBe('1.0.0');
  });
});
