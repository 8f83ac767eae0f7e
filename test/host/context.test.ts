/** What a call carries: across hops, in every guest, and as long as its outermost call lasts. */
import { createHost, runtime } from '#host';
import { describe, expect, it } from 'vitest';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const may = { permissions: { commands: { execute: ['*'] }, hooks: { call: ['*'], handle: ['*'] }, events: { subscribe: ['*'], emit: ['*'] } } };
/** Shows what it was given, and calls the next one in each way that there is. */
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

for (const setting of [{ isolation: 'worker', createHost }, { isolation: 'inline' }] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: context`, () => {
    const start = () => startKernel(setting, [hop('test.a', 'test.b'), hop('test.b', 'test.c'), hop('test.c', 'test.a')]);
    const given = { user: 'u1', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', baggage: { plan: 'gold' } };

    for (const way of ['direct', 'later', 'bySignal'] as const) {
      it(`user, trace, baggage and deadline cross three hops (${way})`, async () => {
        const kernel = await start();
        const facts = (await kernel.commands.execute(`test.a:${way}`, [`test.b:${way}`, `test.c:${way}`], { ...given, timeout: 5_000 })) as { left: number };
        expect(facts).toMatchObject({ ...given, tenant: 'tenant-0', caller: 'test.b' });
        expect(facts.left).toBeLessThanOrEqual(5_000);
        expect(facts.left).toBeGreaterThan(3_000);
      });
    }

    it('a call that was made for nobody carries nothing', async () => {
      const kernel = await start();
      expect(await kernel.commands.execute('test.a:astray', ['test.b:facts'], given)).toMatchObject({ user: undefined, traceparent: undefined, baggage: {}, caller: 'test.a' });
    });

    it('hooks and events carry it, too', async () => {
      const kernel = await start();
      for (const facts of (await kernel.commands.execute('test.a:hooks', undefined, given)) as object[]) expect(facts).toMatchObject(given);
      const happened = nextEvent(kernel, 'test:happened');
      await kernel.commands.execute('test.a:emit', undefined, given);
      await happened;
      await expect.poll(() => kernel.commands.execute('test.b:heard')).toMatchObject([{ ...given, source: 'test.a', requestId: expect.any(String) }]);
    });

    it('what listeners do for an event is done for whom it was emitted for', async () => {
      const kernel = await start();
      const seen: unknown[] = [];
      kernel.events.on('test:seen', ({ payload }) => {
        seen.push(payload);
      });
      await kernel.commands.execute('test.a:begin', undefined, given);
      await expect.poll(() => seen.length).toBe(9);
      for (const [when, id, facts] of seen as [string, string, object][]) {
        expect(facts).toMatchObject(when === 'astray' ? { user: undefined, baggage: {}, caller: id } : { ...given, caller: id });
      }
      await kernel.commands.execute('test.b:begin');
      await expect.poll(() => seen.length).toBe(18);
      expect(seen.slice(9).every((one) => (one as [string, string, { user?: string }])[2].user === undefined)).toBe(true);
    });

    it('cancelling the outermost call cancels every one below it, at once', async () => {
      const kernel = await start();
      const aborted: unknown[] = [];
      kernel.events.on('test:aborted', ({ payload }) => {
        aborted.push(payload);
      });
      const stop = new AbortController();
      const call = kernel.commands.execute('test.a:direct', ['test.b:later', 'test.c:hang'], { signal: stop.signal });
      await expect.poll(async () => (await kernel.plugins.health('test.c')).pending).toBe(1);
      const since = performance.now();
      stop.abort();
      expect((await rejection(call)).code).toBe('call/cancelled');
      await expect.poll(() => aborted, { interval: 1 }).toEqual(['test.c']);
      expect(performance.now() - since).toBeLessThan(5_000);
      for (const id of ['test.a', 'test.b', 'test.c']) expect((await kernel.plugins.health(id)).pending).toBe(0);
    });

    it('a time-out of the outermost call ends those below it', async () => {
      const kernel = await start();
      expect((await rejection(kernel.commands.execute('test.a:direct', ['test.b:direct', 'test.c:hang'], { timeout: 60 }))).code).toBe('call/timeout');
      await expect.poll(async () => (await kernel.plugins.health('test.c')).pending).toBe(0);
    });

    it('a cycle is refused with its path; the same command in another chain is not', async () => {
      const kernel = await start();
      const error = await rejection(kernel.commands.execute('test.a:back'));
      expect(error).toMatchObject({ code: 'call/cycle', details: { path: ['test.a:back', 'test.b:back', 'test.c:back', 'test.a:back'] } });
      expect(error.message).toContain('(test.a:back → test.b:back → test.c:back → test.a:back)');
      const calls = [1, 2, 3].map(() => kernel.commands.execute('test.a:direct', ['test.b:facts']));
      expect(await Promise.all(calls)).toHaveLength(3);
    });

    it('the host hands on what it answers when it says so', async () => {
      const kernel = await start();
      kernel.commands.handle('relay', (input, call) => kernel.commands.execute('test.c:facts', input, call));
      expect(await kernel.commands.execute('test.a:direct', ['host:relay'], given)).toMatchObject({ ...given, caller: 'host' });
    });
  });
}
