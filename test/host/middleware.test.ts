/** Middleware: its order, and what happens when one misbehaves. */

import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const may = { permissions: { middleware: { use: ['command:test.work:*', 'event:test:*'] } } };
const work = pluginOf(
  'test.work',
  `ctx.commands.handle('trace', (input) => input); ctx.commands.handle('fail', () => { throw new RangeError('too far'); });`,
);
/** Adds its name to what passes. */
const layer = (id: string, place: string, name = id) =>
  pluginOf(
    id,
    `ctx.middleware.use('command:test.work:trace', (call, next) => next([...call.input, '${name}']), ${place});`,
    may,
  );

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: middleware`, () => {
    it('runs in the order of discovery, unless it declares before or after', async () => {
      const kernel = await startKernel(setting, [
        work,
        layer('test.a', `{ after: 'test.c' }`),
        layer('test.b', '{}'),
        layer('test.c', `{ name: 'inner', before: ['test.d', 'not.there'] }`),
        layer('test.d', `{ before: 'test.b' }`),
      ]);
      expect(await kernel.commands.execute('test.work:trace', [])).toEqual([
        'test.c',
        'test.a',
        'test.d',
        'test.b',
      ]);
      const host = kernel.middleware.use(
        'command:test.work:*',
        (call, next) => next([...(call.input as string[]), 'host']),
        { name: 'late', after: 'test.c:inner' },
      );
      expect(await kernel.commands.execute('test.work:trace', [])).toEqual([
        'test.c',
        'host',
        'test.a',
        'test.d',
        'test.b',
      ]);
      host.dispose();
      expect(await kernel.commands.execute('test.work:trace', [])).toEqual([
        'test.c',
        'test.a',
        'test.d',
        'test.b',
      ]);
    });

    it('a cycle is refused with its path, and existing middleware stays', async () => {
      const kernel = await startKernel(setting, [
        work,
        layer('test.a', `{ before: 'test.b' }`),
        layer('test.b', `{ before: 'test.c' }`),
        layer('test.c', `{ before: 'test.a' }`),
      ]);
      // They start at the same time: the last one to start closes the cycle.
      const failed = ['test.a', 'test.b', 'test.c'].filter(
        (id) => kernel.plugins.get(id)?.state === 'failed',
      );
      expect(failed).toHaveLength(1);
      expect(kernel.plugins.explain(failed[0] as string).because).toMatch(
        /cannot be ordered.*\(test\.\w → test\.\w → test\.\w → test\.\w\)/,
      );
      // Its guard is missing: until it is disabled, what it would guard waits for it.
      expect(
        await rejection(kernel.commands.execute('test.work:trace', [], { timeout: 50 })),
      ).toMatchObject({ code: 'middleware/unavailable', plugin: failed[0] });
      await kernel.plugins.disable(failed[0] as string);
      const order = (await kernel.commands.execute('test.work:trace', [])) as string[];
      expect(order).toHaveLength(2);
      const place = { name: 'x', before: order[0] as string, after: order[1] as string };
      const use = () => kernel.middleware.use('command:test.work:*', (_, next) => next(), place);
      expect(use).toThrow(
        expect.objectContaining({
          code: 'middleware/cycle',
          details: { path: expect.arrayContaining(['x', ...order]) },
        }),
      );
      // Middleware around different targets can't conflict.
      kernel.middleware.use('command:other:*', (_, next) => next(), place);
    });

    it('a throwing middleware is named; its own errors and those it passes on keep their class', async () => {
      const kernel = await startKernel(setting, [
        work,
        pluginOf(
          'test.guard',
          `ctx.middleware.use('command:test.work:*', async (call, next) => {
             if (call.input === 'break') return undefined.x;
             if (call.input === 'refuse') throw Object.assign(new TypeError('not today'), {});
             return await next();
           });`,
          may,
        ),
      ]);
      const broken = await rejection(kernel.commands.execute('test.work:trace', 'break'));
      expect(broken).toBeInstanceOf(TypeError);
      expect(broken.details).toEqual({ middleware: 'test.guard', around: 'test.work:trace' });
      expect(await rejection(kernel.commands.execute('test.work:trace', 'refuse'))).toMatchObject({
        message: 'not today',
        details: { middleware: 'test.guard' },
      });
      const passed = await rejection(kernel.commands.execute('test.work:fail'));
      expect(passed).toBeInstanceOf(RangeError);
      expect(passed.message).toBe('too far');
      expect(passed.details).toBeUndefined();
      expect(await kernel.commands.execute('test.work:trace', 'fine')).toBe('fine');
    });

    it('a hanging middleware is named by the time-out, before and after the answer, around commands and events', async () => {
      const kernel = await startKernel(setting, [
        work,
        pluginOf(
          'test.slow',
          `ctx.middleware.use('command:test.work:*', async (call, next) => {
             if (call.input === 'before') await new Promise(() => {});
             const answer = await next();
             if (call.input === 'after') await new Promise(() => {});
             return answer;
           });`,
          may,
        ),
      ]);
      const before = await rejection(
        kernel.commands.execute('test.work:trace', 'before', { timeout: 50 }),
      );
      expect(before).toMatchObject({
        code: 'call/timeout',
        plugin: 'test.slow',
        details: { middleware: 'test.slow' },
      });
      expect(before.message).toBe(
        'test.work:trace did not answer within 50 ms: the middleware test.slow did not go on',
      );
      // Time for the call to get to where it hangs.
      const after = await rejection(
        kernel.commands.execute('test.work:trace', 'after', { timeout: 1_500 }),
      );
      expect(after.message).toBe(
        'test.work:trace did not answer within 1500 ms: the middleware around it (test.slow) held the answer',
      );
      kernel.middleware.use('command:test.work:trace', () => new Promise(() => {}), {
        name: 'mine',
      });
      expect(
        await rejection(kernel.commands.execute('test.work:trace', 1, { timeout: 1_500 })),
      ).toMatchObject({ code: 'call/timeout', details: { middleware: 'mine' } });
    });

    it('a middleware that calls next() twice is named, and the work is done once', async () => {
      const kernel = await startKernel(setting, [
        pluginOf(
          'test.work',
          `let runs = 0; ctx.commands.handle('trace', () => ++runs); ctx.commands.handle('runs', () => runs);`,
        ),
        pluginOf(
          'test.twice',
          `ctx.middleware.use('command:test.work:trace', async (_, next) => { await next(); return next(); });`,
          may,
        ),
      ]);
      expect(await rejection(kernel.commands.execute('test.work:trace'))).toMatchObject({
        code: 'middleware/next-twice',
        plugin: 'test.twice',
      });
      expect(await kernel.commands.execute('test.work:runs')).toBe(1);
    });
  });
}
