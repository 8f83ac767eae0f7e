/**
 * Replaced while running: no call is lost, doubled or reordered, and if anything fails the old one
 * continues.
 */

import { type Kernel, packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** Returns each number once; its state is the last one. */
const counter = (version: string, { activate = '', members = '', manifest = {} } = {}) =>
  pluginOf(
    'test.counter',
    `${activate}
     ctx.commands.handle('next', async ({ caller }) => { const n = ++this.n; if (n % 3 === 0) await null; return { caller, n }; });
     ctx.commands.handle('version', () => '${version}');
     ctx.commands.handle('slow', (ms) => new Promise((resolve) => setTimeout(() => resolve('${version}'), ms)));
     ctx.events.on('test:tick', ({ payload }) => { this.ticks.push(payload); });
     ctx.commands.handle('ticks', () => this.ticks);`,
    { version, permissions: { events: { subscribe: ['test:*'] } }, ...manifest },
    members ||
      `n: 0, ticks: [], getState() { return { n: this.n, ticks: this.ticks }; }, restoreState({ n, ticks }, from) { this.n = n; this.ticks = ticks; this.from = from; },`,
  );

/**
 * Calls the counter as fast as its answers come, from its own guest. Inline, something must let the
 * event loop turn.
 */
const caller = (id: string) =>
  pluginOf(
    id,
    `let going = false; const seen = [];
     ctx.commands.handle('go', async () => { going = true; while (going) { seen.push((await ctx.commands.execute('test.counter:next', { caller: '${id}' })).n); if (seen.length % 64 === 0) await new Promise((turn) => setTimeout(turn)); } });
     ctx.commands.handle('halt', () => { going = false; });
     ctx.commands.handle('seen', () => seen);`,
    { permissions: { commands: { execute: ['test.counter:*'] } } },
  );

const state = (kernel: Kernel) => kernel.plugins.get('test.counter');

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: swap`, () => {
    it('under load from guests and the host each number is returned once, in order for each caller', async () => {
      const callers = ['test.a', 'test.b', 'test.c'];
      const kernel = await startKernel(setting, [counter('1.0.0'), ...callers.map(caller)]);
      const running = callers.map((id) =>
        kernel.commands.execute(`${id}:go`, undefined, { timeout: 60_000 }),
      );
      const mine: number[] = [];
      let going = true;
      const host = (async () => {
        while (going) {
          mine.push(
            (
              (await kernel.commands.execute('test.counter:next', { caller: 'host' })) as {
                n: number;
              }
            ).n,
          );
          if (mine.length % 64 === 0) await new Promise((turn) => setTimeout(turn));
        }
      })();
      for (let swaps = 1; swaps <= 10; swaps++) {
        await kernel.plugins.reload('test.counter', packageOf(counter(`1.0.${swaps}`)));
        expect(await kernel.commands.execute('test.counter:version')).toBe(`1.0.${swaps}`);
      }
      going = false;
      await host;
      await Promise.all(callers.map((id) => kernel.commands.execute(`${id}:halt`)));
      await Promise.all(running);
      const all = [
        mine,
        ...(await Promise.all(
          callers.map(async (id) => (await kernel.commands.execute(`${id}:seen`)) as number[]),
        )),
      ];
      for (const seen of all) {
        expect(seen.length).toBeGreaterThan(10);
        expect(seen).toEqual([...seen].sort((a, b) => a - b));
      }
      const given = all.flat().sort((a, b) => a - b);
      expect(given).toEqual(Array.from({ length: given.length }, (_, n) => n + 1));
    });

    it('calls in flight finish on the old guest, later ones wait for the new one; state and events are handed over', async () => {
      const kernel = await startKernel(setting, [counter('1.0.0')]);
      await kernel.events.emit('test:tick', 1);
      const slow = kernel.commands.execute('test.counter:slow', 80);
      const reloaded = nextEvent(kernel, 'plugin:reloaded');
      const swapping = kernel.plugins.reload('test.counter', packageOf(counter('2.0.0')));
      const emitted = (async () => {
        for (let n = 2; n < 60; n++) {
          await kernel.events.emit('test:tick', n);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      })();
      expect(await slow).toBe('1.0.0');
      await swapping;
      expect(await reloaded).toEqual({ id: 'test.counter', version: '2.0.0' });
      await emitted;
      expect(await kernel.commands.execute('test.counter:version')).toBe('2.0.0');
      expect(await kernel.commands.execute('test.counter:ticks')).toEqual(
        Array.from({ length: 59 }, (_, n) => n + 1),
      );
      expect(state(kernel)).toMatchObject({ state: 'active', version: '2.0.0' });
    });

    it('dependants continue, and a version that would leave a dependant without its need is refused', async () => {
      const dependant = pluginOf(
        'test.dependant',
        `ctx.commands.handle('n', async () => (await ctx.commands.execute('test.counter:next', {})).n);`,
        {
          dependencies: { 'test.counter': '^1.0.0' },
          permissions: { commands: { execute: ['test.counter:*'] } },
        },
      );
      const kernel = await startKernel(setting, [counter('1.0.0'), dependant]);
      const since = kernel.plugins.get('test.dependant')?.since;
      expect(await kernel.commands.execute('test.dependant:n')).toBe(1);
      await kernel.plugins.reload('test.counter', packageOf(counter('1.1.0')));
      expect(await kernel.commands.execute('test.dependant:n')).toBe(2);
      expect(kernel.plugins.get('test.dependant')?.since).toBe(since);
      expect(
        (await rejection(kernel.plugins.reload('test.counter', packageOf(counter('2.0.0'))))).code,
      ).toBe('plugin/unsatisfied');
      expect(await kernel.commands.execute('test.dependant:n')).toBe(3);
      expect(state(kernel)?.version).toBe('1.1.0');
      await kernel.plugins.hibernate('test.dependant');
      for (const work of [
        kernel.plugins.reload('test.counter', packageOf(counter('2.0.0'))),
        kernel.plugins.update('test.counter', packageOf(counter('2.0.0'))),
      ]) {
        expect((await rejection(work)).code).toBe('plugin/unsatisfied');
      }
      expect(await kernel.commands.execute('test.dependant:n')).toBe(4);
    });

    const bad: readonly (readonly [string, Parameters<typeof counter>[1], RegExp])[] = [
      ['throws in activate', { activate: `throw new Error('not today');` }, /not today/],
      [
        'rejects its state',
        {
          members: `n: 0, ticks: [], getState() { return 1; }, restoreState() { throw new Error('strange state'); },`,
        },
        /strange state/,
      ],
      ['does not parse', { activate: `)(` }, /does not parse/],
      [
        'registers what it may not',
        { activate: `ctx.events.on('secret:*', () => {});` },
        /may not use events\.subscribe/,
      ],
      [
        'registers twice',
        { activate: `ctx.commands.handle('version', () => 'x');` },
        /registered it already/,
      ],
    ];
    for (const [what, options, message] of bad) {
      it(`a new guest that ${what} changes nothing: the old one continues with its state`, async () => {
        const kernel = await startKernel(setting, [counter('1.0.0')]);
        expect(await kernel.commands.execute('test.counter:next', {})).toMatchObject({ n: 1 });
        const waiting: Promise<unknown>[] = [];
        const swapping = rejection(
          kernel.plugins.reload('test.counter', packageOf(counter('2.0.0', options))),
        );
        for (let n = 0; n < 50; n++) {
          waiting.push(kernel.commands.execute('test.counter:next', {}));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        expect((await swapping).message).toMatch(message);
        expect(await Promise.all(waiting)).toEqual(
          Array.from({ length: 50 }, (_, n) => ({ n: n + 2 })),
        );
        expect(await kernel.commands.execute('test.counter:version')).toBe('1.0.0');
        expect(state(kernel)).toMatchObject({ state: 'active', version: '1.0.0' });
      });
    }

    it('an old guest that cannot give its state, or ends meanwhile, is not replaced halfway', async () => {
      const kernel = await startKernel(
        setting,
        [counter('1.0.0', { members: `n: 0, ticks: [], getState() { return () => {}; },` })],
        { supervision: false },
      );
      expect((await rejection(kernel.plugins.reload('test.counter'))).code).toBe('value/invalid');
      expect(await kernel.commands.execute('test.counter:next', {})).toMatchObject({ n: 1 });
      const other = await startKernel(setting, [counter('1.0.0')]);
      expect(
        (
          await rejection(
            other.plugins.reload('test.counter', packageOf(pluginOf('test.other', ''))),
          )
        ).code,
      ).toBe('plugin/illegal-transition');
      const stopping = other.plugins
        .reload('test.counter', packageOf(counter('2.0.0')))
        .catch((error) => error.code);
      await other.stop();
      expect([undefined, 'guest/terminated', 'kernel/stopped', 'plugin/unavailable']).toContain(
        await stopping,
      );
    });
  });
}
