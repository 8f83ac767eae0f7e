/**
 * Activation on demand: the first call, event or hook waits for its plugin, and nothing is lost,
 * doubled or reordered.
 */

import {
  type Kernel,
  type KernelOptions,
  type LogEntry,
  type PackageInput,
  packageOf,
} from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { gateOf, nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const waiting = {
  permissions: {
    commands: { execute: ['host:*'] },
    events: { subscribe: ['test:*', 'user:*'] },
    hooks: { handle: ['app:*'] },
  },
};

/** Does `before` and `after` the host lets its activation continue. */
const gated = (activation: string[], before: string, after = '', id = 'test.lazy') =>
  pluginOf(id, `const seen = []; ${before} await ctx.commands.execute('host:gate'); ${after}`, {
    activation,
    ...waiting,
  });
const notes = `ctx.commands.handle('note', (n) => { seen.push(n); return n; }); ctx.commands.handle('seen', () => seen);`;
const neighbour = pluginOf('test.neighbour', `ctx.commands.handle('ping', () => 'pong');`);

/** Counts events of a topic. */
function countOf(kernel: Kernel, topic: string): { readonly length: number } {
  const seen: unknown[] = [];
  kernel.events.on(topic, ({ payload }) => seen.push(payload));
  return seen;
}

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  const start = (packages: readonly PackageInput[], options: KernelOptions = {}) =>
    startKernel(setting, packages, { supervision: false, ...options });
  const call = (kernel: Kernel, name: string, input?: unknown, id = 'test.lazy') =>
    kernel.commands.execute(`${id}:${name}`, input, { timeout: 5_000 });
  const state = (kernel: Kernel, id = 'test.lazy') => kernel.plugins.get(id)?.state;

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: activation by command`, () => {
    it('more calls than a plugin may keep waiting are refused while it starts', async () => {
      const kernel = await start([gated(['command:test.lazy:note'], notes)]);
      const gate = gateOf(kernel);
      const note = (n: number) => kernel.commands.execute('test.lazy:note', n, { timeout: 30_000 });
      const answers = Promise.allSettled(numbers(0, 8_200).map(note));
      await gate.reached;
      gate.open();
      const outcomes = await answers;
      const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      expect(refused.map(({ code }) => code)).toEqual(Array(8).fill('call/overloaded'));
      expect(refused[0].message).toContain('too much waits for test.lazy: 8192 messages');
      expect(await call(kernel, 'seen')).toEqual(numbers(0, 8_192));
    });

    it('a hundred first calls in one turn share one activation and keep their order', async () => {
      const kernel = await start([gated(['command:test.lazy:note'], notes)]);
      const gate = gateOf(kernel);
      const activated = countOf(kernel, 'plugin:activated');
      expect(state(kernel)).toBe('resolved');
      const answers = numbers(0, 100).map((n) => call(kernel, 'note', n));
      await gate.reached;
      gate.open();
      expect(await Promise.all(answers)).toEqual(numbers(0, 100));
      expect(await call(kernel, 'seen')).toEqual(numbers(0, 100));
      expect(activated.length).toBe(1);
      expect(kernel.plugins.get('test.lazy')).toMatchObject({
        state: 'active',
        activatedBy: 'command:test.lazy:note',
      });
    });

    it('calls that arrive during activation wait too', async () => {
      const kernel = await start([gated(['command:test.lazy:note'], '', notes)]);
      const gate = gateOf(kernel);
      const first = call(kernel, 'note', 0);
      await gate.reached;
      const later = Promise.all(numbers(1, 5).map((n) => call(kernel, 'note', n)));
      later.catch(() => {});
      gate.open();
      expect(await first).toBe(0);
      expect(await later).toEqual(numbers(1, 5));
      expect(await call(kernel, 'seen')).toEqual(numbers(0, 5));
    });

    it('a later call never overtakes the first one, however early the command is registered', async () => {
      const kernel = await start([gated(['command:test.lazy:note'], notes)]);
      const gate = gateOf(kernel);
      const first = call(kernel, 'note', 0);
      await gate.reached;
      const later = Promise.all(numbers(1, 5).map((n) => call(kernel, 'note', n)));
      later.catch(() => {});
      gate.open();
      await first;
      await later;
      expect(await call(kernel, 'seen')).toEqual(numbers(0, 5));
    });

    it('a call waits for a plugin that an event is activating', async () => {
      const kernel = await start([gated(['command:test.lazy:note', 'event:test:tick'], notes)]);
      const gate = gateOf(kernel);
      await kernel.events.emit('test:tick', 1);
      await gate.reached;
      const answer = call(kernel, 'note', 7);
      answer.catch(() => {});
      gate.open();
      expect(await answer).toBe(7);
    });

    it('a contributed command activates its plugin; an undeclared one does not', async () => {
      const kernel = await start([
        pluginOf(
          'test.lazy',
          notes
            .replace('seen.push(n);', '')
            .replace(`ctx.commands.handle('seen', () => seen);`, ''),
          {
            activation: [],
            contributes: { commands: [{ id: 'note' }] },
          },
        ),
      ]);
      expect((await rejection(call(kernel, 'other'))).code).toBe('plugin/unavailable');
      expect(state(kernel)).toBe('resolved');
      expect(await call(kernel, 'note', 1)).toBe(1);
    });

    it('the deadline of a call includes its wait', async () => {
      const kernel = await start([gated(['command:test.lazy:note'], notes)]);
      const gate = gateOf(kernel);
      const late = rejection(kernel.commands.execute('test.lazy:note', 0, { timeout: 100 }));
      await gate.reached;
      const outcome = await Promise.race([
        late,
        new Promise<{ code: string }>((resolve) =>
          setTimeout(() => resolve({ code: 'still waiting' }), 5_000),
        ),
      ]);
      gate.open();
      await expect.poll(() => state(kernel)).toBe('active');
      expect(outcome.code).toBe('call/timeout');
      expect(await call(kernel, 'seen')).toEqual([]);
    });

    it('one guest calls another that has not been started', async () => {
      const caller = pluginOf(
        'test.caller',
        `ctx.commands.handle('go', () => Promise.all([1, 2, 3].map((n) => ctx.commands.execute('test.lazy:note', n))));`,
        {
          permissions: { commands: { execute: ['test.lazy:*'] } },
        },
      );
      const kernel = await start([caller, gated(['command:test.lazy:note'], notes)]);
      gateOf(kernel).open();
      expect(await call(kernel, 'go', undefined, 'test.caller')).toEqual([1, 2, 3]);
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: activation by event`, () => {
    for (const trigger of ['event:test:tick', 'event:test:*']) {
      it(`${trigger}: fifty events during activation arrive once, in order, before later ones`, async () => {
        const kernel = await start([
          gated(
            [trigger],
            `const wide = []; ctx.events.on('test:tick', ({ payload }) => { seen.push(payload); }); ctx.events.on('test:*', ({ payload }) => { wide.push(payload); }); ctx.commands.handle('seen', () => [seen, wide]);`,
          ),
        ]);
        const gate = gateOf(kernel);
        const activated = countOf(kernel, 'plugin:activated');
        for (const n of numbers(0, 25)) await kernel.events.emit('test:tick', n);
        await gate.reached;
        for (const n of numbers(25, 50)) await kernel.events.emit('test:tick', n);
        const active = nextEvent(kernel, 'plugin:activated');
        gate.open();
        for (const n of numbers(50, 60)) await kernel.events.emit('test:tick', n);
        await active;
        for (const n of numbers(60, 70)) await kernel.events.emit('test:tick', n);
        await expect
          .poll(async () => ((await call(kernel, 'seen')) as number[][]).map((one) => one.length))
          .toEqual([70, 70]);
        expect(await call(kernel, 'seen')).toEqual([numbers(0, 70), numbers(0, 70)]);
        expect(activated.length).toBe(1);
        expect(kernel.plugins.get('test.lazy')?.activatedBy).toBe('event:test:tick');
      });
    }

    it('overlapping activation events deliver each event once', async () => {
      const kernel = await start([
        gated(
          ['event:test:*', 'event:test:tick', 'event:user:*'],
          `ctx.events.on('test:*', ({ payload }) => { seen.push(payload); }); ctx.events.on('user:*', ({ payload }) => { seen.push(payload); }); ctx.commands.handle('seen', () => seen);`,
        ),
      ]);
      const gate = gateOf(kernel);
      for (const n of numbers(0, 20))
        await kernel.events.emit(n % 2 === 0 ? 'test:tick' : 'user:seen', n);
      gate.open();
      await expect.poll(() => state(kernel)).toBe('active');
      await expect.poll(() => call(kernel, 'seen')).toEqual(numbers(0, 20));
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: activation by hook`, () => {
    it('every mode waits for the answer, and hook calls of one turn share one activation', async () => {
      const kernel = await start([
        gated(['hook:app:menu'], `ctx.hooks.handle('app:menu', (value) => value + 1);`),
      ]);
      const gate = gateOf(kernel);
      const activated = countOf(kernel, 'plugin:activated');
      const answers = Promise.all([
        kernel.hooks.collect('app:menu', 1),
        kernel.hooks.first('app:menu', 2),
        kernel.hooks.waterfall('app:menu', 3),
      ]);
      await gate.reached;
      const later = kernel.hooks.collect('app:menu', 10);
      gate.open();
      expect(await answers).toEqual([[2], 3, 4]);
      expect(await later).toEqual([11]);
      expect(await kernel.hooks.collect('app:menu', 20)).toEqual([21]);
      expect(activated.length).toBe(1);
    });

    it('the first hook call reaches every handler of the plugin, like later ones', async () => {
      const kernel = await start([
        pluginOf(
          'test.lazy',
          `ctx.hooks.handle('app:menu', () => 'file'); ctx.hooks.handle('app:menu', () => 'edit');`,
          {
            activation: ['hook:app:menu'],
            permissions: waiting.permissions,
          },
        ),
      ]);
      const first = await kernel.hooks.collect('app:menu', undefined);
      expect(await kernel.hooks.collect('app:menu', undefined)).toEqual(['file', 'edit']);
      expect(first).toEqual(['file', 'edit']);
    });

    it('a plugin that does not register the hook is left out', async () => {
      const kernel = await start([
        pluginOf('test.lazy', `await null;`, {
          activation: ['hook:app:menu'],
          permissions: waiting.permissions,
        }),
        neighbour,
      ]);
      kernel.hooks.handle('app:menu', () => 'host');
      expect(await kernel.hooks.collect('app:menu', 1, { timeout: 5_000 })).toEqual(['host']);
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: activation that fails`, () => {
    const failing = (activation: string[], manifest = {}) =>
      pluginOf(
        'test.lazy',
        `await ctx.commands.execute('host:gate'); throw new Error('not today');`,
        { activation, ...waiting, ...manifest },
      );

    it('every caller gets the typed error, later callers get the reason at once; neighbours go on', async () => {
      const kernel = await start([failing(['command:test.lazy:note']), neighbour]);
      const gate = gateOf(kernel);
      const failed = countOf(kernel, 'plugin:failed');
      const errors = numbers(0, 5).map((n) => rejection(call(kernel, 'note', n)));
      await gate.reached;
      gate.open();
      for (const error of await Promise.all(errors))
        expect(error).toMatchObject({
          code: 'plugin/activation-failed',
          plugin: 'test.lazy',
          message: expect.stringMatching(/not today/),
        });
      expect(failed.length).toBe(1);
      expect(await rejection(call(kernel, 'note', 9))).toMatchObject({
        code: 'plugin/unavailable',
        message: expect.stringMatching(/not today/),
      });
      expect(await call(kernel, 'ping', undefined, 'test.neighbour')).toBe('pong');
      expect(state(kernel, 'test.neighbour')).toBe('active');
    });

    it('hooks continue without it, and the failure is logged', async () => {
      const log: LogEntry[] = [];
      const kernel = await start([failing(['hook:app:menu']), neighbour], {
        telemetry: { log: (entry) => log.push(entry) },
      });
      const gate = gateOf(kernel);
      kernel.hooks.handle('app:menu', () => 'host');
      const answers = kernel.hooks.collect('app:menu', 1, { timeout: 5_000 });
      await gate.reached;
      gate.open();
      expect(await answers).toEqual(['host']);
      expect(
        log.some(({ message }) => /test\.lazy failed to answer app:menu.*not today/.test(message)),
      ).toBe(true);
      expect(await kernel.hooks.collect('app:menu', 1)).toEqual(['host']);
    });

    it('events that waited for it count as dropped, and the loss is logged', async () => {
      const log: LogEntry[] = [];
      const kernel = await start(
        [
          failing(['event:test:*']),
          pluginOf(
            'test.other',
            `const seen = []; ctx.events.on('test:*', ({ payload }) => { seen.push(payload); }); ctx.commands.handle('seen', () => seen);`,
            waiting,
          ),
        ],
        {
          telemetry: { log: (entry) => log.push(entry) },
        },
      );
      const gate = gateOf(kernel);
      for (const n of numbers(0, 5)) await kernel.events.emit('test:tick', n);
      const failed = nextEvent(kernel, 'plugin:failed');
      await gate.reached;
      gate.open();
      expect(await failed).toMatchObject({ id: 'test.lazy', code: 'plugin/activation-failed' });
      expect(await call(kernel, 'seen', undefined, 'test.other')).toEqual(numbers(0, 5));
      expect(log.some(({ message }) => /not today/.test(message))).toBe(true);
      expect(
        log.some(({ message }) => /test\.lazy/.test(message) && /\b(dropped|lost)\b/.test(message)),
      ).toBe(true);
      expect(kernel.metrics.snapshot().droppedDeliveries).toBeGreaterThanOrEqual(5);
    });

    it('a plugin with a failed dependency answers at once, and nothing that waits for it hangs', async () => {
      const kernel = await start([
        pluginOf('test.base', `throw new Error('broken base');`),
        pluginOf(
          'test.lazy',
          `ctx.hooks.handle('app:menu', () => 1); ctx.commands.handle('note', () => 1);`,
          {
            activation: ['hook:app:menu', 'command:test.lazy:note'],
            dependencies: { 'test.base': '^1.0.0' },
            ...waiting,
          },
        ),
      ]);
      const outcome = await Promise.race([
        kernel.hooks.collect('app:menu', 1, { timeout: 20_000 }),
        new Promise((resolve) => setTimeout(() => resolve('still waiting'), 5_000)),
      ]);
      expect(outcome).toEqual([]);
    });

    it('a call to a plugin with a failed dependency gets the chain in its error', async () => {
      const kernel = await start([
        pluginOf('test.base', `throw new Error('broken base');`),
        pluginOf('test.lazy', notes, {
          activation: ['command:test.lazy:note'],
          dependencies: { 'test.base': '^1.0.0' },
        }),
      ]);
      const error = await rejection(call(kernel, 'note', 1));
      expect(error).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: ['test.lazy', 'test.base'] },
        message: expect.stringMatching(/broken base/),
      });
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: what does not activate a plugin`, () => {
    const listener = (permissions: object) =>
      pluginOf('test.lazy', `ctx.commands.handle('note', () => 1);`, {
        activation: ['event:test:*', 'hook:app:menu', 'command:test.lazy:note'],
        permissions,
      });
    const trigger = async (kernel: Kernel) => {
      await kernel.events.emit('test:tick', 1);
      await kernel.hooks.collect('app:menu', 1, { timeout: 1_000 });
    };

    it('an event or a hook without permission for it, which the log reports', async () => {
      const log: LogEntry[] = [];
      const kernel = await start([listener({})], {
        telemetry: { log: (entry) => log.push(entry) },
      });
      await trigger(kernel);
      expect(await kernel.commands.execute('test.lazy:note')).toBe(1);
      expect(kernel.plugins.get('test.lazy')?.activatedBy).toBe('command:test.lazy:note');
      for (const what of [/not activated by event:test:\*/, /not activated by hook:app:menu/])
        expect(log.filter(({ message }) => what.test(message))).toHaveLength(1);
    });

    it('an event or a hook whose permission policy removed', async () => {
      const kernel = await start([listener(waiting.permissions)], {
        policy: { permissions: { events: { subscribe: ['user:*'] }, hooks: { handle: [] } } },
      });
      await trigger(kernel);
      expect(state(kernel)).toBe('resolved');
    });

    it('a call to a disabled plugin; once enabled, a call activates it', async () => {
      const kernel = await start([listener(waiting.permissions)]);
      await kernel.plugins.disable('test.lazy');
      await trigger(kernel);
      expect(await rejection(kernel.commands.execute('test.lazy:note'))).toMatchObject({
        code: 'plugin/unavailable',
        message: expect.stringMatching(/disabled/),
      });
      expect((await rejection(kernel.plugins.activate('test.lazy'))).code).toBe('plugin/disabled');
      expect(state(kernel)).toBe('resolved');
      await kernel.plugins.enable('test.lazy');
      expect(state(kernel)).toBe('resolved');
      const activated = nextEvent(kernel, 'plugin:activated');
      await kernel.events.emit('test:tick', 1);
      expect(await activated).toMatchObject({ id: 'test.lazy', activatedBy: 'event:test:tick' });
    });

    it('a plugin disabled during its start does not run afterwards', async () => {
      const kernel = await start([gated(['command:test.lazy:note'], notes)]);
      gateOf(kernel).open();
      const starting = kernel.plugins.activate('test.lazy').catch((error) => error.code);
      await kernel.plugins.disable('test.lazy');
      await starting;
      expect(kernel.plugins.get('test.lazy')).toMatchObject({ enabled: false });
      expect(state(kernel)).not.toBe('active');
    });

    it('a call to a plugin that was deactivated by name after it ran', async () => {
      const kernel = await start([listener(waiting.permissions)]);
      expect(await kernel.commands.execute('test.lazy:note')).toBe(1);
      await kernel.plugins.deactivate('test.lazy');
      await trigger(kernel);
      expect((await rejection(kernel.commands.execute('test.lazy:note'))).code).toBe(
        'plugin/unavailable',
      );
      expect(state(kernel)).toBe('unloaded');
      await kernel.plugins.activate('test.lazy');
      expect(await kernel.commands.execute('test.lazy:note')).toBe(1);
    });

    it('an event or a hook for a plugin that was deactivated by name before it ran', async () => {
      const kernel = await start([listener(waiting.permissions)]);
      await kernel.plugins.deactivate('test.lazy');
      await trigger(kernel);
      expect(state(kernel)).not.toBe('active');
    });

    it('the start of other plugins, for one deactivated by name before it ran', async () => {
      const kernel = await start([listener(waiting.permissions)]);
      await kernel.plugins.deactivate('test.lazy');
      await kernel.plugins.install(packageOf(neighbour));
      await trigger(kernel);
      expect(state(kernel)).not.toBe('active');
    });

    it('a command of a plugin that was deactivated by name before it ran', async () => {
      const kernel = await start([listener(waiting.permissions)]);
      await kernel.plugins.deactivate('test.lazy');
      expect((await rejection(kernel.commands.execute('test.lazy:note'))).code).toBe(
        'plugin/unavailable',
      );
    });

    it('a call to a plugin that was uninstalled', async () => {
      const kernel = await start([listener(waiting.permissions)]);
      await kernel.plugins.uninstall('test.lazy');
      await trigger(kernel);
      expect((await rejection(kernel.commands.execute('test.lazy:note'))).code).toBe(
        'call/unknown-command',
      );
    });

    it('deactivating a plugin during activation settles what waits for it', async () => {
      const kernel = await start([gated(['command:test.lazy:note', 'hook:app:menu'], notes)]);
      const gate = gateOf(kernel);
      const hook = kernel.hooks.collect('app:menu', 1, { timeout: 5_000 });
      await gate.reached;
      const stopping = kernel.plugins.deactivate('test.lazy');
      gate.open();
      await stopping;
      expect(await hook).toEqual([]);
      expect(state(kernel)).toBe('unloaded');
    });

    it('stop() settles what waits for a plugin during activation', async () => {
      const kernel = await start([gated(['command:test.lazy:note'], notes)], {
        limits: { activate: 1_000 },
      });
      const gate = gateOf(kernel);
      const waitingCall = call(kernel, 'note', 1).then(
        () => 'answered',
        (error) => String(error.code),
      );
      await gate.reached;
      await kernel.stop();
      expect(await waitingCall).not.toBe('answered');
    });
  });

  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: activation of many`, () => {
    /**
     * Holds each plugin in its activation until all that may start have started, and reports how
     * many those were.
     */
    const crowd = (allowed: number) => {
      let now = 0;
      let most = 0;
      const full = Promise.withResolvers<unknown>();
      let witness: Promise<unknown> | undefined;
      const use = async (_: unknown, next: () => unknown) => {
        now += 1;
        most = Math.max(most, now);
        // One too many has come by the time when a plugin that begins later has started.
        if (now === allowed) {
          witness ??= start([pluginOf('test.witness', '')]);
          full.resolve(witness);
        }
        await full.promise;
        now -= 1;
        return next();
      };
      return {
        middleware: [{ target: 'event:*', use }] as KernelOptions['middleware'] & object,
        most: () => most,
      };
    };
    const starter = (id: string, manifest = {}) =>
      pluginOf(id, `await ctx.events.emit('starting');`, manifest);

    it('independent plugins start in parallel, as many as limits.parallel allows', async () => {
      const many = numbers(0, 7).map((n) => starter(`test.p${n}`));
      const { middleware, most } = crowd(3);
      const kernel = await start(many, { limits: { parallel: 3 }, middleware });
      expect(most()).toBe(3);
      expect(kernel.plugins.list({ state: 'active' })).toHaveLength(7);
      const all = crowd(7);
      await start(many, { middleware: all.middleware });
      expect(all.most()).toBe(7);
    });

    it('dependencies that are started for others respect limits.parallel', async () => {
      const needed = numbers(0, 6).map((n) => starter(`test.p${n}`, { activation: [] }));
      const { middleware, most } = crowd(2);
      const top = pluginOf('test.top', '', {
        dependencies: Object.fromEntries(needed.map((_, n) => [`test.p${n}`, '^1.0.0'])),
      });
      const kernel = await start([top, ...needed], { limits: { parallel: 2 }, middleware });
      expect(state(kernel, 'test.top')).toBe('active');
      expect(most()).toBe(2);
    });

    it('need: starts a plugin for the first plugin that needs it, not before', async () => {
      const provider = pluginOf('test.provider', `ctx.commands.handle('hi', () => 'hi');`, {
        activation: ['need:test.provider@1'],
        provides: ['test.provider@1'],
      });
      const lonely = await start([provider]);
      expect(state(lonely, 'test.provider')).toBe('resolved');
      const kernel = await start([
        provider,
        pluginOf(
          'test.user',
          `ctx.commands.handle('go', () => ctx.commands.execute('test.provider:hi'));`,
          { needs: ['test.provider@^1'], activation: ['command:test.user:go'] },
        ),
      ]);
      expect(state(kernel, 'test.provider')).toBe('resolved');
      expect(await kernel.commands.execute('test.user:go')).toBe('hi');
      expect(kernel.plugins.get('test.provider')).toMatchObject({
        state: 'active',
        activatedBy: expect.stringMatching(/^need:/),
      });
    });

    it('a failed plugin fails its dependants, with the chain, and nothing else', async () => {
      const on = (id: string) => ({ dependencies: { [id]: '^1.0.0' } });
      const kernel = await start([
        pluginOf('test.top', '', on('test.middle')),
        pluginOf('test.middle', '', on('test.base')),
        pluginOf('test.base', `throw new Error('broken base');`),
        pluginOf('test.wishful', '', { optionalDependencies: { 'test.base': '^1.0.0' } }),
        neighbour,
      ]);
      expect(kernel.plugins.explain('test.top')).toMatchObject({
        running: false,
        path: ['test.top', 'test.middle', 'test.base'],
        error: { code: 'plugin/dependency-failed' },
      });
      expect(kernel.plugins.explain('test.top').because).toMatch(/broken base/);
      expect(kernel.plugins.explain('test.middle').path).toEqual(['test.middle', 'test.base']);
      expect(kernel.plugins.explain('test.base').error?.code).toBe('plugin/activation-failed');
      expect(
        kernel.plugins
          .list({ state: 'active' })
          .map(({ id }) => id)
          .sort(),
      ).toEqual(['test.neighbour', 'test.wishful']);
      expect((await rejection(kernel.plugins.activate('test.top'))).details?.path).toEqual([
        'test.top',
        'test.middle',
        'test.base',
      ]);
    });

    it('concurrent requests by name share one run', async () => {
      const kernel = await start([gated([], notes)]);
      const gate = gateOf(kernel);
      const activated = countOf(kernel, 'plugin:activated');
      const starting = Promise.all(numbers(0, 10).map(() => kernel.plugins.activate('test.lazy')));
      await gate.reached;
      gate.open();
      await starting;
      await kernel.plugins.activate('test.lazy');
      expect(activated.length).toBe(1);
    });
  });
}
