/** What a call carries: across hops, in every guest, and until its outermost call ends. */

import type { Kernel } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf, typedPlugin } from '../support/plugins.ts';

/** Whether a handler's parent call is known after its first `await`. */
const runtimeCarries = await has('async-context');
const walled = await has('wall');

const may = {
  permissions: {
    commands: { execute: ['*'] },
    hooks: { call: ['*'], handle: ['*'] },
    events: { subscribe: ['*'], emit: ['*'] },
  },
};
/** Returns the facts it received, and calls the next plugin in every possible way. */
const hop = (id: string, next: string) =>
  pluginOf(
    id,
    `const facts = ({ user, tenant, traceparent, baggage, deadline, caller }) => ({ user, tenant, traceparent, baggage: { ...baggage }, left: deadline - Date.now(), caller: caller.id });
     ctx.commands.handle('facts', (_, call) => facts(call));
     ctx.commands.handle('direct', (path, call) => path.length === 0 ? facts(call) : ctx.commands.execute(path[0], path.slice(1)));
     ctx.commands.handle('later', async (path, call) => { await null; return path.length === 0 ? facts(call) : ctx.commands.execute(path[0], path.slice(1), call); });
     ctx.commands.handle('bySignal', async (path, call) => { await null; return path.length === 0 ? facts(call) : ctx.commands.execute(path[0], path.slice(1), { signal: call.signal }); });
     ctx.commands.handle('astray', async (path) => { await null; return ctx.commands.execute(path[0], path.slice(1)); });
     ctx.commands.handle('hooks', () => ctx.hooks.collect('test:ask', 1));
     ctx.hooks.handle('test:ask', (_, call) => facts(call));
     ctx.commands.handle('emit', async (_, call) => { await ctx.events.emit('test:happened', 1); });
     const heard = []; ctx.events.on('test:happened', (event) => { heard.push(event); }); ctx.commands.handle('heard', () => heard);
     ctx.events.on('test:begin', (event) => { ctx.commands.execute('test.c:facts').then((facts) => ctx.events.emit('test:seen', ['at once', '${id}', facts])); });
     ctx.events.on('test:begin', async (event) => { await null; await null; ctx.events.emit('test:seen', ['later', '${id}', await ctx.commands.execute('test.c:facts', undefined, event)]); });
     ctx.events.on('test:begin', async () => { await null; ctx.events.emit('test:seen', ['astray', '${id}', await ctx.commands.execute('test.c:facts')]); });
     ctx.commands.handle('begin', () => ctx.events.emit('test:begin'));
     ctx.commands.handle('hang', (_, call) => new Promise((_, reject) => call.signal.addEventListener('abort', () => { ctx.events.emit('test:aborted', '${id}'); reject(call.signal.reason); })));
     ctx.commands.handle('back', () => ctx.commands.execute('${next}:back'));`,
    may,
  );

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: context`, () => {
    // Inline guests get it from the runtime's host, which is absent here.
    const carries = runtimeCarries && setting.isolation !== 'inline';
    const start = () =>
      startKernel(setting, [
        hop('test.a', 'test.b'),
        hop('test.b', 'test.c'),
        hop('test.c', 'test.a'),
      ]);
    const given = {
      user: 'u1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      baggage: { plan: 'gold' },
    };

    for (const way of ['direct', 'later', 'bySignal'] as const) {
      it(`user, trace, baggage and deadline cross three hops (${way})`, async () => {
        const kernel = await start();
        const facts = (await kernel.commands.execute(
          `test.a:${way}`,
          [`test.b:${way}`, `test.c:${way}`],
          { ...given, timeout: 5_000 },
        )) as { left: number };
        expect(facts).toMatchObject({ ...given, tenant: 'tenant-0', caller: 'test.b' });
        expect(facts.left).toBeLessThanOrEqual(5_000);
        expect(facts.left).toBeGreaterThan(3_000);
      });
    }

    it('a call without explicit parent inherits it where the runtime tracks it, and nothing elsewhere', async () => {
      const kernel = await start();
      const nothing = { user: undefined, traceparent: undefined, baggage: {} };
      expect(await kernel.commands.execute('test.a:astray', ['test.b:facts'], given)).toMatchObject(
        { ...(carries ? given : nothing), caller: 'test.a' },
      );
    });

    it("a call on the plugin's own behalf inherits nothing, also after an await", async () => {
      const kernel = await startKernel(setting, [
        pluginOf(
          'test.own',
          `const facts = ({ user, caller }) => ({ user, caller: caller.id });
           ctx.commands.handle('facts', (_, call) => facts(call));
           ctx.commands.handle('own', () => ctx.own((own) => ctx.commands.execute('test.own:facts', 1, own)));
           ctx.commands.handle('ownLater', async (_, call) => { await null; return ctx.own(async (own) => { await null; return ctx.commands.execute('test.own:facts', 1, own); }); });
           ctx.commands.handle('both', async (_, call) => [await ctx.own(() => ctx.commands.execute('test.own:facts')), await ctx.commands.execute('test.own:facts', 1, call)]);
           let ended = 0; const timer = ctx.own({ dispose() { ended += 1; } }); ctx.commands.handle('same', () => timer !== undefined && ended === 0);`,
          may,
        ),
      ]);
      const none = { user: undefined, caller: 'test.own' };
      for (const way of ['own', 'ownLater'])
        expect(await kernel.commands.execute(`test.own:${way}`, undefined, given)).toEqual(none);
      expect(await kernel.commands.execute('test.own:both', undefined, given)).toEqual([
        none,
        { user: 'u1', caller: 'test.own' },
      ]);
      expect(await kernel.commands.execute('test.own:same')).toBe(true);
    });

    it('facts of an event, and a call, are valid while their handler runs: kept for later they have no effect', async () => {
      const kernel = await startKernel(setting, [
        hop('test.c', 'test.a'),
        pluginOf(
          'test.keeper',
          `const kept = {}; let over; const through = new Promise((resolve) => { over = resolve; });
           ctx.events.on('test:sync', (event) => { kept.sync = event; });
           ctx.events.on('test:async', async (event) => { kept.async = event; await null; kept.during = await ctx.commands.execute('test.c:facts', undefined, event); over(); });
           ctx.commands.handle('emit', async (topic) => { await ctx.events.emit(topic); });
           ctx.commands.handle('call', async (_, call) => { kept.call = call; kept.signal = { signal: call.signal }; });
           ctx.commands.handle('during', async () => { await through; return kept.during; });
           ctx.commands.handle('ready', (name) => kept[name] !== undefined);
           ctx.commands.handle('replay', (name) => ctx.commands.execute('test.c:facts', undefined, kept[name]));`,
          may,
        ),
      ]);
      for (const topic of ['test:sync', 'test:async'])
        await kernel.commands.execute('test.keeper:emit', topic, given);
      await kernel.commands.execute('test.keeper:call', undefined, given);
      expect(await kernel.commands.execute('test.keeper:during')).toMatchObject({
        ...given,
        caller: 'test.keeper',
      });
      for (const name of ['sync', 'async', 'call', 'signal']) {
        await expect.poll(() => kernel.commands.execute('test.keeper:ready', name)).toBe(true);
        expect(await kernel.commands.execute('test.keeper:replay', name)).toMatchObject({
          user: undefined,
          traceparent: undefined,
          baggage: {},
        });
        expect(
          await kernel.commands.execute('test.keeper:replay', name, { user: 'u2' }),
        ).toMatchObject({ user: 'u2' });
      }
    });

    /** Reads what its caller may not, in each way in which the caller's context can get lost. */
    const vault = pluginOf('test.vault', `ctx.commands.handle('read', () => 'secret');`);
    const deputy = typedPlugin(
      'test.deputy',
      ({ commands, storage, own }) => {
        const read = () => commands.execute('test.vault:read');
        commands.handle('atOnce', read);
        commands.handle('later', async () => {
          await null;
          return read();
        });
        commands.handle('twice', async () => {
          await storage.get('x');
          await null;
          const [, secret] = await Promise.all([null, read()]);
          return secret;
        });
        commands.handle(
          'timer',
          () => new Promise((resolve, reject) => setTimeout(() => read().then(resolve, reject), 5)),
        );
        commands.handle('stream', async function* () {
          yield 1;
          await null;
          yield await read();
        });
        commands.handle('afterAll', async (_, call) => {
          try {
            await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
          } finally {
            const found = await read().catch(({ code }: { code: string }) => code);
            void storage.set('read', found);
          }
        });
        commands.handle('was', () => storage.get('read'));
        commands.handle('own', () =>
          own(async (call) => {
            await null;
            return commands.execute('test.vault:read', undefined, call);
          }),
        );
      },
      {
        permissions: {
          commands: { execute: ['test.vault:*'] },
          storage: { read: true, write: true },
        },
      },
    );
    const asker = typedPlugin(
      'test.asker',
      ({ commands }) => {
        commands.handle('ask', async ([way, timeout]: [string, number | undefined]) => {
          const options = timeout ? { timeout } : undefined;
          const answer = await commands.execute(`test.deputy:${way}`, undefined, options);
          if (typeof answer !== 'object') return answer;
          const all: unknown[] = [];
          for await (const item of answer as AsyncIterable<unknown>) all.push(item);
          return all;
        });
      },
      { permissions: { commands: { execute: ['test.deputy:*'] } } },
    );
    const ask = (kernel: Kernel, way: string, timeout?: number) =>
      kernel.commands
        .execute('test.asker:ask', [way, timeout])
        .catch((error: { code?: string }) => error.code);

    for (const chain of ['intersect', 'strict'] as const) {
      it(`a plugin without a right gets nothing through one that has it and loses its parent call (${chain})`, async () => {
        const kernel = await startKernel(setting, [vault, deputy, asker], { policy: { chain } });
        // After an await only some runtimes know.
        const safe =
          carries || chain === 'strict'
            ? ['atOnce', 'later', 'twice', 'timer', 'stream']
            : ['atOnce'];
        for (const way of safe)
          expect([way, await ask(kernel, way)]).toEqual([way, 'permission/denied']);
        for (const way of ['atOnce', 'later', 'twice', 'timer'])
          expect(await kernel.commands.execute(`test.deputy:${way}`)).toBe('secret');
        // The call that timed out still is the parent of this work.
        expect(await ask(kernel, 'afterAll', 20)).toBe('call/timeout');
        await expect
          .poll(() => kernel.commands.execute('test.deputy:was'))
          .toBe(safe.includes('later') ? 'permission/denied' : 'secret');
        expect(await ask(kernel, 'own')).toBe('secret');
      });
    }

    it('hooks and events carry the context too', async () => {
      const kernel = await start();
      for (const facts of (await kernel.commands.execute(
        'test.a:hooks',
        undefined,
        given,
      )) as object[])
        expect(facts).toMatchObject(given);
      const happened = nextEvent(kernel, 'test:happened');
      await kernel.commands.execute('test.a:emit', undefined, given);
      await happened;
      await expect
        .poll(() => kernel.commands.execute('test.b:heard'))
        .toMatchObject([{ ...given, source: 'test.a', requestId: expect.any(String) }]);
    });

    it("actions of an event's listeners count for the plugin it was emitted for", async () => {
      const kernel = await start();
      const seen: unknown[] = [];
      kernel.events.on('test:seen', ({ payload }) => {
        seen.push(payload);
      });
      await kernel.commands.execute('test.a:begin', undefined, given);
      await expect.poll(() => seen.length).toBe(9);
      for (const [when, id, facts] of seen as [string, string, object][]) {
        expect(facts).toMatchObject(
          when === 'astray' && !carries
            ? { user: undefined, baggage: {}, caller: id }
            : { ...given, caller: id },
        );
      }
      await kernel.commands.execute('test.b:begin');
      await expect.poll(() => seen.length).toBe(18);
      expect(
        seen
          .slice(9)
          .every((one) => (one as [string, string, { user?: string }])[2].user === undefined),
      ).toBe(true);
    });

    it('cancelling the outermost call cancels every nested one at once', async () => {
      const kernel = await start();
      const aborted: unknown[] = [];
      kernel.events.on('test:aborted', ({ payload }) => {
        aborted.push(payload);
      });
      const stop = new AbortController();
      const call = kernel.commands.execute('test.a:direct', ['test.b:later', 'test.c:hang'], {
        signal: stop.signal,
      });
      await expect.poll(async () => (await kernel.plugins.health('test.c')).pending).toBe(1);
      const since = performance.now();
      stop.abort();
      expect((await rejection(call)).code).toBe('call/cancelled');
      await expect.poll(() => aborted, { interval: 1 }).toEqual(['test.c']);
      expect(performance.now() - since).toBeLessThan(5_000);
      for (const id of ['test.a', 'test.b', 'test.c'])
        expect((await kernel.plugins.health(id)).pending).toBe(0);
    });

    it('a time-out of the outermost call ends the nested ones', async () => {
      const kernel = await start();
      const pending = async () => (await kernel.plugins.health('test.c')).pending;
      const path = ['test.b:direct', 'test.c:hang'];
      const failed = rejection(kernel.commands.execute('test.a:direct', path, { timeout: 3_000 }));
      // One that is made after the end of its own call is a call of its own.
      await expect.poll(pending).toBe(1);
      expect((await failed).code).toBe('call/timeout');
      await expect.poll(pending).toBe(0);
    });

    it('a cycle is refused with its path; the same command in another chain is not', async () => {
      const kernel = await start();
      const error = await rejection(kernel.commands.execute('test.a:back'));
      expect(error).toMatchObject({
        code: 'call/cycle',
        details: { path: ['test.a:back', 'test.b:back', 'test.c:back', 'test.a:back'] },
      });
      expect(error.message).toContain('(test.a:back → test.b:back → test.c:back → test.a:back)');
      const calls = [1, 2, 3].map(() => kernel.commands.execute('test.a:direct', ['test.b:facts']));
      expect(await Promise.all(calls)).toHaveLength(3);
    });

    it('the host passes on the context of the call it answers when it says so', async () => {
      const kernel = await start();
      kernel.commands.handle('relay', (input, call) =>
        kernel.commands.execute('test.c:facts', input, call),
      );
      expect(await kernel.commands.execute('test.a:direct', ['host:relay'], given)).toMatchObject({
        ...given,
        caller: 'host',
      });
    });

    it('and so it does with a client of a contract that has a time', async () => {
      const kernel = await start();
      const { facts } = kernel.client(contract('test.c@1', { facts: command({ timeout: 5_000 }) }));
      kernel.commands.handle('relay', (input, call) => facts(input, call));
      expect(await kernel.commands.execute('test.a:direct', ['host:relay'], given)).toMatchObject({
        ...given,
        caller: 'host',
      });
    });
  });
}

for (const isolation of ['inline', 'process', 'sandbox'] as const) {
  describe(`${runtime} ${isolation} of its host: context`, () => {
    it.skipIf(isolation !== 'inline' && !walled)(
      'a call without explicit parent inherits it where the runtime tracks it',
      async () => {
        const kernel = await startKernel({ isolation, createHost }, [
          hop('test.a', 'test.b'),
          hop('test.b', 'test.a'),
        ]);
        const facts = await kernel.commands.execute('test.a:astray', ['test.b:facts'], {
          user: 'u1',
        });
        expect(facts).toMatchObject({ user: runtimeCarries ? 'u1' : undefined, caller: 'test.a' });
      },
    );
  });
}
