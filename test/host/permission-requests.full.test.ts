/** Requests of running plugins for rights: asked once, in turn, in their own time, remembered. */

import {
  createKernel,
  type Kernel,
  memoryStorage,
  type PermissionAnswer,
  type PermissionRequest,
  packageOf,
  packageSource,
  type RequestOptions,
  type StorageAdapter,
} from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, persistentStorage, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf, type TextPackage } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const asker = (id: string, version = '1.0.0'): TextPackage =>
  pluginOf(
    id,
    `const ask = ([scope, options]) => ctx.permissions.request('events.emit', scope, options).catch((error) => error.code);
     ctx.commands.handle('ask', ask);
     ctx.commands.handle('all', (scopes) => Promise.all(scopes.map((scope) => ask([scope]))));
     ctx.commands.handle('loop', async (scopes) => { const all = []; for (const scope of scopes) all.push(await ask([scope])); return all; });
     ctx.commands.handle('ping', () => 'pong');`,
    { version },
  );
const A = 'test.a';
const B = 'test.b';
const ask = (kernel: Kernel, scope: string, options?: object, plugin = A) =>
  kernel.commands.execute(`${plugin}:ask`, [scope, options]);
const scopesOf = (count: number) => Array.from({ length: count }, (_, at) => `app:${at}`);

/** A person who answers when the test says so. */
function person(kernel: Kernel, options?: RequestOptions) {
  const asked: (PermissionRequest & {
    signal: AbortSignal;
    answer(answer: PermissionAnswer): void;
  })[] = [];
  let noticed = Promise.withResolvers<void>();
  const handler = kernel.permissions.onRequest((request, { signal }) => {
    const { promise, resolve } = Promise.withResolvers<PermissionAnswer>();
    asked.push({ ...request, signal, answer: resolve });
    noticed.resolve();
    return promise;
  }, options);
  /** The question of this number, once it is asked. */
  const question = async (number: number) => {
    while (asked.length < number) {
      noticed = Promise.withResolvers();
      await noticed.promise;
    }
    const found = asked[number - 1];
    if (found === undefined) throw new Error('there is no such question');
    return found;
  };
  return { asked, handler, question };
}

/** A handler with one answer, and the scopes that it was asked about. */
function answering(kernel: Kernel, answer: PermissionAnswer) {
  const asked: string[] = [];
  kernel.permissions.onRequest(({ plugin, permissions }) => {
    asked.push(`${plugin} ${permissions['events.emit']}`);
    return answer;
  });
  return asked;
}

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[])
  describe(`${runtime} ${setting.isolation}: requests for rights`, () => {
    it('fifty requests for the same right at once are one question with one answer', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const { asked, question } = person(kernel);
      const all = kernel.commands.execute(`${A}:all`, Array(50).fill('app:x'));
      (await question(1)).answer(true);
      expect(await all).toEqual(Array(50).fill(true));
      expect(asked).toHaveLength(1);
    });

    it('a no is remembered, whatever the plugin says: why, for how long, how often', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const asked = answering(kernel, false);
      const loop = await kernel.commands.execute(`${A}:loop`, Array(50).fill('app:x'));
      expect(loop).toEqual(Array(50).fill(false));
      expect(await ask(kernel, 'app:x', { why: 'please' })).toBe(false);
      expect(await ask(kernel, 'app:x', { for: 60_000 })).toBe(false);
      expect(asked).toEqual([`${A} app:x`]);
      expect(kernel.permissions.refused(A)).toEqual([
        { permission: 'events.emit', scope: 'app:x', version: '1.0.0' },
      ]);
      const { cut, because } = kernel.plugins.explain(A);
      expect(cut?.refused).toEqual({ 'events.emit': ['app:x'] });
      expect(because).toContain('events.emit (app:x), which the application refused');
      // Another right is another question.
      expect(await ask(kernel, 'app:y')).toBe(false);
      expect(asked).toEqual([`${A} app:x`, `${A} app:y`]);
    });

    it('a no ends when it is forgotten, when the right is granted, and with another version', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const asked = answering(kernel, false);
      const loop = (...scopes: string[]) => kernel.commands.execute(`${A}:loop`, scopes);
      await loop('app:x', 'app:y', 'other:z');
      await kernel.permissions.forget(A, 'events.emit', 'app:*');
      expect(kernel.permissions.refused(A).map(({ scope }) => scope)).toEqual(['other:z']);
      asked.length = 0;
      await loop('app:x', 'app:y', 'other:z');
      expect(asked).toEqual([`${A} app:x`, `${A} app:y`]);
      await kernel.permissions.forget(A);
      expect(kernel.permissions.refused(A)).toEqual([]);
      await loop('app:x');
      await kernel.permissions.grant(A, 'events.emit', 'app:*');
      expect([kernel.permissions.refused(A), await ask(kernel, 'app:x')]).toEqual([[], true]);
      await kernel.permissions.revoke(A, 'events.emit', 'app:*');
      await loop('app:x');
      asked.length = 0;
      await kernel.plugins.update(A, packageOf(asker(A, '1.0.1')));
      await loop('app:x', 'app:x');
      expect(asked).toEqual([`${A} app:x`]);
    });

    it('a yes that comes after the call has ended is still granted', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const { question } = person(kernel);
      const over = new AbortController();
      const late = rejection(
        kernel.commands.execute(`${A}:ask`, ['app:x'], { signal: over.signal }),
      );
      const { answer } = await question(1);
      over.abort();
      expect(await late).toMatchObject({ code: 'call/cancelled' });
      const granted = nextEvent(kernel, 'permission:granted');
      answer(true);
      expect(await granted).toMatchObject({ plugin: A, scope: 'app:x', asked: true });
      expect([
        kernel.permissions.check(A, 'events.emit', 'app:x'),
        await ask(kernel, 'app:x'),
      ]).toEqual([true, true]);
    });

    it('a question has its own time; then the dialog is told, and the plugin may ask later', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const { asked, question } = person(kernel, { timeout: 50 });
      const pending = ask(kernel, 'app:x');
      const { signal, answer } = await question(1);
      expect([await pending, signal.aborted]).toEqual([false, true]);
      answer(true);
      // What came too late is no yes, and nothing is asked again at once.
      expect([await ask(kernel, 'app:x'), asked.length]).toEqual([false, 1]);
    });

    it('asks one question at a time, and plugins take turns', async () => {
      const kernel = await startKernel(setting, [asker(A), asker(B)]);
      const { asked, question } = person(kernel);
      const ofA = kernel.commands.execute(`${A}:all`, scopesOf(3));
      await question(1);
      // Its other requests arrive before this answer.
      await kernel.commands.execute(`${A}:ping`);
      const ofB = ask(kernel, 'app:b', undefined, B);
      for (let number = 1; number <= 4; number++) {
        const { answer } = await question(number);
        expect(asked).toHaveLength(number);
        // The request of the other plugin waits before this answer.
        if (number === 1) await kernel.commands.execute(`${B}:ping`);
        answer(number !== 2);
      }
      expect(asked[1]?.plugin).toBe(A);
      expect(asked.map(({ plugin }) => plugin)).toContain(B);
      expect(asked.at(-1)?.plugin).toBe(A);
      expect([await ofA, await ofB]).toEqual([[true, false, true], true]);
    });

    it('asks several at once when the handler wants that', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const { asked, question } = person(kernel, { concurrent: 2 });
      const all = kernel.commands.execute(`${A}:all`, scopesOf(3));
      await question(2);
      expect(asked).toHaveLength(2);
      asked[1]?.answer(true);
      (await question(3)).answer(true);
      asked[0]?.answer(true);
      expect(await all).toEqual([true, true, true]);
    });

    it('a flood of different rights is bounded: in those that wait, and in those that were refused', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const { asked, question, handler } = person(kernel);
      const all = kernel.commands.execute(`${A}:all`, scopesOf(60)) as Promise<unknown[]>;
      await question(1);
      // Its other requests arrive before this answer.
      await kernel.commands.execute(`${A}:ping`);
      handler.dispose();
      const answers = await all;
      expect(answers.filter((one) => one === 'call/overloaded')).toHaveLength(52);
      expect([asked.length, asked[0]?.signal.aborted]).toEqual([1, true]);
      const refused = answering(kernel, false);
      expect(await kernel.commands.execute(`${A}:loop`, scopesOf(60))).toEqual(
        Array(60).fill(false),
      );
      expect([refused.length, kernel.permissions.refused(A).length]).toEqual([32, 32]);
      expect(await kernel.commands.execute(`${A}:ping`)).toBe('pong');
    });

    it('an update is not held up by questions of plugins, and has the same time', async () => {
      const kernel = await startKernel(setting, [asker(A), asker(B)]);
      const { asked, question } = person(kernel, { timeout: 100 });
      const pending = ask(kernel, 'app:x');
      await question(1);
      const next = asker(B, '2.0.0');
      const grown = { ...next, manifest: { ...next.manifest, permissions: { wasm: true } } };
      const updating = rejection(kernel.plugins.update(B, packageOf(grown)));
      const { reason, signal } = await question(2);
      expect(reason).toBe('update');
      expect(await updating).toMatchObject({ code: 'permission/consent-required' });
      expect([signal.aborted, await pending, asked.length]).toEqual([true, false, 2]);
    });

    it('a scope that is none is refused before the application is asked', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const asked = answering(kernel, true);
      for (const scope of ['', '*a', 'a*b', 'x'.repeat(2_000)])
        expect(await ask(kernel, scope), scope.slice(0, 8)).toBe('permission/invalid');
      expect(asked).toEqual([]);
    });

    it('a question ends with its plugin, and a later yes grants nothing', async () => {
      const kernel = await startKernel(setting, [asker(A), asker(B)]);
      const { question } = person(kernel);
      const pending = ask(kernel, 'app:x').catch(() => 'gone');
      const { answer, signal } = await question(1);
      const ofB = ask(kernel, 'app:b', undefined, B);
      await kernel.plugins.uninstall(A, { drain: 0 });
      expect(signal.aborted).toBe(true);
      answer(true);
      (await question(2)).answer(true);
      expect([await pending, await ofB]).toEqual(['gone', true]);
      await kernel.plugins.install(packageOf(asker(A)));
      expect(kernel.permissions.check(A, 'events.emit', 'app:x')).toBe(false);
    });

    it('a right that an operator revokes meanwhile is not given by a later yes', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const { asked, question } = person(kernel);
      const both = kernel.commands.execute(`${A}:all`, ['app:x', 'other:y']);
      const { answer, signal } = await question(1);
      await kernel.permissions.revoke(A, 'events.emit', 'app:*');
      expect(signal.aborted).toBe(true);
      answer(true);
      (await question(2)).answer(true);
      expect(await both).toEqual([false, true]);
      expect(kernel.permissions.check(A, 'events.emit', 'app:x')).toBe(false);
      // It may ask for it from now on.
      const again = ask(kernel, 'app:x');
      (await question(3)).answer(true);
      expect([await again, asked.length]).toEqual([true, 3]);
    });

    it('a kernel stops while a person thinks, and tells the dialog', async () => {
      const kernel = await startKernel(setting, [asker(A)]);
      const { question } = person(kernel, { timeout: Number.POSITIVE_INFINITY });
      const pending = ask(kernel, 'app:x');
      const { signal, answer } = await question(1);
      const stopped = kernel.stop();
      expect([await pending, signal.aborted]).toEqual([false, true]);
      await stopped;
      answer(true);
    });
  });

describe(`${runtime}: refused rights`, () => {
  const open = async (storage = memoryStorage()) => {
    const kernel = await createKernel({
      isolation: 'inline',
      storage: outliving(storage),
      telemetry: { log: false },
      sources: [packageSource([asker(A)])],
    });
    await kernel.start();
    return kernel;
  };

  it('are kept over a restart, unlike what was not decided, and go with the data of the plugin', async () => {
    const storage = await persistentStorage();
    const first = await open(storage);
    answering(first, false);
    await ask(first, 'app:x');
    answering(first, undefined);
    await ask(first, 'app:y');
    expect(first.permissions.refused(A)).toHaveLength(2);
    await first.stop();
    const second = await open(storage);
    const asked = answering(second, true);
    expect([await ask(second, 'app:x'), await ask(second, 'app:y')]).toEqual([false, true]);
    expect(asked).toEqual([`${A} app:y`]);
    await second.permissions.forget(A);
    await second.stop();
    const third = await open(storage);
    expect(third.permissions.refused(A)).toEqual([]);
    answering(third, false);
    await ask(third, 'app:x');
    await third.plugins.uninstall(A, { purge: true });
    expect(await storage.keys('tenant-0\0plinth\0grants\0')).toEqual([]);
    await third.stop();
  });

  it('that cannot be written count meanwhile, and those that cannot be read grant nothing', async () => {
    const storage = memoryStorage();
    const failing = outliving(storage);
    const kernel = await createKernel({
      isolation: 'inline',
      telemetry: { log: false },
      storage: {
        ...failing,
        set: async (key, value) => {
          if (key.includes('\0grants\0')) throw new Error('the disk is full');
          await failing.set(key, value);
        },
      },
      sources: [packageSource([asker(A)])],
    });
    await kernel.start();
    const asked = answering(kernel, false);
    expect([await ask(kernel, 'app:x'), await ask(kernel, 'app:x')]).toEqual([false, false]);
    expect(asked).toHaveLength(1);
    await kernel.stop();
    for (const refused of [7, [7], [['events.emit', 'app:x']], [['all', 'app:x', '1.0.0']]]) {
      await storage.set(`tenant-0\0plinth\0grants\0${A}`, {
        format: 1,
        granted: [['events.emit', 'app:x', 1]],
        revoked: [],
        refused,
      });
      const next = await open(storage);
      expect(next.permissions.check(A, 'events.emit', 'app:x'), JSON.stringify(refused)).toBe(
        false,
      );
      await next.stop();
    }
  });

  it('that are answered yes, and can not be kept, give nothing', async () => {
    const kept = outliving(memoryStorage());
    let full = false;
    const storage: StorageAdapter = {
      ...kept,
      set: async (key, value) => {
        if (full && key.includes('\0grants\0')) throw new Error('the disk is full');
        await kept.set(key, value);
      },
    };
    const kernel = await startKernel({ isolation: 'inline' }, [asker(A)], { storage });
    await kernel.permissions.revoke(A, 'events.emit', 'app:*');
    const asked = answering(kernel, true);
    full = true;
    const taken = nextEvent(kernel, 'permission:revoked');
    expect(await ask(kernel, 'app:x')).toBe(false);
    expect(await taken).toEqual({
      plugin: A,
      permission: 'events.emit',
      scope: 'app:x',
      asked: true,
    });
    expect(kernel.permissions.check(A, 'events.emit', 'app:x')).toBe(false);
    full = false;
    expect(await ask(kernel, 'app:x')).toBe(true);
    expect(kernel.permissions.check(A, 'events.emit', 'app:x')).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('are forgotten by a decision, which the audit log has', async () => {
    const kernel = await open();
    answering(kernel, false);
    await ask(kernel, 'app:x');
    await ask(kernel, 'other:y');
    const told: unknown[] = [];
    kernel.events.on('permission:forgotten', ({ payload }) => told.push(payload));
    await kernel.permissions.forget(A, 'events.emit', 'app:*');
    await kernel.permissions.forget(A, 'events.emit', 'app:*');
    expect(told).toEqual([{ plugin: A, permission: 'events.emit', scope: 'app:x' }]);
    await kernel.permissions.forget(A);
    const entries = await kernel.audit.entries({ topic: 'permission:forgotten' });
    expect(entries.map(({ plugin, facts }) => [plugin, facts.scope])).toEqual([
      [A, 'app:x'],
      [A, 'other:y'],
    ]);
    await kernel.stop();
  });

  it('are asked for, and handled, by sound names and options alone', async () => {
    const kernel = await open();
    expect(() => kernel.permissions.refused('test.unknown')).toThrow(
      expect.objectContaining({ code: 'plugin/not-found' }),
    );
    expect(await rejection(kernel.permissions.forget('test.unknown'))).toMatchObject({
      code: 'plugin/not-found',
    });
    for (const [permission, scope] of [
      ['all'],
      ['events.emit', ''],
      ['events.emit', 5],
      ['events.emit', null],
      [undefined, 'app:x'],
    ])
      expect(
        await rejection(kernel.permissions.forget(A, permission as never, scope as never)),
      ).toMatchObject({ code: 'permission/invalid' });
    const yes = () => true;
    for (const [handler, options] of [
      [undefined, {}],
      [yes, { timeout: 0 }],
      [yes, { timeout: '1s' }],
      [yes, { concurrent: 0 }],
      [yes, { concurrent: Number.NaN }],
    ])
      expect(() => kernel.permissions.onRequest(handler as never, options as never)).toThrow(
        expect.objectContaining({ code: 'kernel/invalid-option' }),
      );
    await kernel.stop();
  });
});

describe(`${runtime}: a plugin with as many grants as there may be`, () => {
  it('gets no more, and loses those that are revoked', async () => {
    const kernel = await startKernel({ isolation: 'inline' }, [asker(A)]);
    const { grant, revoke, check } = kernel.permissions;
    for (let n = 0; n < 1_024; n++) await grant(A, 'events.emit', `app:${n}`);
    expect(await rejection(grant(A, 'events.emit', 'app:more'))).toMatchObject({
      code: 'permission/invalid',
    });
    await revoke(A, 'events.emit', 'app:7');
    expect([check(A, 'events.emit', 'app:7'), check(A, 'events.emit', 'app:8')]).toEqual([
      false,
      true,
    ]);
    await revoke(A, 'events.emit');
    expect(check(A, 'events.emit', 'app:8')).toBe(false);
  });
});
