/**
 * Hibernated with state kept: any call or event wakes a plugin, nothing is lost, and a busy plugin
 * never hibernates.
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
const may = {
  permissions: {
    commands: { execute: ['host:*', 'test.*'] },
    events: { subscribe: ['test:*'] },
    hooks: { handle: ['app:*'] },
    middleware: { use: ['command:test.other:*'] },
  },
};
const stateful = `n: 0, ticks: [], wakes: 0, getState() { return { n: this.n, ticks: this.ticks, wakes: this.wakes }; }, restoreState({ n, ticks, wakes }) { this.n = n; this.ticks = ticks; this.wakes = wakes + 1; },`;
const sleeper = (members = stateful, activate = '', id = 'test.sleeper', manifest = {}) =>
  pluginOf(
    id,
    `${activate}
     ctx.commands.handle('count', () => ++this.n);
     ctx.commands.handle('wakes', () => this.wakes);
     ctx.commands.handle('ticks', () => this.ticks);
     ctx.commands.handle('wait', async () => { await ctx.commands.execute('host:gate'); return ++this.n; });
     ctx.commands.handle('work', () => { this.working = ctx.commands.execute('host:gate'); });
     ctx.commands.handle('stream', async function* (to) { for (let n = 0; n < to; n++) yield n; });
     ctx.commands.handle('drink', async (items) => { let sum = 0; for await (const n of items) sum += n; return sum; });
     ctx.events.on('test:tick', ({ payload }) => { this.ticks.push(payload); }, { queue: 8192 });
     ctx.hooks.handle('app:menu', (value) => [value, ++this.n]);
     ctx.middleware.use('command:test.other:*', async (call, next) => { this.n += 1; return [this.n, await next()]; });`,
    { ...may, ...manifest },
    members,
  );
const other = pluginOf('test.other', `ctx.commands.handle('hi', () => 'hi');`);
const caller = pluginOf(
  'test.caller',
  `ctx.commands.handle('ask', (name) => ctx.commands.execute('test.sleeper:' + name));`,
  may,
);
const ask = (kernel: Kernel, command: string, input?: unknown) =>
  kernel.commands.execute(`test.sleeper:${command}`, input, { timeout: 5_000 });
const sleep = (kernel: Kernel) => kernel.plugins.hibernate('test.sleeper');
const info = (kernel: Kernel, id = 'test.sleeper') => kernel.plugins.get(id);
const asleep = { state: 'suspended', reason: 'idle' };

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  const start = (packages: readonly PackageInput[] = [sleeper()], options: KernelOptions = {}) =>
    startKernel(setting, packages, { supervision: false, ...options });
  const name = setting.isolation === 'inline' ? 'inline' : `${runtime} worker`;

  describe(`${name}: hibernated`, () => {
    const wakers: readonly (readonly [
      string,
      string,
      (kernel: Kernel) => Promise<unknown>,
      unknown,
    ])[] = [
      ['a call', 'command:test.sleeper:count', (kernel) => ask(kernel, 'count'), 3],
      [
        'a call of another plugin',
        'command:test.sleeper:count',
        (kernel) => kernel.commands.execute('test.caller:ask', 'count'),
        3,
      ],
      ['a hook', 'hook:app:menu', (kernel) => kernel.hooks.collect('app:menu', 'x'), [['x', 3]]],
      [
        'a call that its middleware wraps',
        'middleware:command:test.other:*',
        (kernel) => kernel.commands.execute('test.other:hi'),
        [3, 'hi'],
      ],
      [
        'an event',
        'event:test:tick',
        async (kernel) => {
          const activated = nextEvent(kernel, 'plugin:activated');
          await kernel.events.emit('test:tick', 'x');
          await activated;
          await expect.poll(() => ask(kernel, 'ticks')).toEqual(['x']);
          return ask(kernel, 'count');
        },
        3,
      ],
    ];
    for (const [what, activatedBy, wake, answer] of wakers) {
      it(`${what} wakes it, with its state`, async () => {
        const kernel = await start([sleeper(), other, caller]);
        for (let n = 1; n <= 2; n++) expect(await ask(kernel, 'count')).toBe(n);
        const suspended = nextEvent(kernel, 'plugin:suspended');
        expect(await sleep(kernel)).toBe(true);
        expect(await suspended).toMatchObject({ id: 'test.sleeper' });
        expect(info(kernel)).toMatchObject(asleep);
        expect(kernel.plugins.explain('test.sleeper')).toMatchObject({
          running: false,
          because: expect.stringMatching(/sleeps/),
        });
        expect(kernel.commands.has('test.sleeper:count')).toBe(true);
        expect(await sleep(kernel)).toBe(true);
        expect(await wake(kernel)).toEqual(answer);
        expect(info(kernel)).toMatchObject({ state: 'active', activatedBy });
        expect(await ask(kernel, 'wakes')).toBe(1);
      });
    }

    it('events it may no longer receive do not wake it, and do again once the right is back', async () => {
      const early = pluginOf('test.early', `ctx.commands.handle('hi', () => 'hi');`, {
        ...may,
        activation: ['event:test:tick', 'hook:app:menu'],
      });
      const kernel = await startKernel(setting, [sleeper(), other, early]);
      expect(await sleep(kernel)).toBe(true);
      const rights = ['events.subscribe', 'hooks.handle', 'middleware.use'] as const;
      for (const id of ['test.sleeper', 'test.early'])
        for (const right of rights) await kernel.permissions.revoke(id, right);
      await kernel.events.emit('test:tick', 1);
      expect(await kernel.hooks.collect('app:menu', 0)).toEqual([]);
      expect(await kernel.commands.execute('test.other:hi')).toBe('hi');
      expect([info(kernel), info(kernel, 'test.early')]).toMatchObject([
        asleep,
        { state: 'resolved' },
      ]);
      for (const id of ['test.sleeper', 'test.early'])
        for (const right of rights) await kernel.permissions.grant(id, right);
      await kernel.events.emit('test:tick', 2);
      await expect.poll(() => info(kernel)?.state).toBe('active');
      expect(await ask(kernel, 'ticks')).toEqual([2]);
      await expect.poll(() => info(kernel, 'test.early')?.state).toBe('active');
    });

    it('a plugin without state wakes with initial state', async () => {
      const kernel = await start([sleeper('n: 0, ticks: [],')]);
      expect(await ask(kernel, 'count')).toBe(1);
      expect(await sleep(kernel)).toBe(true);
      expect(await ask(kernel, 'count')).toBe(1);
    });

    it('fifty calls in one turn wake it once and are answered in order', async () => {
      const kernel = await start();
      await sleep(kernel);
      const activated: unknown[] = [];
      kernel.events.on('plugin:activated', ({ payload }) => activated.push(payload));
      expect(await Promise.all(numbers(0, 50).map(() => ask(kernel, 'count')))).toEqual(
        numbers(1, 51),
      );
      expect(activated).toHaveLength(1);
    });

    it('events while it hibernates and wakes are delivered in order, each once', async () => {
      const kernel = await start([
        sleeper(stateful, `await ctx.commands.execute('host:gate').catch(() => {});`),
      ]);
      const gate = gateOf(kernel);
      await kernel.events.emit('test:tick', 0);
      await sleep(kernel);
      for (const n of numbers(1, 30)) await kernel.events.emit('test:tick', n);
      await gate.reached;
      for (const n of numbers(30, 60)) await kernel.events.emit('test:tick', n);
      gate.open();
      for (const n of numbers(60, 90)) await kernel.events.emit('test:tick', n);
      await expect.poll(async () => ((await ask(kernel, 'ticks')) as number[]).length).toBe(90);
      expect(await ask(kernel, 'ticks')).toEqual(numbers(0, 90));
    });

    it('ten rounds of hibernating and waking keep the count', async () => {
      const kernel = await start();
      for (const round of numbers(1, 11)) {
        expect(await ask(kernel, 'count')).toBe(round);
        expect(await sleep(kernel)).toBe(true);
      }
      expect(await ask(kernel, 'count')).toBe(11);
      expect(await ask(kernel, 'wakes')).toBe(10);
    });

    it('a call at any moment around hibernating is answered, once', async () => {
      const kernel = await start([sleeper(), caller]);
      let expected = 0;
      for (const round of numbers(0, 20)) {
        const sleeping = sleep(kernel);
        // Some turns and then some microtasks later.
        for (let turns = round % 6; turns > 0; turns--)
          await new Promise((resolve) => setTimeout(resolve));
        for (let tasks = Math.floor(Math.random() * 12); tasks > 0; tasks--) await null;
        const answers = [
          ask(kernel, 'count'),
          kernel.commands.execute('test.caller:ask', 'count', { timeout: 5_000 }),
        ];
        const tick = kernel.events.emit('test:tick', round);
        expect(((await Promise.all(answers)) as number[]).sort((a, b) => a - b)).toEqual([
          expected + 1,
          expected + 2,
        ]);
        expected += 2;
        await tick;
        expect(await sleeping).toBeTypeOf('boolean');
        await expect
          .poll(async () => ((await ask(kernel, 'ticks')) as number[]).length)
          .toBe(round + 1);
      }
      expect(await ask(kernel, 'ticks')).toEqual(numbers(0, 20));
      expect(await ask(kernel, 'count')).toBe(expected + 1);
    });

    it('a flood of events just before it hibernates is not lost', async () => {
      const kernel = await start();
      for (const n of numbers(0, 3_000)) void kernel.events.emit('test:tick', n);
      await sleep(kernel);
      await kernel.events.emit('test:tick', 3_000);
      await expect.poll(async () => ((await ask(kernel, 'ticks')) as number[]).length).toBe(3_001);
      expect(await ask(kernel, 'ticks')).toEqual(numbers(0, 3_001));
    });

    it('does not block plugins that need it, nor those that start', async () => {
      const needing = pluginOf(
        'test.needing',
        `ctx.commands.handle('go', () => ctx.commands.execute('test.sleeper:count'));`,
        {
          ...may,
          dependencies: { 'test.sleeper': '^1.0.0' },
        },
      );
      const kernel = await start([sleeper(), needing]);
      const since = info(kernel, 'test.needing')?.since;
      await sleep(kernel);
      expect(info(kernel, 'test.needing')).toMatchObject({ state: 'active', since });
      await kernel.plugins.deactivate('test.needing');
      await kernel.plugins.activate('test.needing');
      expect(info(kernel)).toMatchObject(asleep);
      expect(await kernel.commands.execute('test.needing:go')).toBe(1);
      expect(info(kernel)?.state).toBe('active');
    });

    it('a plugin whose provider was stopped meanwhile gives that reason when it is called', async () => {
      const kernel = await start([
        pluginOf('test.base', ''),
        sleeper(stateful, '', 'test.sleeper', { dependencies: { 'test.base': '^1.0.0' } }),
      ]);
      await ask(kernel, 'count');
      await sleep(kernel);
      await kernel.plugins.disable('test.base');
      const outcome = await Promise.race([
        rejection(ask(kernel, 'count')),
        new Promise<{ code: string }>((resolve) =>
          setTimeout(() => resolve({ code: 'still waiting' }), 5_000),
        ),
      ]);
      await kernel.plugins.enable('test.base');
      expect(outcome.code).toBe('plugin/dependency-failed');
      expect(await ask(kernel, 'count')).toBe(2);
    });

    it('a call that arrives while the former activation is being finished is answered', async () => {
      const slow = pluginOf(
        'test.slow',
        '',
        { ...may, dependencies: { 'test.sleeper': '^1.0.0' } },
        `async resume() { await this.execute('host:gate'); },`,
      );
      const code = `let ctx; export default { resume: () => ctx.commands.execute('host:gate'), activate(given) { ctx = given; } };`;
      const kernel = await start([sleeper(), { ...slow, code }]);
      const gate = gateOf(kernel);
      await kernel.plugins.deactivate('test.sleeper');
      const activating = kernel.plugins.activate('test.sleeper');
      await gate.reached;
      expect(await sleep(kernel)).toBe(true);
      const outcome = await Promise.race([
        ask(kernel, 'count'),
        new Promise((resolve) => setTimeout(() => resolve('still waiting'), 5_000)),
      ]);
      gate.open();
      await activating;
      expect(outcome).toBe(1);
    });
  });

  describe(`${name}: a busy plugin does not hibernate`, () => {
    it('a call in flight', async () => {
      const kernel = await start();
      const gate = gateOf(kernel);
      const answer = ask(kernel, 'wait');
      await gate.reached;
      expect(await sleep(kernel)).toBe(false);
      const later = ask(kernel, 'count');
      expect(await later).toBe(1);
      gate.open();
      expect(await answer).toBe(2);
      expect(await sleep(kernel)).toBe(true);
    });

    it('its own call to another plugin', async () => {
      const kernel = await start();
      const gate = gateOf(kernel);
      await ask(kernel, 'work');
      await gate.reached;
      expect(await sleep(kernel)).toBe(false);
      gate.open();
      await expect.poll(() => sleep(kernel)).toBe(true);
    });

    it('an open stream, in either direction', async () => {
      const kernel = await start();
      // Longer than what a stream sends ahead.
      const items = ((await ask(kernel, 'stream', 100_000)) as AsyncIterable<number>)[
        Symbol.asyncIterator
      ]();
      expect(await items.next()).toMatchObject({ value: 0 });
      expect(await sleep(kernel)).toBe(false);
      expect([await items.next(), await items.next()]).toMatchObject([{ value: 1 }, { value: 2 }]);
      await items.return?.();
      await expect.poll(() => sleep(kernel)).toBe(true);
      let open!: () => void;
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const sum = ask(
        kernel,
        'drink',
        (async function* () {
          yield 1;
          await opened;
          yield 2;
        })(),
      );
      await expect.poll(() => info(kernel)?.state).toBe('active');
      expect(await sleep(kernel)).toBe(false);
      open();
      expect(await sum).toBe(3);
    });

    it('one of its middlewares that waits for the rest of the chain', async () => {
      const kernel = await start();
      const gate = gateOf(kernel);
      kernel.commands.handle('test.other:late', () =>
        kernel.commands.execute('host:gate').then(() => 'late'),
      );
      const answer = kernel.commands.execute('test.other:late');
      await gate.reached;
      expect(await sleep(kernel)).toBe(false);
      gate.open();
      expect(await answer).toEqual([1, 'late']);
    });

    const unable: readonly (readonly [string, string, string])[] = [
      ['throws', `getState() { throw new Error('not now'); },`, 'plugin/hook-failed'],
      ["can't cross", `getState() { return { f() {} }; },`, 'value/invalid'],
      [
        'is larger than 16 MB',
        `getState() { return 'x'.repeat(16_100_000); },`,
        'plugin/state-too-large',
      ],
      ['never comes', `getState() { return new Promise(() => {}); },`, 'plugin/timeout'],
    ];
    for (const [what, getState, code] of unable) {
      it(`a state that ${what} keeps it active, with a typed error`, async () => {
        const kernel = await start([sleeper(`n: 0, ticks: [], ${getState}`)], {
          limits: { hook: code === 'plugin/timeout' ? 200 : 5_000 },
        });
        expect(await ask(kernel, 'count')).toBe(1);
        const sleeping = rejection(sleep(kernel));
        // A call in this turn would find it busy.
        for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setTimeout(resolve));
        const meanwhile = ask(kernel, 'count');
        await kernel.events.emit('test:tick', 1);
        const error = await sleeping;
        expect(await meanwhile).toBe(2);
        expect(info(kernel)?.state).toBe('active');
        expect(await ask(kernel, 'count')).toBe(3);
        await expect.poll(() => ask(kernel, 'ticks')).toEqual([1]);
        expect(error.code).toBe(code);
      });
    }

    it('a getState that throws leaves it active and working', async () => {
      const kernel = await start([
        sleeper(`n: 0, ticks: [], getState() { throw new Error('not now'); },`),
      ]);
      expect((await rejection(sleep(kernel))).message).toMatch(/not now/);
      expect(await ask(kernel, 'count')).toBe(1);
      expect(info(kernel)?.state).toBe('active');
    });
  });

  describe(`${name}: a wake that fails`, () => {
    /** Its second guest can't start until the host allows it. */
    const moody = sleeper(
      stateful,
      `if (await ctx.commands.execute('host:refuse').catch(() => false)) throw new Error('too early');`,
    );

    it('fails the caller, keeps the state, and is tried again with the next call', async () => {
      const kernel = await start([moody]);
      let refuse = true;
      kernel.commands.handle('refuse', () => refuse);
      for (let n = 1; n <= 2; n++) expect(await ask(kernel, 'count')).toBe(n);
      await sleep(kernel);
      const errors = await Promise.all([
        rejection(ask(kernel, 'count')),
        rejection(ask(kernel, 'count')),
      ]);
      for (const error of errors)
        expect(error).toMatchObject({
          code: 'plugin/activation-failed',
          plugin: 'test.sleeper',
          message: expect.stringMatching(/too early/),
        });
      expect(info(kernel)).toMatchObject(asleep);
      await new Promise((resolve) => setTimeout(resolve));
      expect((await rejection(ask(kernel, 'count'))).code).toBe('plugin/activation-failed');
      await new Promise((resolve) => setTimeout(resolve));
      refuse = false;
      expect(await ask(kernel, 'count')).toBe(3);
      expect(await ask(kernel, 'wakes')).toBe(1);
    });

    it('is tried again also for a caller that calls again as soon as it gets the failure', async () => {
      const kernel = await start([moody]);
      kernel.commands.handle('refuse', () => true);
      await sleep(kernel);
      const again = () =>
        rejection(kernel.commands.execute('test.sleeper:count', undefined, { timeout: 5_000 }));
      expect((await again()).code).toBe('plugin/activation-failed');
      expect((await again()).code).toBe('plugin/activation-failed');
    });

    it('keeps the events that waited, or logs that they are lost', async () => {
      const log: LogEntry[] = [];
      const kernel = await start([moody], { telemetry: { log: (entry) => log.push(entry) } });
      let refuse = true;
      kernel.commands.handle('refuse', () => refuse);
      await sleep(kernel);
      await kernel.events.emit('test:tick', 1);
      await expect
        .poll(() => log.some(({ message }) => /could not wake test\.sleeper/.test(message)))
        .toBe(true);
      refuse = false;
      await kernel.events.emit('test:tick', 2);
      await expect.poll(async () => ((await ask(kernel, 'ticks')) as unknown[]).at(-1)).toBe(2);
      const kept = ((await ask(kernel, 'ticks')) as unknown[]).includes(1);
      expect(
        kept ||
          log.some(({ message }) => /dropped|lost/.test(message)) ||
          kernel.metrics.snapshot().droppedDeliveries > 0,
      ).toBe(true);
    });

    it('because the state is refused is reported too', async () => {
      const kernel = await start([
        sleeper(
          `n: 0, ticks: [], getState() { return 1; }, restoreState() { throw new Error('strange state'); },`,
        ),
      ]);
      await sleep(kernel);
      expect(await rejection(ask(kernel, 'count'))).toMatchObject({
        code: 'plugin/activation-failed',
        message: expect.stringMatching(/strange state/),
      });
      expect(info(kernel)).toMatchObject(asleep);
      await kernel.plugins.deactivate('test.sleeper');
      await kernel.plugins.activate('test.sleeper');
      expect(await ask(kernel, 'count')).toBe(1);
    });
  });

  describe(`${name}: operations on a hibernated plugin`, () => {
    it('deactivate ends it: nothing wakes it, and it starts with initial state', async () => {
      const kernel = await start([sleeper(), other]);
      await ask(kernel, 'count');
      await sleep(kernel);
      await kernel.plugins.deactivate('test.sleeper');
      expect(info(kernel)?.state).toBe('unloaded');
      expect((await rejection(ask(kernel, 'count'))).code).toBe('plugin/unavailable');
      await kernel.events.emit('test:tick', 1);
      expect(await kernel.hooks.collect('app:menu', 1)).toEqual([]);
      // What its middleware guards waits for it, and doesn't wake it either.
      expect(
        (await rejection(kernel.commands.execute('test.other:hi', undefined, { timeout: 50 })))
          .code,
      ).toBe('middleware/unavailable');
      expect(info(kernel)?.state).toBe('unloaded');
      await kernel.plugins.activate('test.sleeper');
      expect(await ask(kernel, 'count')).toBe(1);
    });

    it('uninstall removes it; disable stops it', async () => {
      const kernel = await start();
      await sleep(kernel);
      await kernel.plugins.disable('test.sleeper');
      expect(info(kernel)).toMatchObject({ state: 'unloaded', enabled: false });
      await kernel.plugins.enable('test.sleeper');
      await expect.poll(() => info(kernel)?.state).toBe('active');
      await sleep(kernel);
      await kernel.plugins.uninstall('test.sleeper');
      expect(info(kernel)).toBeUndefined();
      expect((await rejection(ask(kernel, 'count'))).code).toBe('call/unknown-command');
      await kernel.plugins.activate(await kernel.plugins.install(packageOf(sleeper())));
      expect(await ask(kernel, 'count')).toBe(1);
    });

    it('activate and resume wake it by name, reload and update hand its state over', async () => {
      const kernel = await start();
      expect(await ask(kernel, 'count')).toBe(1);
      await sleep(kernel);
      await kernel.plugins.activate('test.sleeper');
      expect(await ask(kernel, 'count')).toBe(2);
      await sleep(kernel);
      await kernel.plugins.resume('test.sleeper');
      expect(await ask(kernel, 'count')).toBe(3);
      await sleep(kernel);
      await kernel.plugins.reload('test.sleeper');
      expect(await ask(kernel, 'count')).toBe(4);
      await sleep(kernel);
      await kernel.plugins.update(
        'test.sleeper',
        packageOf(sleeper(stateful, '', 'test.sleeper', { version: '1.1.0' })),
      );
      expect(info(kernel)).toMatchObject({ version: '1.1.0' });
      expect(await ask(kernel, 'count')).toBe(5);
    });

    it.each([
      ['its own package', '1.0.0'],
      ['another version', '1.1.0'],
    ])(
      'reload with %s keeps what arrives meanwhile, and leaves it hibernated when that fails',
      async (_, version) => {
        const kernel = await start();
        await ask(kernel, 'count');
        expect(await sleep(kernel)).toBe(true);
        const broken = sleeper(stateful, `throw new Error('broken');`, 'test.sleeper', { version });
        let loaded = nextEvent(kernel, 'plugin:loaded');
        const refused = rejection(kernel.plugins.reload('test.sleeper', packageOf(broken)));
        await loaded;
        const early = kernel.events.emit('test:tick', 1);
        expect((await refused).message).toContain('broken');
        await early;
        // The call has woken it with its state.
        await expect.poll(() => info(kernel)?.state).toBe('active');
        expect([
          info(kernel)?.version,
          await ask(kernel, 'ticks'),
          await ask(kernel, 'count'),
        ]).toEqual(['1.0.0', [1], 2]);

        expect(await sleep(kernel)).toBe(true);
        loaded = nextEvent(kernel, 'plugin:loaded');
        const fixed = sleeper(stateful, '', 'test.sleeper', { version });
        const reloaded = kernel.plugins.reload('test.sleeper', packageOf(fixed));
        await loaded;
        await kernel.events.emit('test:tick', 2);
        const counted = ask(kernel, 'count');
        await reloaded;
        expect([
          info(kernel)?.state,
          info(kernel)?.version,
          await counted,
          await ask(kernel, 'ticks'),
        ]).toEqual(['active', version, 3, [1, 2]]);
        expect(kernel.plugins.list().length).toBe(1);
      },
    );

    it('settings changed while it hibernates are applied when it wakes', async () => {
      const kernel = await start([
        sleeper(stateful, `ctx.commands.handle('setting', () => ctx.config.color);`),
      ]);
      await sleep(kernel);
      await kernel.config.set('test.sleeper', { color: 'red' });
      expect(await ask(kernel, 'setting')).toBe('red');
    });

    it('kernel.stop() ends it, also while it hibernates or wakes', async () => {
      const kernel = await start();
      await sleep(kernel);
      await kernel.stop();
      expect(info(kernel)?.state).toBe('unloaded');
      const falling = await start();
      const sleeping = sleep(falling).catch((error) => error.code);
      await falling.stop();
      await sleeping;
      expect(info(falling)?.state).toBe('unloaded');
      const waking = await start();
      await sleep(waking);
      const settled = ask(waking, 'count').then(
        () => true,
        () => true,
      );
      await waking.stop();
      expect(await settled).toBe(true);
      expect(info(waking)?.state).toBe('unloaded');
    });

    it('hibernate is refused for a plugin that is not active', async () => {
      const kernel = await start();
      await kernel.plugins.suspend('test.sleeper');
      expect((await rejection(sleep(kernel))).code).toBe('plugin/illegal-transition');
      await kernel.plugins.deactivate('test.sleeper');
      expect((await rejection(sleep(kernel))).code).toBe('plugin/illegal-transition');
      expect((await rejection(kernel.plugins.hibernate('test.unknown'))).code).toBe(
        'plugin/not-found',
      );
    });
  });

  describe(`${name}: the option hibernation`, () => {
    const idlers = (count: number, prefix = 'test.p') =>
      numbers(0, count).map((n) =>
        pluginOf(
          `${prefix}${n}`,
          `ctx.commands.handle('count', () => ++this.n);`,
          {},
          'n: 0, getState() { return this.n; }, restoreState(n) { this.n = n; },',
        ),
      );
    const sleeping = (kernel: Kernel) =>
      kernel.plugins.list({ state: 'suspended' }).map(({ id }) => id);

    it('idle: hibernates after a while without work, wakes, hibernates again; a used plugin stays active', async () => {
      const kernel = await start(
        [
          ...idlers(2),
          pluginOf('test.busy', `ctx.commands.handle('wait', () => new Promise(() => {}));`),
        ],
        { hibernation: { idle: 60 } },
      );
      const busy = rejection(
        kernel.commands.execute('test.busy:wait', undefined, { timeout: 60_000 }),
      );
      await expect.poll(() => sleeping(kernel)).toEqual(['test.p0', 'test.p1']);
      for (let n = 1; n <= 3; n++) {
        expect(await kernel.commands.execute('test.p0:count')).toBe(n);
        await expect.poll(() => sleeping(kernel)).toContain('test.p0');
      }
      expect(info(kernel, 'test.busy')?.state).toBe('active');
      await kernel.stop();
      await busy;
    });

    it('plugins: only the named ones', async () => {
      const kernel = await start([...idlers(2), ...idlers(2, 'test.q')], {
        hibernation: { idle: 40, plugins: ['test.p*', 'test.q1'] },
      });
      await expect.poll(() => sleeping(kernel)).toEqual(['test.p0', 'test.p1', 'test.q1']);
      expect(await kernel.commands.execute('test.q0:count')).toBe(1);
      expect(info(kernel, 'test.q0')).toMatchObject({ activatedBy: 'startup' });
    });

    // These check their plugins once a second.
    if (setting.isolation === 'worker') {
      it('awake: those idle longest hibernate first; memory: idle ones do over the budget, where guests can measure it', async () => {
        const kernel = await start(idlers(4), { hibernation: { awake: 2 } });
        const poor = await start(idlers(2), { hibernation: { memory: 1 } });
        const rich = await start(idlers(2), { hibernation: { memory: '100GB' } });
        await expect.poll(() => sleeping(kernel)).toHaveLength(2);
        const first = sleeping(kernel);
        for (const id of first) expect(await kernel.commands.execute(`${id}:count`)).toBe(1);
        await expect.poll(() => sleeping(kernel)).toHaveLength(2);
        for (const id of first) expect(sleeping(kernel)).not.toContain(id);
        if (runtime === 'node') await expect.poll(() => sleeping(poor)).toHaveLength(2);
        for (const n of numbers(0, 2))
          expect(await poor.commands.execute(`test.p${n}:count`)).toBe(1);
        expect(sleeping(rich)).toEqual([]);
      });
    }

    it('refuses invalid values', async () => {
      const wrong = [
        { idle: 0 },
        { idle: -1 },
        { idle: Number.NaN },
        { awake: 0 },
        { awake: 1.5 },
        { memory: 'much' },
        { plugins: 'test.*' },
        { plugins: [1] },
        { nap: 5 },
        null,
        5,
        true,
      ] as never[];
      for (const hibernation of wrong)
        expect(
          (await rejection(start([], { hibernation }))).code,
          JSON.stringify(hibernation),
        ).toBe('kernel/invalid-option');
    });

    it('a plugin whose state cannot be read is left active, and the log gives the reason', async () => {
      const log: LogEntry[] = [];
      const kernel = await start(
        [sleeper(`n: 0, ticks: [], getState() { throw new Error('not now'); },`)],
        {
          hibernation: { idle: 40 },
          telemetry: { log: (entry) => log.push(entry) },
        },
      );
      await expect
        .poll(() =>
          log.some(({ message }) => /test\.sleeper cannot sleep: .*not now/.test(message)),
        )
        .toBe(true);
      expect(await ask(kernel, 'count')).toBe(1);
    });
  });
}
