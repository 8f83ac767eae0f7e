/**
 * What every runtime host guarantees: one suite, run for inline guests and for workers of each
 * runtime.
 */
import { type Kernel, type PluginInfo, packageOf } from '@plinth/kernel';
import {
  command,
  contract,
  event,
  hook,
  PluginCancelledError,
  PluginDeclaredError,
  PluginError,
  PluginPermissionError,
  PluginTimeoutError,
  PluginUnavailableError,
  PluginValidationError,
} from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { has } from '../matrix/gaps.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

const storage = { storage: { read: true, write: true } };

export const Greeter = contract('test.greeter@1', {
  greet: command({
    input: v.object({ name: v.string() }),
    output: v.object({ text: v.string() }),
    errors: { rude: v.object({ word: v.string() }) },
  }),
  broken: command({ output: v.object({ text: v.string() }) }),
  greeted: event(v.object({ name: v.string() })),
  render: hook({ input: v.string(), output: v.string() }),
});

/** What a plugin has logged, without the output of a development server's client in its worker. */
const writtenBy = (kernel: Kernel, id: string) =>
  kernel.logger.recent(id).filter(({ message }) => !message.startsWith('[vite]'));
const linesOf = (kernel: Kernel, id: string) => writtenBy(kernel, id).map(({ message }) => message);

export function conformance(name: string, setting: Setting): void {
  const start = (
    packages: Parameters<typeof startKernel>[1],
    options?: Parameters<typeof startKernel>[2],
  ) => startKernel(setting, packages, options);
  const worker = setting.isolation !== 'inline';

  describe(`${name}: lifecycle`, () => {
    it('start() activates plugins with startup activation, dependencies first', async () => {
      const kernel = await start([
        pluginOf('test.b', '', { dependencies: { 'test.a': '^1.0.0' } }),
        pluginOf('test.a', ''),
        pluginOf('test.lazy', '', { activation: [] }),
      ]);
      expect(kernel.plugins.list().map(({ id, state }) => [id, state])).toEqual([
        ['test.b', 'active'],
        ['test.a', 'active'],
        ['test.lazy', 'resolved'],
      ]);
      expect(kernel.plugins.get('test.a')?.activatedBy).toMatch(/^(startup|need:test\.b)$/);
    });

    it('runs configure, activate and deactivate in order and disposes the scope last in first out', async () => {
      const kernel = await start([
        pluginOf(
          'test.order',
          `ctx.logger.info('activate'); ctx.defer(() => ctx.logger.info('undo 1')); ctx.defer(() => ctx.logger.info('undo 2')); ctx.signal.addEventListener('abort', () => ctx.logger.info('signal')); this.ctx = ctx;`,
          {},
          `configure(config) { this.configured = true; }, deactivate() { this.ctx.logger.info('deactivate ' + this.configured); },`,
        ),
      ]);
      await kernel.plugins.deactivate('test.order');
      expect(linesOf(kernel, 'test.order')).toEqual([
        'activate',
        'deactivate true',
        'signal',
        'undo 2',
        'undo 1',
      ]);
      expect(kernel.plugins.get('test.order')?.state).toBe('unloaded');
    });

    it('what a plugin owns is released even if its deactivate() does not end', async () => {
      const stuck = pluginOf(
        'test.stuck',
        `ctx.defer(() => ctx.logger.info('undone'));`,
        {},
        `deactivate() { return new Promise(() => {}); }, getState: () => 1,`,
      );
      const kernel = await start([stuck], { limits: { deactivate: 50 } });
      await kernel.plugins.deactivate('test.stuck');
      expect(linesOf(kernel, 'test.stuck')).toEqual(['undone']);
      expect(kernel.logger.recent().map(({ message }) => message)).toContainEqual(
        expect.stringContaining("did not finish 'deactivate' within 50 ms"),
      );
      await kernel.plugins.activate('test.stuck');
      await kernel.plugins.reload('test.stuck');
      await expect.poll(() => linesOf(kernel, 'test.stuck')).toEqual(['undone', 'undone']);
    });

    it('own() disposes by name and by symbol, also where the runtime has no such symbol', async () => {
      const kernel = await start([
        pluginOf(
          'test.owner',
          `ctx.own({ dispose() { ctx.logger.info('by name'); } }); ctx.own({ [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() { ctx.logger.info('by symbol'); } });`,
        ),
      ]);
      await kernel.plugins.deactivate('test.owner');
      expect(linesOf(kernel, 'test.owner')).toEqual(['by symbol', 'by name']);
    });

    it('deactivate() removes commands, listeners and hooks, and activate() adds them again', async () => {
      const kernel = await start([
        pluginOf(
          'test.cycle',
          `let n = 0; ctx.commands.handle('ping', () => 'pong'); ctx.hooks.handle('ask', () => 1); ctx.events.on('test.cycle:x', () => {});`,
        ),
      ]);
      for (let round = 0; round < 3; round++) {
        expect(await kernel.commands.execute('test.cycle:ping')).toBe('pong');
        expect(await kernel.hooks.collect('test.cycle:ask')).toEqual([1]);
        await kernel.plugins.deactivate('test.cycle');
        expect(kernel.commands.has('test.cycle:ping')).toBe(false);
        expect(await kernel.hooks.collect('test.cycle:ask')).toEqual([]);
        expect((await rejection(kernel.commands.execute('test.cycle:ping'))).code).toBe(
          'plugin/unavailable',
        );
        await kernel.plugins.activate('test.cycle');
      }
    });

    it('concurrent activate() calls share one run', async () => {
      const kernel = await start([
        pluginOf('test.once', `ctx.logger.info('up');`, { activation: [] }),
      ]);
      await Promise.all([1, 2, 3, 4].map(() => kernel.plugins.activate('test.once')));
      expect(linesOf(kernel, 'test.once')).toHaveLength(1);
    });

    it('a command activates the plugin that declares it', async () => {
      const kernel = await start([
        pluginOf('test.lazy', `ctx.commands.handle('hi', () => 'awake');`, {
          activation: ['command:test.lazy:hi'],
        }),
      ]);
      expect(kernel.plugins.get('test.lazy')?.state).toBe('resolved');
      expect(
        await Promise.all([
          kernel.commands.execute('test.lazy:hi'),
          kernel.commands.execute('test.lazy:hi'),
        ]),
      ).toEqual(['awake', 'awake']);
      expect(kernel.plugins.get('test.lazy')?.activatedBy).toBe('command:test.lazy:hi');
    });

    it('reload() creates a fresh guest and hands state over', async () => {
      const kernel = await start([
        pluginOf(
          'test.state',
          `ctx.commands.handle('next', () => ++this.n);`,
          {},
          `n: 0, getState() { return { n: this.n, when: new Date(5) }; }, restoreState(state, from) { if (!(state.when instanceof Date) || from !== '1.0.0') throw new Error('lost'); this.n = state.n; },`,
        ),
      ]);
      expect(await kernel.commands.execute('test.state:next')).toBe(1);
      await kernel.plugins.reload('test.state');
      expect(await kernel.commands.execute('test.state:next')).toBe(2);
    });

    it('activate() begins when restoreState() has ended, and never after it has failed', async () => {
      const kernel = await start([
        pluginOf(
          'test.state',
          `ctx.commands.handle('restored', () => this.restored); ctx.logger.info('activated after ' + this.restored);`,
          {},
          `getState() { return 1; }, async restoreState(n) { await new Promise((next) => setTimeout(next, 20)); this.restored = n; },`,
        ),
      ]);
      await kernel.plugins.reload('test.state');
      expect(await kernel.commands.execute('test.state:restored')).toBe(1);
      const broken = pluginOf(
        'test.state',
        `ctx.logger.error('activated');`,
        { version: '1.0.1' },
        `async restoreState() { await null; throw new Error('strange'); },`,
      );
      const refused = await rejection(kernel.plugins.reload('test.state', packageOf(broken)));
      expect(refused.message).toContain('strange');
      expect(linesOf(kernel, 'test.state')).toEqual([
        'activated after undefined',
        'activated after 1',
      ]);
      expect(await kernel.commands.execute('test.state:restored')).toBe(1);
    });

    it('activation includes registrations that wait behind events, and those that cannot be sent', async () => {
      const kernel = await start([
        pluginOf(
          'test.busy',
          `for (let n = 0; n < 3_000; n++) ctx.events.emit('noise', n).catch(() => {});
           ctx.events.on('secret:one', () => {});`,
        ),
        pluginOf(
          'test.odd',
          `ctx.middleware.use('command:test.odd:*', (call, next) => next(), { before: () => {} });`,
          { permissions: { middleware: { use: ['command:test.odd:*'] } } },
        ),
      ]);
      const failed = ['test.busy', 'test.odd'].map((id) => kernel.plugins.get(id)?.error?.code);
      expect(failed).toEqual(['plugin/activation-failed', 'plugin/activation-failed']);
    });

    it('activation fails with all registrations that the kernel refuses', async () => {
      const kernel = await start([
        pluginOf(
          'test.greedy',
          `ctx.events.on('secret:one', () => {}); ctx.events.on('secret:two', () => {}); ctx.commands.handle('fine', () => 1);`,
        ),
        pluginOf(
          'test.late',
          `ctx.commands.handle('subscribe', () => void ctx.events.on('secret:one', () => {}));`,
        ),
      ]);
      const { state, error } = kernel.plugins.get('test.greedy') as PluginInfo;
      expect([state, error?.code]).toEqual(['failed', 'plugin/activation-failed']);
      for (const topic of ['secret:one', 'secret:two']) expect(error?.message).toContain(topic);
      expect(kernel.commands.has('test.greedy:fine')).toBe(false);
      // Later on, the plugin goes on without it.
      await kernel.commands.execute('test.late:subscribe');
      expect(kernel.plugins.get('test.late')?.state).toBe('active');
    });

    it('reload() resumes dependants, and concurrent operations never wait for each other', async () => {
      const answering = (id: string, dependencies: Record<string, string>) =>
        pluginOf(id, `ctx.commands.handle('ping', () => '${id}');`, { dependencies });
      const kernel = await start([
        answering('test.base', {}),
        answering('test.mid', { 'test.base': '^1.0.0' }),
        answering('test.top', { 'test.mid': '^1.0.0' }),
      ]);
      const { plugins } = kernel;
      const states = () => plugins.list().map(({ state }) => state);
      await plugins.reload('test.base');
      expect(states()).toEqual(['active', 'active', 'active']);
      await Promise.all([
        plugins.reload('test.base'),
        plugins.reload('test.top'),
        plugins.reload('test.mid'),
      ]);
      expect(states()).toEqual(['active', 'active', 'active']);
      await Promise.allSettled([plugins.reload('test.top'), plugins.deactivate('test.base')]);
      await plugins.activate('test.top');
      expect(states()).toEqual(['active', 'active', 'active']);
      await Promise.allSettled([
        plugins.deactivate('test.base'),
        plugins.activate('test.top'),
        plugins.reload('test.mid'),
        plugins.deactivate('test.top'),
      ]);
      for (const [index, state] of states().entries())
        if (state === 'active' && index > 0) expect(states()[index - 1]).toBe('active');
      await plugins.activate('test.top');
      expect(await kernel.commands.execute('test.top:ping')).toBe('test.top');
    });

    it('suspend() and resume() call the plugin and keep its guest', async () => {
      const kernel = await start([
        pluginOf(
          'test.nap',
          `this.ctx = ctx;`,
          {},
          `suspend() { this.ctx.logger.info('zzz'); }, resume() { this.ctx.logger.info('up'); },`,
        ),
      ]);
      await kernel.plugins.suspend('test.nap');
      expect(kernel.plugins.get('test.nap')?.state).toBe('suspended');
      await kernel.plugins.resume('test.nap');
      expect(linesOf(kernel, 'test.nap')).toEqual(['zzz', 'up']);
      expect((await rejection(kernel.plugins.suspend('test.none'))).code).toBe('plugin/not-found');
    });

    it('a plugin that fails to activate leaves nothing behind, and its dependants give the reason', async () => {
      const kernel = await start([
        pluginOf('test.bad', `ctx.commands.handle('left', () => 1); throw new Error('no disk');`),
        pluginOf('test.top', '', { dependencies: { 'test.bad': '*' } }),
        pluginOf('test.fine', `ctx.commands.handle('ok', () => true);`),
      ]);
      expect(kernel.commands.has('test.bad:left')).toBe(false);
      const bad = kernel.plugins.explain('test.bad');
      expect(bad).toMatchObject({
        state: 'failed',
        running: false,
        error: { code: 'plugin/activation-failed' },
      });
      expect(bad.because).toContain('no disk');
      expect(kernel.plugins.explain('test.top')).toMatchObject({
        path: ['test.top', 'test.bad'],
        error: { code: 'plugin/dependency-failed' },
      });
      expect(await kernel.commands.execute('test.fine:ok')).toBe(true);
    });

    it('install() and uninstall() work on a running kernel', async () => {
      const kernel = await start([]);
      const { packageOf } = await import('@plinth/kernel');
      const id = await kernel.plugins.install(
        packageOf(pluginOf('test.late', `ctx.commands.handle('hi', () => 'late');`)),
      );
      await kernel.plugins.activate(id);
      expect(await kernel.commands.execute('test.late:hi')).toBe('late');
      await kernel.plugins.uninstall(id);
      expect(kernel.plugins.get(id)).toBeUndefined();
      expect((await rejection(kernel.commands.execute('test.late:hi'))).code).toBe(
        'call/unknown-command',
      );
    });

    it('a class with the same members is a plugin', async () => {
      const kernel = await start([
        bundleOf(
          'test.class',
          `export default class { greeting = 'hello'; activate(ctx) { ctx.commands.handle('greet', () => this.greeting); } }`,
        ),
      ]);
      expect(await kernel.commands.execute('test.class:greet')).toBe('hello');
    });
  });

  describe(`${name}: commands`, () => {
    it('execute() answers, and handlers receive the facts of the call', async () => {
      const kernel = await start([
        pluginOf(
          'test.who',
          `ctx.commands.handle('who', (_, call) => ({ caller: call.caller, user: call.user, tenant: call.tenant, id: typeof call.requestId, left: call.deadline - Date.now() }));`,
        ),
        pluginOf(
          'test.asks',
          `ctx.commands.handle('ask', () => ctx.commands.execute('test.who:who'));`,
          {
            version: '2.1.0',
            permissions: { commands: { execute: ['test.who:*'] } },
          },
        ),
      ]);
      const direct = (await kernel.commands.execute('test.who:who', undefined, {
        user: 'u1',
        timeout: 5_000,
      })) as { left: number };
      expect(direct).toMatchObject({
        caller: { kind: 'host', id: 'host' },
        user: 'u1',
        tenant: 'tenant-0',
        id: 'string',
      });
      expect(direct.left).toBeGreaterThan(0);
      expect(direct.left).toBeLessThanOrEqual(5_000);
      expect(await kernel.commands.execute('test.asks:ask')).toMatchObject({
        caller: { kind: 'plugin', id: 'test.asks', version: '2.1.0' },
      });
    });

    it('calls of one caller arrive in the order sent', async () => {
      const kernel = await start([
        pluginOf(
          'test.seq',
          `const seen = []; ctx.commands.handle('push', (n) => { seen.push(n); }); ctx.commands.handle('seen', () => seen);`,
        ),
      ]);
      await Promise.all(
        Array.from({ length: 3_000 }, (_, n) => kernel.commands.execute('test.seq:push', n)),
      );
      expect(await kernel.commands.execute('test.seq:seen')).toEqual(
        Array.from({ length: 3_000 }, (_, n) => n),
      );
    });

    it('a client is typed, validated on both sides, and errors name the side at fault', async () => {
      const kernel = await start([greeterPlugin()]);
      const greeter = kernel.client(Greeter);
      expect(await greeter.greet({ name: 'Ada' })).toEqual({ text: 'hello Ada' });
      const wrong = await rejection(greeter.greet({ name: 5 as never }));
      expect(wrong).toBeInstanceOf(PluginValidationError);
      expect(wrong).toMatchObject({
        code: 'call/invalid-input',
        details: { side: 'caller', issues: [{ path: 'name' }] },
      });
      const output = await rejection(greeter.broken());
      expect(output).toMatchObject({ code: 'call/invalid-output', details: { side: 'provider' } });
    });

    it('declared errors arrive typed, undeclared ones are refused', async () => {
      const kernel = await start([greeterPlugin()]);
      const declared = await rejection(kernel.client(Greeter).greet({ name: 'rude' }));
      expect(declared).toBeInstanceOf(PluginDeclaredError);
      expect(declared).toMatchObject({ code: 'rude', data: { word: 'rude' } });
      expect((await rejection(kernel.client(Greeter).greet({ name: 'undeclared' }))).code).toBe(
        'call/undeclared-error',
      );
    });

    it("a declared error's data is checked where it is raised, by a plugin and by the host", async () => {
      const code = `
        const word = { '~standard': { version: 1, vendor: 'test', validate: (value) => (typeof value?.word === 'string' ? { value } : { issues: [{ message: 'not a text', path: ['word'] }] }) } };
        const Strict = { $id: 'test.strict@1', say: { kind: 'command', id: 'test.strict:say', errors: { rude: word }, idempotent: false } };
        ctx.provide(Strict, { say: (name, call) => call.fail(name, { word: 5 }) });`;
      const kernel = await start([pluginOf('test.strict', code, { provides: ['test.strict@1'] })]);
      const Own = contract('test.own@1', {
        say: command({ errors: { rude: v.object({ word: v.string() }) } }),
      });
      kernel.provide(Own, { say: (name, call) => call.fail(name as 'rude', { word: 5 as never }) });
      for (const id of ['test.strict:say', 'test.own:say']) {
        expect(await rejection(kernel.commands.execute(id, 'rude'))).toMatchObject({
          name: 'PluginValidationError',
          code: 'call/invalid-output',
          message: expect.stringContaining(
            `the error 'rude' of ${id} is not valid, the provider is at fault: word`,
          ),
          details: {
            command: id,
            side: 'provider',
            issues: [expect.objectContaining({ path: 'word' })],
          },
        });
        for (const name of ['other', 'constructor', '__proto__'])
          expect((await rejection(kernel.commands.execute(id, name))).code, name).toBe(
            'call/undeclared-error',
          );
      }
    });

    it('a plugin sees the same executable commands as the host, including those of plugins not started yet', async () => {
      const kernel = await start([
        pluginOf('test.lazy', `ctx.commands.handle('run', () => 1);`, {
          activation: ['command:test.lazy:run'],
          contributes: {
            commands: [{ id: 'run', title: 'Run', tags: ['go'], input: { type: 'string' } }],
          },
        }),
        pluginOf('test.hidden', `ctx.commands.handle('run', () => 1);`, {
          contributes: { commands: [{ id: 'run', title: 'Hidden' }] },
        }),
        pluginOf('test.menu', `ctx.commands.handle('list', () => ctx.commands.list());`, {
          permissions: { commands: { execute: ['test.lazy:*'] } },
        }),
      ]);
      const listed = kernel.commands.list();
      expect(await kernel.commands.execute('test.menu:list')).toEqual(
        listed.filter(({ plugin }) => plugin !== 'test.hidden'),
      );
      expect(listed[1]).toEqual({
        id: 'test.lazy:run',
        plugin: 'test.lazy',
        active: false,
        title: 'Run',
        tags: ['go'],
        input: { type: 'string' },
      });
      expect([
        kernel.commands.has('test.lazy:run'),
        kernel.commands.has('test.lazy:other'),
      ]).toEqual([true, false]);
      expect(await kernel.commands.execute('test.lazy:run', 'now')).toBe(1);
    });

    it('errors keep class, code, details, causes and members; the kernel sets the plugin at fault', async () => {
      const kernel = await start([
        pluginOf(
          'test.err',
          `ctx.commands.handle('native', () => { throw Object.assign(new TypeError('bad', { cause: new RangeError('deep') }), { code: 'E42', details: { at: 1 } }); });
           ctx.commands.handle('many', () => { throw new AggregateError([new TypeError('a'), new Error('b')], 'both'); });
           ctx.commands.handle('plain', () => { throw { not: 'an error' }; });
           ctx.commands.handle('getter', () => { throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } }); });`,
        ),
      ]);
      const native = await rejection(kernel.commands.execute('test.err:native'));
      expect(native).toBeInstanceOf(TypeError);
      expect(native).toMatchObject({ message: 'bad', code: 'E42', details: { at: 1 } });
      expect(native.cause).toBeInstanceOf(RangeError);
      const many = (await rejection(kernel.commands.execute('test.err:many'))) as AggregateError;
      expect(many).toBeInstanceOf(AggregateError);
      expect(many.errors.map((error: Error) => [error.constructor, error.message])).toEqual([
        [TypeError, 'a'],
        [Error, 'b'],
      ]);
      const plain = await rejection(kernel.commands.execute('test.err:plain'));
      expect(plain).toBeInstanceOf(PluginError);
      expect(plain).toMatchObject({
        code: 'call/failed',
        details: { thrown: { not: 'an error' } },
      });
      expect(await rejection(kernel.commands.execute('test.err:getter'))).toBeInstanceOf(Error);
    });

    it('unknown, duplicate and foreign commands are typed errors', async () => {
      const kernel = await start([
        pluginOf('test.known', `ctx.commands.handle('hello', () => 1);`),
        pluginOf(
          'test.twice',
          `ctx.commands.handle('x', () => 1); ctx.commands.handle('x', () => 2);`,
        ),
        pluginOf('test.thief', `ctx.commands.handle('test.known:steal', () => 1);`),
      ]);
      const unknown = await rejection(kernel.commands.execute('test.known:helo'));
      expect(unknown).toBeInstanceOf(PluginUnavailableError);
      expect(unknown).toMatchObject({ code: 'call/unknown-command' });
      expect(unknown.message).toContain("did you mean 'test.known:hello'");
      expect(kernel.plugins.explain('test.twice').because).toContain('has registered it already');
      expect(kernel.plugins.explain('test.thief').because).toContain('live under its own id');
      expect(kernel.commands.has('test.known:steal')).toBe(false);
    });

    it('a time-out settles the call and aborts the handler', async () => {
      const kernel = await start([hangingPlugin()]);
      const aborted = nextEvent(kernel, 'test.hang:aborted');
      const error = await rejection(
        kernel.commands.execute('test.hang:hang', undefined, { timeout: 50 }),
      );
      expect(error).toBeInstanceOf(PluginTimeoutError);
      expect(error).toMatchObject({ code: 'call/timeout', plugin: 'test.hang' });
      expect(await aborted).toMatchObject({ code: 'call/timeout' });
      expect(
        (await rejection(kernel.commands.execute('test.hang:hang', undefined, { timeout: -1 })))
          .code,
      ).toBe('call/invalid-option');
    });

    it('cancelling settles the call at once and aborts every handler below it', async () => {
      const kernel = await start([
        hangingPlugin(),
        pluginOf(
          'test.middle',
          `ctx.commands.handle('hang', (_, call) => ctx.commands.execute('test.hang:hang', undefined, { signal: call.signal }));`,
          {
            permissions: { commands: { execute: ['test.hang:hang'] } },
          },
        ),
      ]);
      const aborted = nextEvent(kernel, 'test.hang:aborted');
      const entered = nextEvent(kernel, 'test.hang:entered');
      const controller = new AbortController();
      const call = rejection(
        kernel.commands.execute('test.middle:hang', undefined, { signal: controller.signal }),
      );
      await entered;
      controller.abort(new Error('enough'));
      const error = await call;
      expect(error).toBeInstanceOf(PluginCancelledError);
      expect(error.cause).toMatchObject({ message: 'enough' });
      await aborted;
      expect(
        (
          await rejection(
            kernel.commands.execute('test.hang:hang', undefined, { signal: AbortSignal.abort() }),
          )
        ).code,
      ).toBe('call/cancelled');
    });

    it('progress reaches the caller in order', async () => {
      const kernel = await start([
        pluginOf(
          'test.steps',
          `ctx.commands.handle('work', async (_, call) => { for (const n of [1, 2, 3]) { call.progress({ n }); await 0; } return 'done'; });`,
        ),
      ]);
      const seen: unknown[] = [];
      expect(
        await kernel.commands.execute('test.steps:work', undefined, {
          onProgress: (value) => seen.push(value),
        }),
      ).toBe('done');
      expect(seen).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    });

    it('an unreadable answer or a throwing progress listener fails only its call', async () => {
      const kernel = await start([
        pluginOf(
          'test.getter',
          `const bad = () => ({ get a() { throw new RangeError('getter'); } });
           ctx.commands.handle('sync', () => bad()); ctx.commands.handle('async', async () => bad());
           ctx.commands.handle('steps', async (_, call) => { for (let n = 0; n < 40; n++) call.progress(n); return 'done'; });`,
        ),
      ]);
      for (const command of ['sync', 'async'])
        expect(
          (await rejection(kernel.commands.execute(`test.getter:${command}`))).message,
        ).toContain('getter');
      const throwing = () => {
        throw new Error('listener');
      };
      expect(
        await kernel.commands.execute('test.getter:steps', undefined, { onProgress: throwing }),
      ).toBe('done');
      expect((await kernel.plugins.health('test.getter')).refused).toBe(0);
    });

    it('the host is a provider too', async () => {
      const kernel = await start([
        pluginOf(
          'test.uses',
          `ctx.commands.handle('go', () => ctx.commands.execute('host:add', { a: 2, b: 3 }));`,
          { permissions: { commands: { execute: ['host:add'] } } },
        ),
      ]);
      using added = kernel.commands.handle('add', (input, call) => ({
        sum: (input as { a: number; b: number }).a + (input as { b: number }).b,
        by: call.caller.id,
      }));
      expect(await kernel.commands.execute('test.uses:go')).toEqual({ sum: 5, by: 'test.uses' });
      added.dispose();
      expect(kernel.commands.has('host:add')).toBe(false);
    });
  });

  describe(`${name}: contracts of the manifest`, () => {
    const { manifest, code } = greeterPlugin();
    const warnings = (kernel: Kernel) =>
      kernel.logger.recent().flatMap(({ level, message }) => (level === 'warn' ? [message] : []));

    it('code that provides another version than its manifest says is not loaded', async () => {
      const kernel = await start([
        { manifest: { ...manifest, provides: ['test.greeter@2'] }, code },
      ]);
      expect(kernel.plugins.get('test.greeter')).toMatchObject({
        state: 'failed',
        error: { code: 'plugin/load-failed' },
      });
      expect(kernel.plugins.get('test.greeter')?.error?.message).toContain(
        "its manifest provides 'test.greeter@2', its code 'test.greeter@1'",
      );
    });

    it('a promised contract without handlers is reported; with handlers registered by id it is not', async () => {
      const kernel = await start([
        greeterPlugin(),
        pluginOf('test.none', '', { provides: ['test.none@1', 'plinth.health-check@1'] }),
        pluginOf('test.hand', `ctx.commands.handle('x', () => 1);`, { provides: ['test.hand@1'] }),
      ]);
      expect(warnings(kernel)).toEqual([
        "test.none lists 'test.none@1' in 'provides' of its manifest, and answers nothing of it",
        "test.none lists 'plinth.health-check@1' in 'provides' of its manifest, and answers nothing of it",
      ]);
    });
  });

  describe(`${name}: values`, () => {
    const round: readonly (readonly [string, unknown])[] = [
      ['null', null],
      ['undefined', undefined],
      ['booleans', [true, false]],
      [
        'numbers',
        [
          0,
          -0,
          1.5,
          Number.NaN,
          Number.POSITIVE_INFINITY,
          Number.NEGATIVE_INFINITY,
          Number.MAX_SAFE_INTEGER,
        ],
      ],
      ['bigint', 12_345_678_901_234_567_890n],
      ['strings', ['', 'ä€😀', '\0', '\ud800']],
      ['nested plain objects', { a: { b: [{ c: undefined }] } }],
      ['Date', new Date(86_400_000)],
      [
        'Map',
        new Map<unknown, unknown>([
          ['k', { v: 1 }],
          [2, new Set([3])],
        ]),
      ],
      ['Set', new Set(['a', 'b'])],
      ['RegExp', /a+b/gi],
      ['ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
      [
        'typed arrays',
        [
          new Uint8Array([255]),
          new Float64Array([1.5]),
          new BigInt64Array([5n]),
          new DataView(new ArrayBuffer(2)),
        ],
      ],
      ['a slice of a buffer', new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
      ...('Float16Array' in globalThis
        ? ([
            ['a Float16Array', new Float16Array([1.5, -2])],
            ['a slice of a Float16Array', new Float16Array([1, 2.5, 3]).subarray(1, 2)],
          ] as const)
        : []),
    ];
    it('are transferred unchanged in both directions', async () => {
      const kernel = await start([echoPlugin()]);
      for (const [what, value] of round)
        expect(await kernel.commands.execute('test.echo:echo', value), what).toEqual(value);
      expect(Object.is(await kernel.commands.execute('test.echo:echo', -0), -0)).toBe(true);
    });

    it('of thirty thousand rows work like one row, and so does the documented depth', async () => {
      const kernel = await start([echoPlugin()]);
      const rows = Array.from({ length: 30_000 }, (_, id) => ({
        id,
        name: `row ${id}`,
        on: id % 2 === 0,
        tags: ['a', 'b'],
      }));
      expect(await kernel.commands.execute('test.echo:echo', rows)).toEqual(rows);
      expect(await kernel.commands.execute('test.echo:echo', deep(100))).toEqual(deep(100));
    });

    it('have the bounds that the application sets, in both directions and in storage, and other calls go on', async () => {
      const storing = pluginOf(
        'test.store',
        `ctx.commands.handle('keep', async (value) => { await ctx.storage.set('v', value); return (await ctx.storage.get('v')).length; });
         ctx.commands.handle('make', (length) => 'x'.repeat(length)); ctx.commands.handle('shown', (value) => ctx.events.emit('went', value));`,
        { permissions: { storage: { read: true, write: true } } },
      );
      const kernel = await start([echoPlugin(), storing], {
        limits: { value: { bytes: '100kB', depth: 5 } },
      });
      const call = (id: string, input: unknown) => kernel.commands.execute(id, input);
      // A string counts two bytes per character.
      for (const id of ['test.echo:echo', 'test.store:keep', 'test.store:shown']) {
        expect(await rejection(call(id, 'x'.repeat(50_000))), id).toMatchObject({
          code: 'value/invalid',
          message: expect.stringContaining('limits.value'),
        });
        await call(id, 'x'.repeat(49_000));
      }
      expect(await rejection(call('test.store:make', 50_000))).toMatchObject({
        code: 'value/invalid',
      });
      expect(await call('test.store:make', 49_000)).toHaveLength(49_000);
      expect(await rejection(kernel.events.emit('went', 'x'.repeat(50_000)))).toMatchObject({
        code: 'value/invalid',
      });
      expect(await rejection(call('test.echo:echo', deep(6)))).toMatchObject({
        code: 'value/invalid',
      });
      expect(await call('test.echo:echo', deep(5))).toEqual(deep(5));
      for (let n = 0; n < 8; n++)
        expect(
          await rejection(
            call('test.echo:echo', {
              a: 'x'.repeat(16_000),
              b: 'y'.repeat(16_000),
              c: 'z'.repeat(16_000),
              n: 'x'.repeat(3_000),
            }),
          ),
        ).toMatchObject({
          code: 'value/invalid',
        });
      expect(await call('test.echo:echo', 'fine')).toBe('fine');
    });

    it('are as large as the application allows', async () => {
      const echo = echoPlugin();
      const kernel = await start(
        [{ ...echo, manifest: { ...echo.manifest, resources: { memory: '1GB' } } }],
        { limits: { value: '300MiB' }, supervision: false },
      );
      if (await has('typed-arrays')) {
        const large = new Uint8Array(110_000_000).fill(7);
        const answer = (await kernel.commands.execute('test.echo:echo', large, {
          timeout: 120_000,
        })) as Uint8Array;
        expect([answer.length, answer[0], answer.at(-1)]).toEqual([large.length, 7, 7]);
      }
      const text = 'ä'.repeat(40_000_000);
      expect(
        (await kernel.commands.execute('test.echo:echo', text, { timeout: 120_000 })) === text,
      ).toBe(true);
    }, 240_000);

    it('may be plain objects of any origin', async () => {
      function Query() {}
      Query.prototype = Object.create(null);
      function Named() {}
      Named.prototype = Object.create(null, { constructor: { value: Named } });
      const kernel = await start([echoPlugin()]);
      for (const Class of [Query, Named] as unknown as (new () => Record<string, unknown>)[]) {
        const query = Object.assign(new Class(), {
          page: '1',
          deep: Object.assign(new Class(), { a: [1] }),
        });
        const answer = (await kernel.commands.execute('test.echo:echo', { query })) as {
          query: object;
        };
        expect(answer.query).toEqual({ page: '1', deep: { a: [1] } });
        expect(Object.getPrototypeOf(answer.query)).toBe(Object.prototype);
      }
      const inherits = Object.create(
        Object.create(null, { secret: { value: 1, enumerable: true } }),
      ) as object;
      expect(await rejection(kernel.commands.execute('test.echo:echo', inherits))).toMatchObject({
        code: 'value/invalid',
      });
    });

    it('that are errors have no stack of the code that rebuilt them', async () => {
      const kernel = await start([
        echoPlugin(),
        pluginOf(
          'test.fails',
          `ctx.commands.handle('make', function madeHere() { return { list: [new RangeError('r', { cause: new Error('c') })] }; });`,
        ),
      ]);
      const { list } = (await kernel.commands.execute('test.fails:make')) as { list: [Error] };
      for (const error of [list[0], list[0].cause as Error])
        expect(error.stack).not.toMatch(/wire-error|errorFromWire|rebuild|instantiate|decode/);
      // Only V8 begins a stack with the error's own line.
      expect(list[0].stack).toMatch(/RangeError: r|madeHere/);
      // The copy that another plugin gets has no stack.
      const told = (await kernel.commands.execute('test.echo:echo', list[0])) as Error;
      expect(told.stack).toContain('RangeError: r');
      expect(told.stack).not.toContain('madeHere');
    });

    it('carry errors with their class and code', async () => {
      const kernel = await start([echoPlugin()]);
      const value = (await kernel.commands.execute('test.echo:echo', {
        list: [Object.assign(new TypeError('t'), { code: 'C' })],
      })) as { list: [Error & { code: string }] };
      expect(value.list[0]).toBeInstanceOf(TypeError);
      expect(value.list[0].code).toBe('C');
    });

    class Point {
      x = 1;
    }
    const holey = [1, 2, 3];
    delete holey[1];
    const shared = { s: 1 };
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const refused: readonly (readonly [string, unknown, string])[] = [
      ['a function', { a: [() => 1] }, 'a.0'],
      ['a symbol', { s: Symbol('x') }, 's'],
      ['a class instance', { p: new Point() }, 'p'],
      ['a cycle', cycle, 'self'],
      ['a shared reference', { a: shared, b: shared }, 'b'],
      ['a hole', { h: holey }, 'h.1'],
      ['a promise', { p: Promise.resolve(1) }, 'p'],
      ['a weak map', new WeakMap(), ''],
      ['too deep', deep(101), ''],
      ['__proto__', JSON.parse('{"a":{"__proto__":1}}'), 'a.__proto__'],
    ];
    it('refuse everything else on the sending side, with the path, without affecting others', async () => {
      const kernel = await start([echoPlugin()]);
      for (const [what, value, path] of refused) {
        const [error, neighbour] = await Promise.all([
          rejection(kernel.commands.execute('test.echo:echo', value)),
          kernel.commands.execute('test.echo:echo', 'fine'),
        ]);
        expect(error, what).toBeInstanceOf(PluginValidationError);
        expect(error, what).toMatchObject({ code: 'value/invalid' });
        if (path !== '') expect(error.details?.path, what).toBe(path);
        expect(neighbour).toBe('fine');
      }
      for (const bad of ['function', 'symbol', 'instance', 'cycle']) {
        expect((await rejection(kernel.commands.execute('test.echo:bad', bad))).code, bad).toBe(
          'value/invalid',
        );
      }
    });

    it('are copies: neither side sees later changes of the other', async () => {
      const kernel = await start([
        pluginOf(
          'test.keep',
          `let kept; ctx.commands.handle('keep', (value) => { kept = value; value.changed = true; return value; }); ctx.commands.handle('kept', () => kept);`,
        ),
      ]);
      const mine = { list: [1] };
      const answer = (await kernel.commands.execute('test.keep:keep', mine)) as { list: number[] };
      expect(mine).toEqual({ list: [1] });
      answer.list.push(2);
      mine.list.push(3);
      expect(await kernel.commands.execute('test.keep:kept')).toEqual({ list: [1], changed: true });
    });
  });

  describe(`${name}: events`, () => {
    it('are delivered to listeners of the topic and of patterns, in order, with their source', async () => {
      const kernel = await start([
        pluginOf(
          'test.emits',
          `ctx.commands.handle('go', async () => { for (let n = 0; n < 50; n++) await ctx.events.emit('tick', n); });`,
        ),
        pluginOf(
          'test.hears',
          `const seen = []; ctx.events.on('test.emits:*', (e) => { seen.push([e.payload, e.topic, e.source, e.tenant]); if (seen.length === 50) ctx.events.emit('full', seen); });`,
          { permissions: { events: { subscribe: ['test.emits:*'] } } },
        ),
      ]);
      const full = nextEvent<unknown[]>(kernel, 'test.hears:full');
      await kernel.commands.execute('test.emits:go');
      expect(await full).toEqual(
        Array.from({ length: 50 }, (_, n) => [n, 'test.emits:tick', 'test.emits', 'tenant-0']),
      );
    });

    it('of a contract are parsed by the emitter and by the receiver', async () => {
      const kernel = await start([greeterPlugin()]);
      const heard = new Promise((resolve) =>
        kernel.events.on(Greeter.greeted, (payload, info) => resolve([payload, info.source])),
      );
      await kernel.client(Greeter).greet({ name: 'Bo' });
      expect(await heard).toEqual([{ name: 'Bo' }, 'test.greeter']);
      expect(
        (await rejection(kernel.events.emit(Greeter.greeted, { name: 1 as never }))).code,
      ).toBe('event/invalid');
    });

    it('a listener that throws affects no other listener', async () => {
      const kernel = await start([
        pluginOf(
          'test.throws',
          `ctx.events.on('user:*', () => { throw new Error('listener'); }); ctx.events.on('user:*', async (e) => { await ctx.events.emit('heard', e.topic); });`,
          { permissions: { events: { subscribe: ['user:*'] } } },
        ),
      ]);
      kernel.events.on('user:*', () => {
        throw new Error('host listener');
      });
      const heard = nextEvent(kernel, 'test.throws:heard');
      await kernel.events.emit('user:login', { id: 1 });
      expect(await heard).toBe('user:login');
      expect(
        kernel.logger.recent('test.throws').some((entry) => entry.message.includes('listener')),
      ).toBe(true);
    });

    it('once() hears one event, dispose() ends a subscription', async () => {
      const kernel = await start([]);
      let ones = 0;
      let all = 0;
      kernel.events.once('user:a', () => ones++);
      const registration = kernel.events.on('user:a', () => all++);
      await kernel.events.emit('user:a');
      await kernel.events.emit('user:a');
      registration.dispose();
      registration.dispose();
      await kernel.events.emit('user:a');
      expect([ones, all]).toEqual([1, 2]);
    });

    it("the kernel's own topics cannot be emitted by others", async () => {
      const kernel = await start([
        pluginOf(
          'test.forger',
          `ctx.commands.handle('go', () => ctx.events.emit('plugin:activated', {}));`,
          { permissions: { events: { emit: ['*'] } } },
        ),
      ]);
      expect((await rejection(kernel.commands.execute('test.forger:go'))).code).toBe(
        'permission/denied',
      );
      expect((await rejection(kernel.events.emit('plugin:activated'))).code).toBe(
        'permission/denied',
      );
      expect((await rejection(kernel.events.emit('not a topic:x'))).code).toBe('event/invalid');
    });
  });

  describe(`${name}: hooks and middleware`, () => {
    it('collect, first and waterfall ask every handler; a failing one is left out', async () => {
      const handler = (id: string, body: string) =>
        pluginOf(id, `ctx.hooks.handle('test.host:shape', ${body});`, {
          permissions: { hooks: { handle: ['test.host:shape'] } },
        });
      const kernel = await start([
        handler('test.h1', '(x) => x + 1'),
        handler('test.h2', '() => { throw new Error("no"); }'),
        handler('test.h3', 'async (x) => x * 10'),
      ]);
      expect(await kernel.hooks.collect('test.host:shape', 1)).toEqual([2, 10]);
      expect(await kernel.hooks.first('test.host:shape', 1)).toBe(2);
      expect(await kernel.hooks.waterfall('test.host:shape', 1)).toBe(20);
      expect(await kernel.hooks.collect('test.host:unhandled')).toEqual([]);
      expect(await kernel.hooks.waterfall('test.host:unhandled', 'same')).toBe('same');
    });

    it('hooks of a contract are provided and called typed', async () => {
      const kernel = await start([greeterPlugin()]);
      expect(await kernel.hooks.collect(Greeter.render, ' x ')).toEqual(['x']);
    });

    it('middleware of the host and of plugins wraps commands in order and may change input and output', async () => {
      const kernel = await start([
        echoPlugin(),
        pluginOf(
          'test.wrap',
          `ctx.middleware.use('command:test.echo:*', async (call, next) => 'p(' + (await next(call.input + '!')) + ')');`,
          {
            permissions: { middleware: { use: ['command:test.echo:*'] } },
          },
        ),
      ]);
      kernel.middleware.use(
        'command:test.echo:echo',
        async (call, next) => `h(${await next(`${call.input as string}?`)})`,
      );
      expect(await kernel.commands.execute('test.echo:echo', 'x')).toBe('h(p(x?!))');
    });

    it('middleware may answer itself, keep the input, and fail the call; a second next() is an error that names it', async () => {
      const kernel = await start([
        echoPlugin(),
        pluginOf(
          'test.mid',
          `ctx.middleware.use('command:test.echo:echo', async (call, next) => {
            if (call.input === 'own') return 'mine';
            if (call.input === 'throw') throw new RangeError('stopped');
            if (call.input === 'twice') { await next(); return next(); }
            return next();
          });`,
          { permissions: { middleware: { use: ['command:test.echo:*'] } } },
        ),
      ]);
      expect(await kernel.commands.execute('test.echo:echo', 'own')).toBe('mine');
      expect(await kernel.commands.execute('test.echo:echo', 'kept')).toBe('kept');
      expect(await rejection(kernel.commands.execute('test.echo:echo', 'throw'))).toBeInstanceOf(
        RangeError,
      );
      const twice = await rejection(kernel.commands.execute('test.echo:echo', 'twice'));
      expect(twice).toMatchObject({ code: 'middleware/next-twice', plugin: 'test.mid' });
    });

    it('middleware around events may change or withhold them', async () => {
      const kernel = await start([
        pluginOf(
          'test.filter',
          `ctx.middleware.use('event:user:*', (call, next) => (call.input.secret ? undefined : next({ ...call.input, by: call.caller.id })));`,
          {
            permissions: { middleware: { use: ['event:user:*'] } },
          },
        ),
      ]);
      const seen: unknown[] = [];
      kernel.events.on('user:*', (event) => seen.push(event.payload));
      await kernel.events.emit('user:a', { secret: true });
      await kernel.events.emit('user:a', { n: 1 });
      expect(seen).toEqual([{ n: 1, by: 'host' }]);
    });

    it('nothing starts for a call that has ended', async () => {
      const kernel = await start([
        pluginOf('test.late', `ctx.commands.handle('run', () => ctx.logger.info('ran'));`),
      ]);
      const { promise: passed, resolve } = Promise.withResolvers<void>();
      kernel.middleware.use('command:test.late:*', async (call, next) => {
        await new Promise((done) => call.signal.addEventListener('abort', done));
        await next().catch(() => {});
        resolve();
      });
      expect(
        (await rejection(kernel.commands.execute('test.late:run', undefined, { timeout: 30 })))
          .code,
      ).toBe('call/timeout');
      await passed;
      expect(linesOf(kernel, 'test.late')).toEqual([]);
    });

    it('cancelling a hook call reaches every running handler', async () => {
      const hanging = (id: string) =>
        pluginOf(
          id,
          `ctx.hooks.handle('test.host:wait', (_, call) => new Promise((_, no) => { ctx.events.emit('entered'); call.signal.addEventListener('abort', () => { ctx.events.emit('aborted'); no(new Error('stop')); }); }));`,
          {
            permissions: { hooks: { handle: ['test.host:*'] } },
          },
        );
      const kernel = await start([
        hanging('test.w1'),
        hanging('test.w2'),
        pluginOf(
          'test.asker',
          `ctx.commands.handle('ask', (_, call) => ctx.hooks.collect('test.host:wait', 1, { signal: call.signal }));`,
          {
            permissions: { hooks: { call: ['test.host:*'] } },
          },
        ),
      ]);
      const topics = (what: string) =>
        Promise.all(['test.w1', 'test.w2'].map((id) => nextEvent(kernel, `${id}:${what}`)));
      const entered = topics('entered');
      const aborted = topics('aborted');
      const controller = new AbortController();
      const call = rejection(
        kernel.commands.execute('test.asker:ask', undefined, { signal: controller.signal }),
      );
      await entered;
      controller.abort();
      expect((await call).code).toBe('call/cancelled');
      await aborted;
    });

    it('middleware that hangs ends with the call', async () => {
      const kernel = await start([
        echoPlugin(),
        pluginOf(
          'test.stuck',
          `ctx.middleware.use('command:test.echo:*', () => new Promise(() => {}));`,
          { permissions: { middleware: { use: ['command:*'] } } },
        ),
      ]);
      expect(
        (await rejection(kernel.commands.execute('test.echo:echo', 1, { timeout: 40 }))).code,
      ).toBe('call/timeout');
      await kernel.plugins.disable('test.stuck', { drain: 0 });
      expect(await kernel.commands.execute('test.echo:echo', 1)).toBe(1);
    });
  });

  describe(`${name}: permissions`, () => {
    it('a permission that the manifest does not ask for is denied by the kernel, by name, and announced', async () => {
      const kernel = await start([
        echoPlugin(),
        pluginOf(
          'test.bare',
          `const tries = {
             execute: () => ctx.commands.execute('test.echo:echo', 1), emit: () => ctx.events.emit('test.echo:fake', 1), get: () => ctx.storage.get('k'), set: () => ctx.storage.set('k', 1),
             keys: () => ctx.storage.keys(), update: () => ctx.storage.update('k', () => 1), collect: () => ctx.hooks.collect('test.echo:h', 1) };
           ctx.commands.handle('try', (what) => tries[what]());
           ctx.commands.handle('has', () => ctx.permissions.has('storage.read'));`,
        ),
      ]);
      const denied: unknown[] = [];
      kernel.events.on('permission:denied', (event) => denied.push(event.payload.permission));
      for (const what of ['execute', 'emit', 'get', 'set', 'keys', 'update', 'collect']) {
        const error = await rejection(kernel.commands.execute('test.bare:try', what));
        expect(error, what).toBeInstanceOf(PluginPermissionError);
        expect(error.message).toContain('test.bare');
      }
      expect(denied).toEqual([
        'commands.execute',
        'events.emit',
        'storage.read',
        'storage.write',
        'storage.read',
        'storage.read',
        'hooks.call',
      ]);
      expect(await kernel.commands.execute('test.bare:has')).toBe(false);
    });

    it('subscriptions, foreign hooks and middleware need permission, or activation fails', async () => {
      const kernel = await start([
        pluginOf('test.s', `ctx.events.on('user:*', () => {});`),
        pluginOf('test.w', `ctx.events.on('*', () => {});`, {
          permissions: { events: { subscribe: ['user:*'] } },
        }),
        pluginOf('test.h', `ctx.hooks.handle('test.s:x', () => 1);`),
        pluginOf('test.m', `ctx.middleware.use('command:test.s:*', (c, n) => n());`),
        pluginOf(
          'test.ok',
          `ctx.events.on('user:a', () => {}); ctx.events.on('test.ok:own', () => {});`,
          { permissions: { events: { subscribe: ['user:*'] } } },
        ),
      ]);
      for (const id of ['test.s', 'test.w', 'test.h', 'test.m'])
        expect(kernel.plugins.explain(id).because, id).toMatch(/may not use/);
      expect(kernel.plugins.get('test.ok')?.state).toBe('active');
    });

    it("policy narrows a manifest's permissions, and a need requires the permission for its contract", async () => {
      const kernel = await start(
        [
          greeterPlugin(),
          echoPlugin(),
          pluginOf(
            'test.user',
            `ctx.commands.handle('greet', () => ctx.commands.execute('test.greeter:greet', { name: 'x' })); ctx.commands.handle('echo', () => ctx.commands.execute('test.echo:echo', 1));`,
            { needs: ['test.greeter@^1'], permissions: { commands: { execute: ['*'] } } },
          ),
        ],
        { policy: { permissions: { commands: { execute: ['test.greeter:*'] } } } },
      );
      expect(await kernel.commands.execute('test.user:greet')).toEqual({ text: 'hello x' });
      expect((await rejection(kernel.commands.execute('test.user:echo'))).code).toBe(
        'permission/denied',
      );
      expect(kernel.permissions.check('test.user', 'commands.execute', 'test.greeter:greet')).toBe(
        true,
      );
      expect(kernel.permissions.check('test.user', 'commands.execute', 'test.echo:echo')).toBe(
        false,
      );
    });

    it('policy may refuse a plugin altogether', async () => {
      const kernel = await start([echoPlugin(), pluginOf('evil.one', '')], {
        policy: { deny: ['evil.*'] },
      });
      expect(kernel.plugins.explain('evil.one')).toMatchObject({
        state: 'denied',
        running: false,
        error: { code: 'plugin/disabled' },
      });
      expect(kernel.plugins.get('test.echo')?.state).toBe('active');
    });
  });

  describe(`${name}: storage and config`, () => {
    it('storage keeps values per plugin and counts its quota, and update() loses nothing', async () => {
      const kernel = await start([
        pluginOf(
          'test.store',
          `ctx.commands.handle('run', async () => {
             await ctx.storage.set('b', new Map([['x', new Date(1)]])); await ctx.storage.set('a', 1);
             const counts = await Promise.all(Array.from({ length: 20 }, () => ctx.storage.update('n', (n = 0) => n + 1)));
             return { keys: await ctx.storage.keys(), b: await ctx.storage.get('b'), has: await ctx.storage.has('a'), gone: await ctx.storage.delete('a'), again: await ctx.storage.delete('a'), n: await ctx.storage.get('n'), max: Math.max(...counts) };
           });
           ctx.commands.handle('fill', () => ctx.storage.set('big', 'x'.repeat(10_000)));`,
          { permissions: { storage: { read: true, write: true, quota: '4kB' } } },
        ),
        pluginOf('test.other', `ctx.commands.handle('keys', () => ctx.storage.keys());`, {
          permissions: storage,
        }),
      ]);
      expect(await kernel.commands.execute('test.store:run')).toEqual({
        keys: ['a', 'b', 'n'],
        b: new Map([['x', new Date(1)]]),
        has: true,
        gone: true,
        again: false,
        n: 20,
        max: 20,
      });
      expect(await rejection(kernel.commands.execute('test.store:fill'))).toMatchObject({
        code: 'storage/quota',
        plugin: 'test.store',
      });
      expect(await kernel.commands.execute('test.other:keys')).toEqual([]);
    });

    it('config merges its layers, is frozen, and a refused change is undone', async () => {
      const manifest = {
        config: {
          type: 'object',
          properties: { max: { type: 'number', default: 1 }, name: { default: 'd' } },
        },
      };
      const kernel = await start(
        [
          pluginOf(
            'test.cfg',
            `this.seen = []; ctx.commands.handle('get', () => ({ ...ctx.config, frozen: Object.isFrozen(ctx.config) })); ctx.commands.handle('log', () => this.log);`,
            manifest,
            `log: [], configure(config, previous) { if (config.max > 100) throw new Error('too large'); this.log.push([config.max, previous?.max]); },`,
          ),
        ],
        {
          config: {
            global: { 'test.cfg': { max: 2, extra: true } },
            env: { PLINTH_TEST_CFG__MAX: '3' },
            user: { 'test.cfg': { name: 'u' } },
          },
        },
      );
      expect(await kernel.commands.execute('test.cfg:get')).toEqual({
        max: 3,
        name: 'u',
        extra: true,
        frozen: true,
      });
      expect(kernel.config.layers('test.cfg')).toEqual({
        max: { value: 3, layer: 'environment' },
        name: { value: 'u', layer: 'user' },
        extra: { value: true, layer: 'global' },
      });
      await kernel.config.set('test.cfg', { max: 50 }, 'runtime');
      expect(
        (await rejection(kernel.config.set('test.cfg', { max: 500 }, 'runtime'))).message,
      ).toContain('too large');
      expect(kernel.config.get('test.cfg').max).toBe(50);
      expect(await kernel.commands.execute('test.cfg:get')).toMatchObject({
        max: 50,
        frozen: true,
      });
      expect(await kernel.commands.execute('test.cfg:log')).toEqual([
        [3, undefined],
        [50, 3],
      ]);
    });
  });

  describe(`${name}: health`, () => {
    it('lists every plugin with its own report', async () => {
      const kernel = await start([
        pluginOf('test.well', ''),
        pluginOf(
          'test.ill',
          '',
          {},
          `healthCheck() { return { status: 'degraded', details: { queue: 9 } }; },`,
        ),
        pluginOf('test.broken', `throw new Error('x');`),
      ]);
      const health = await kernel.health();
      expect(health.status).toBe('degraded');
      expect(health.plugins.map(({ id, status }) => [id, status])).toEqual([
        ['test.well', 'healthy'],
        ['test.ill', 'degraded'],
        ['test.broken', 'unhealthy'],
      ]);
      expect((await kernel.plugins.health('test.ill')).details).toEqual({ queue: 9 });
    });

    it('has the status of the worst running plugin', async () => {
      const well = pluginOf('test.well', '');
      const worst = pluginOf(
        'test.worst',
        '',
        {},
        `healthCheck() { return { status: 'unhealthy' }; },`,
      );
      const broken = pluginOf('test.broken', `throw new Error('x');`);
      const statuses = [];
      for (const plugins of [[well], [well, broken], [well, broken, worst]])
        statuses.push((await (await start(plugins)).health()).status);
      expect(statuses).toEqual(['healthy', 'degraded', 'unhealthy']);
    });

    it('stop() ends everything once, and the kernel reports it', async () => {
      const kernel: Kernel = await start([echoPlugin(), hangingPlugin()], {
        limits: { swap: 200 },
      });
      const hanging = rejection(kernel.commands.execute('test.hang:hang'));
      await Promise.all([kernel.stop(), kernel.stop()]);
      expect(await hanging).toBeInstanceOf(PluginError);
      expect(kernel.plugins.list().map(({ state }) => state)).toEqual(['unloaded', 'unloaded']);
      expect((await rejection(kernel.plugins.activate('test.echo'))).code).toBe('kernel/stopped');
      kernel.commands.handle('own', () => 1);
      for (const late of [
        kernel.commands.execute('test.echo:echo'),
        kernel.commands.execute('host:own'),
        kernel.client(Greeter).greet({ name: 'late' }),
        kernel.events.emit('late', 1),
        kernel.events.emit(Greeter.greeted, { name: 'late' }),
        kernel.hooks.collect('test.echo:hook', 1),
        kernel.messaging.send('test.echo', 1),
        kernel.messaging.route(1),
      ]) {
        expect(await rejection(late)).toMatchObject({
          name: 'PluginUnavailableError',
          code: 'kernel/stopped',
        });
      }
    });
  });

  if (worker) {
    describe(`${name}: a guest's own realm`, () => {
      it('hides what is not portable', async () => {
        const kernel = await start([
          pluginOf(
            'test.globals',
            `ctx.commands.handle('see', () => ['process', 'require', 'Buffer', 'fetch', 'WebSocket', 'indexedDB', 'caches', 'navigator', 'Worker', 'BroadcastChannel', 'postMessage', 'importScripts', 'location', 'WebAssembly'].filter((name) => globalThis[name] !== undefined));`,
          ),
        ]);
        expect(await kernel.commands.execute('test.globals:see')).toEqual([]);
      });

      it("writes its console to the plugin's log", async () => {
        const kernel = await start([
          pluginOf('test.console', `console.warn('careful', { n: 1 });`),
        ]);
        expect(
          writtenBy(kernel, 'test.console').map(({ level, message }) => [level, message]),
        ).toEqual([['warn', 'careful { n: 1 }']]);
      });
    });
  }
}

export const echoPlugin = () =>
  pluginOf(
    'test.echo',
    `ctx.commands.handle('echo', (value) => value);
     const bad = { function: () => () => 1, symbol: () => Symbol(), instance: () => new (class A {})(), cycle: () => { const a = {}; a.a = a; return a; } };
     ctx.commands.handle('bad', (what) => ({ value: bad[what]() }));`,
  );

export const hangingPlugin = () =>
  pluginOf(
    'test.hang',
    `ctx.commands.handle('hang', (_, call) => new Promise((resolve, reject) => {
       ctx.events.emit('entered');
       call.signal.addEventListener('abort', () => { ctx.events.emit('aborted', { code: call.signal.reason.code }); reject(call.signal.reason); });
     }));`,
  );

/**
 * Written by hand as a bundle would look, so that it needs no build: contracts are plain data with
 * schemas.
 */
export const greeterPlugin = () =>
  bundleOf(
    'test.greeter',
    `const schema = (check) => ({ '~standard': { version: 1, vendor: 'test', validate: check } });
     const object = (key) => schema((value) => (typeof value?.[key] === 'string' ? { value } : { issues: [{ message: 'Expected string', path: [key] }] }));
     const text = schema((value) => ({ value }));
     const Greeter = { $id: 'test.greeter@1',
       greet: { kind: 'command', id: 'test.greeter:greet', input: object('name'), output: object('text'), errors: { rude: object('word') } },
       broken: { kind: 'command', id: 'test.greeter:broken', errors: {} },
       greeted: { kind: 'event', id: 'test.greeter:greeted', payload: object('name') },
       render: { kind: 'hook', id: 'test.greeter:render', input: text, output: text } };
     export default { provides: [Greeter], activate(ctx) {
       ctx.provide(Greeter, {
         async greet({ name }, call) {
           if (name === 'rude') call.fail('rude', { word: name });
           if (name === 'undeclared') call.fail('nope', {});
           await ctx.events.emit(Greeter.greeted, { name });
           return { text: 'hello ' + name };
         },
         broken: () => ({ text: 5 }),
         render: (value) => value.trim(),
       });
     } };`,
    { provides: ['test.greeter@1'] },
  );

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { value };
  return value;
}
