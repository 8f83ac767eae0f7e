/** Extensions of the kernel: what they may do, in which order, and what happens when one is wrong. */
import { createKernel, type KernelOptions, type LogEntry, packageSource } from '@plinth/kernel';
import {
  type AnyExtension,
  type CallView,
  defineExtension,
  fact,
  type GuestView,
  observer,
  type PluginView,
  wrapper,
} from '@plinth/kernel/extension';
import { command, contract, type EventEnvelope, event } from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createHost, runtime } from '#host';
import { gateOf, keep, nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const Clock = contract('com.example.clock@1', {
  now: command({ input: v.object({ zone: v.string() }), output: v.string() }),
});

const echo = pluginOf(
  'test.echo',
  `ctx.commands.handle('say', (value) => value); ctx.commands.handle('fail', () => { throw new Error('no'); });
   ctx.hooks.handle('test.echo:ask', (value) => value + 1);`,
);

const start = (
  extensions: readonly AnyExtension[],
  options: KernelOptions = {},
  packages = [echo],
) => startKernel({ isolation: 'worker', createHost }, packages, { ...options, extensions });

/** An extension that does one thing at install. */
const doing = (name: string, install: () => unknown, more: object = {}) =>
  defineExtension({ name, uses: [], ...more }, () => ({ install }));

describe(`${runtime}: an extension`, () => {
  it('is given to createKernel, and answers its typed API, once a tenant', async () => {
    const installed: string[] = [];
    const counter = defineExtension({ name: 'counter', uses: [] }, (from: number) => {
      let shared = from;
      return {
        install(port) {
          installed.push(port.tenant);
          return { next: () => ++shared, tenant: port.tenant };
        },
      };
    });
    const kernel = await start([counter(10)]);
    expectTypeOf(kernel.extension(counter).next).returns.toEqualTypeOf<number>();
    expect(kernel.extension(counter).next()).toBe(11);
    expect(kernel.tenant('acme').extension(counter).tenant).toBe('acme');
    expect(kernel.tenant('acme').extension(counter).next()).toBe(12);
    expect(installed).toEqual(['tenant-0', 'acme']);
    const other = doing('other', () => 1);
    expect(() => kernel.extension(other)).toThrow(
      expect.objectContaining({
        code: 'extension/missing',
        message: expect.stringContaining('createKernel({ extensions: [other(…)] })'),
      }),
    );
  });

  it('is installed after what it requires, and ended before it', async () => {
    const seen: string[] = [];
    const part = (name: string, more: object = {}) =>
      defineExtension({ name, uses: [], ...more }, () => ({
        install(port) {
          seen.push(`install ${name}`);
          port.on('open', () => seen.push(`open ${name}`));
          port.on('started', () => seen.push(`started ${name}`));
          port.on('stopping', () => seen.push(`stopping ${name}`));
          port.own(() => seen.push(`end ${name}`));
          return name;
        },
        close() {
          seen.push(`close ${name}`);
        },
      }));
    const base = part('base');
    const top = part('top', { requires: [base], before: ['last'] });
    const kernel = await start([part('last')(), top(), base()]);
    await kernel.stop();
    const steps = (step: string) =>
      seen.filter((one) => one.startsWith(step)).map((one) => one.slice(step.length + 1));
    for (const step of ['install', 'open', 'started'])
      expect(steps(step), step).toEqual(['base', 'top', 'last']);
    for (const step of ['stopping', 'end', 'close'])
      expect(steps(step), step).toEqual(['last', 'top', 'base']);
  });

  it('uses the API of what it requires, and finds what may be absent', async () => {
    const base = doing('base', () => ({ value: 7 }));
    const absent = doing('absent', () => ({ value: 8 }));
    const top = defineExtension({ name: 'top', uses: [], requires: [base] }, () => ({
      install: (port) => ({
        sum: () => (port.use(base) as { value: number }).value,
        found: () => port.find(absent),
      }),
    }));
    const kernel = await start([top(), base()]);
    expect(kernel.extension(top).sum()).toBe(7);
    expect(kernel.extension(top).found()).toBeUndefined();
  });

  it('hears the kernel, not a plugin that sounds like it, and tells typed events of its own', async () => {
    const heard: string[] = [];
    const teller = defineExtension(
      {
        name: 'teller',
        uses: ['events'],
        events: { 'teller:told': fact<{ readonly what: string }>() },
      },
      () => ({
        install(port) {
          port.events.on('plugin:activated', ({ id }) => heard.push(id));
          return { tell: (what: string) => port.events.emit('teller:told', { what }) };
        },
      }),
    );
    const kernel = keep(
      await createKernel({
        host: createHost(),
        telemetry: { log: false },
        sources: [packageSource([echo])],
        extensions: [teller()],
      }),
    );
    const told: string[] = [];
    kernel.events.on('teller:told', ({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<{ readonly what: string }>();
      told.push(payload.what);
    });
    const acme = kernel.tenant('acme');
    acme.events.on('teller:told', ({ payload, tenant }) => {
      expectTypeOf(payload).toEqualTypeOf<{ readonly what: string }>();
      told.push(`${tenant}: ${payload.what}`);
    });
    await kernel.start();
    kernel.extension(teller).tell('news');
    acme.extension(teller).tell('more');
    expect(heard).toEqual(['test.echo', 'test.echo']);
    expect(told).toEqual(['news', 'acme: more']);
    // Topics of an extension are its own.
    expect(await rejection(kernel.events.emit('teller:told', { what: 'forged' }))).toMatchObject({
      code: 'permission/denied',
    });
  });

  it('keeps documents: upgraded, refused when they are newer, replaced when they are damaged', async () => {
    const { memoryStorage } = await import('@plinth/kernel');
    const storage = memoryStorage();
    const kept = (version: number, more: object = {}) =>
      defineExtension({ name: 'kept', uses: ['documents'] }, () => ({
        install: (port) =>
          port.documents.open<unknown>({
            name: 'notes',
            per: 'plugin',
            version,
            parse: (value) => {
              if (value === 'bad') throw new Error('bad');
              return value;
            },
            ...more,
          }),
      }));
    const open = async (version: number, more: object = {}) => {
      const factory = kept(version, more);
      const kernel = keep(
        await createKernel({
          telemetry: { log: false },
          storage: { ...storage, close: async () => {} },
          extensions: [factory()],
        }),
      );
      return kernel.extension(factory);
    };
    const first = await open(1);
    await first.set({ n: 1 }, 'test.echo');
    await first.update((value) => ({ ...(value as object), m: 2 }), 'test.echo');
    expect(await first.get('test.echo')).toEqual({ n: 1, m: 2 });
    expect(await first.ids()).toEqual(['test.echo']);
    expect(await rejection(first.get())).toMatchObject({ code: 'storage/invalid-key' });
    const next = await open(2, { upgrade: { 1: (value: object) => ({ ...value, new: true }) } });
    expect(await next.get('test.echo')).toEqual({ n: 1, m: 2, new: true });
    await next.set('bad', 'test.echo');
    expect(await rejection(next.get('test.echo'))).toMatchObject({ code: 'storage/corrupt' });
    expect(await rejection((await open(1)).get('test.echo'))).toMatchObject({
      code: 'registry/newer-format',
    });
    const mended = await open(2, { damaged: () => 'mended' });
    expect(await mended.get('test.echo')).toBe('mended');
  });

  it('keeps documents about plugins: they are listed as left over, and go when a plugin is purged', async () => {
    const notes = defineExtension({ name: 'notes', uses: ['documents'] }, () => ({
      install: (port) =>
        port.documents.open({ name: 'notes', per: 'plugin', version: 1, parse: String }),
    }));
    const kernel = await start([notes()]);
    const kept = kernel.extension(notes);
    await kept.set('kept', 'test.echo');
    await kept.set('of another', 'test.other');
    await kernel.plugins.uninstall('test.echo');
    expect(await kernel.plugins.leftovers()).toMatchObject([
      { plugin: 'test.echo', documents: true },
      { plugin: 'test.other', documents: true },
    ]);
    await kernel.plugins.uninstall('test.echo', { purge: true });
    expect(await kept.ids()).toEqual(['test.other']);
  });

  it('provides a contract that plugins need', async () => {
    const clock = defineExtension({ name: 'clock', uses: ['provide'] }, () => ({
      install(port) {
        port.provide(Clock, { now: ({ zone }, call) => `${zone} for ${call.caller.id}` });
      },
    }));
    const user = pluginOf(
      'test.user',
      "ctx.commands.handle('time', () => ctx.commands.execute('com.example.clock:now', { zone: 'UTC' }));",
      {
        needs: ['com.example.clock@^1'],
        permissions: { commands: { execute: ['com.example.clock:*'] } },
      },
    );
    const kernel = await start([clock()], {}, [user]);
    expect(await kernel.commands.execute('test.user:time')).toBe('UTC for test.user');
    expect(await kernel.client(Clock).now({ zone: 'CET' })).toBe('CET for host');
  });

  it('calls as the host, as a plugin with its rights, and as a caller with given rights', async () => {
    const caller = defineExtension({ name: 'caller', uses: ['calls'] }, () => ({
      install: (port) => port,
    }));
    const who = pluginOf(
      'test.who',
      "ctx.commands.handle('am', (_, call) => [call.caller.kind, call.caller.id]);",
    );
    const other = pluginOf('test.other', '', {
      permissions: { commands: { execute: ['test.who:*'] } },
    });
    const kernel = await start([caller()], {}, [who, other, echo]);
    const { calls, plugins } = kernel.extension(caller);
    const as = (id: string) => ({ as: plugins.get(id) as PluginView });
    expect(await calls.execute('test.who:am')).toEqual(['host', 'host']);
    expect(await calls.execute('test.who:am', undefined, as('test.other'))).toEqual([
      'plugin',
      'test.other',
    ]);
    expect(await rejection(calls.execute('test.who:am', undefined, as('test.echo')))).toMatchObject(
      {
        code: 'permission/denied',
      },
    );
    const rights = { commands: { execute: ['test.who:*'] } };
    expect(await calls.execute('test.who:am', undefined, { as: { id: 'node-2', rights } })).toEqual(
      ['remote', 'node-2'],
    );
    expect(
      await rejection(calls.execute('test.echo:say', 1, { as: { id: 'node-2', rights } })),
    ).toMatchObject({ code: 'permission/denied' });
  });

  it('observes commands, hooks and events, and is asked once for each target', async () => {
    const asked: string[] = [];
    const seen: string[] = [];
    const watcher = defineExtension({ name: 'watcher', uses: ['intercept'] }, () => ({
      install: (port) =>
        port.intercept({
          place: 'outside',
          for(target) {
            asked.push(`${target.kind} ${target.id}`);
            if (target.id === 'test.echo:fail') return undefined;
            return observer({
              start: (call) => `${call.target.kind} ${call.caller.id}`,
              end: (_call, { ok, value }, token) => seen.push(`${token} ${ok} ${String(value)}`),
            });
          },
        }),
    }));
    const kernel = await start([watcher()]);
    for (let n = 0; n < 3; n++) expect(await kernel.commands.execute('test.echo:say', n)).toBe(n);
    await rejection(kernel.commands.execute('test.echo:fail'));
    expect(await kernel.hooks.first('test.echo:ask', 1)).toBe(2);
    await kernel.events.emit('news', 1);
    expect(asked.filter((one) => one.endsWith('say'))).toEqual(['command test.echo:say']);
    expect(asked).toContain('hook test.echo:ask');
    expect(asked).toContain('event host:news');
    expect(seen).toEqual([
      ...['0', '1', '2'].map((n) => `command host true ${n}`),
      'hook host true 2',
      'event host true undefined',
    ]);
    kernel.extension(watcher).changed();
    await kernel.commands.execute('test.echo:say');
    expect(asked.filter((one) => one.endsWith('say'))).toHaveLength(2);
    kernel.extension(watcher).dispose();
    await kernel.commands.execute('test.echo:say');
    expect(seen).toHaveLength(6);
  });

  it('observers of several extensions hear the end of a call that its caller gives up', async () => {
    const seen: string[] = [];
    const watching = (name: string) =>
      defineExtension({ name, uses: ['intercept'] }, () => ({
        install: (port) =>
          void port.intercept({
            place: 'outside',
            kinds: ['command'],
            for: () =>
              observer({
                start() {
                  seen.push(`${name} start`);
                  return name;
                },
                end: ({ provider }, { ok, value }, token) => {
                  const { code } = value as { readonly code?: string };
                  seen.push(`${token} ${provider} ${ok} ${code}`);
                },
              }),
          }),
      }));
    const [one, other] = [watching('one'), watching('other')];
    const kernel = await start([one(), other()]);
    const gate = gateOf(kernel);
    const caller = new AbortController();
    const call = rejection(
      kernel.commands.execute('host:gate', undefined, { signal: caller.signal }),
    );
    await gate.reached;
    caller.abort();
    expect((await call).code).toBe('call/cancelled');
    const told = ['one start', 'other start'];
    const ends = ['other host false call/cancelled', 'one host false call/cancelled'];
    expect(seen).toEqual([...told, ...ends]);
    gate.open();
    await kernel.commands.execute('test.echo:say', 1);
    expect(seen.slice(4)).toEqual([
      ...told,
      'other test.echo true undefined',
      'one test.echo true undefined',
    ]);
  });

  it('sees what answers a call, whether it is made for another, and what waits for a plugin', async () => {
    const seen: (readonly [string, string, boolean])[] = [];
    const guests: GuestView[] = [];
    const watcher = defineExtension({ name: 'watcher', uses: ['guests', 'intercept'] }, () => ({
      install(port) {
        port.guests((guest) => void guests.push(guest));
        port.intercept({
          place: 'outside',
          kinds: ['command'],
          for: () =>
            observer({
              end: ({ target, provider, nested }) => seen.push([target.id, provider, nested]),
            }),
        });
        return port.plugins;
      },
    }));
    const relay = pluginOf(
      'test.relay',
      `ctx.commands.handle('com.example.clock:now', () => ctx.commands.execute('host:gate'));
       ctx.commands.handle('keep', () => ctx.storage.set('key', 'value'));`,
      {
        provides: ['com.example.clock@1'],
        permissions: {
          contracts: { provide: ['com.example.clock'] },
          commands: { execute: ['host:gate'] },
          storage: { read: true, write: true },
        },
      },
    );
    const kernel = await start([watcher()], { contracts: [Clock] }, [relay]);
    const gate = gateOf(kernel);
    const call = kernel
      .client(Clock)
      .now({ zone: 'UTC' })
      .catch(() => {});
    await gate.reached;
    const [guest] = guests as [GuestView];
    expect([guest.pending, guest.stored]).toEqual([1, 0]);
    gate.open();
    await call;
    expect(seen).toEqual([
      ['host:gate', 'host', true],
      ['com.example.clock:now', 'test.relay', false],
    ]);
    await kernel.commands.execute('test.relay:keep');
    expect(guest.stored).toBeGreaterThan(5);
    const view = kernel.extension(watcher).get('test.relay') as PluginView;
    await kernel.plugins.suspend('test.relay');
    const late = kernel.commands.execute('test.relay:keep');
    expect(view.waiting).toBe(1);
    await kernel.plugins.resume('test.relay');
    await late;
    expect(view.waiting).toBe(0);
  });

  it('gives an event a trace, which its listeners get', async () => {
    const tracer = defineExtension({ name: 'tracer', uses: ['intercept'] }, () => ({
      install: (port) =>
        void port.intercept({
          place: 'outside',
          kinds: ['event'],
          for: () =>
            observer({
              start(call) {
                call.traceparent = 'of the event';
              },
              end() {},
            }),
        }),
    }));
    const teller = pluginOf(
      'test.teller',
      "ctx.commands.handle('tell', (_, call) => ctx.events.emit('test:told', 1, call));",
      { permissions: { events: { emit: ['test:*'] } } },
    );
    const kernel = await start([tracer()], {}, [teller]);
    const heard: EventEnvelope[] = [];
    kernel.events.on('test:told', (event) => void heard.push(event));
    await kernel.commands.execute('test.teller:tell');
    await kernel.commands.execute('test.teller:tell', 1, { user: 'u1', traceparent: 'given' });
    expect(heard).toMatchObject([
      { traceparent: 'of the event', requestId: expect.any(String) },
      { traceparent: 'of the event', user: 'u1' },
    ]);
  });

  it('an observer that throws is logged, and the call goes on', async () => {
    const lines: LogEntry[] = [];
    const broken = defineExtension({ name: 'broken', uses: ['intercept'] }, () => ({
      install: (port) =>
        port.intercept({
          place: 'outside',
          for: () =>
            observer({
              start() {
                throw new Error('no start');
              },
              end() {
                throw new Error('no end');
              },
            }),
        }),
    }));
    const kernel = await start([broken()], {
      telemetry: { log: (entry) => void lines.push(entry) },
    });
    expect(await kernel.commands.execute('test.echo:say', 1)).toBe(1);
    await expect
      .poll(() => lines.map(({ message }) => message))
      .toEqual(
        expect.arrayContaining([
          expect.stringContaining('no start'),
          expect.stringContaining('no end'),
        ]),
      );
    expect(lines.find(({ message }) => message.includes('no end'))?.source).toBe(
      'extension:broken',
    );
  });

  it('wraps calls: outside once, inside as often as it tries', async () => {
    let attempts = 0;
    const flaky = pluginOf(
      'test.flaky',
      "let n = 0; ctx.commands.handle('third', () => { n += 1; if (n < 3) throw new Error('not yet'); return n; });",
    );
    const retry = defineExtension({ name: 'retry', uses: ['intercept'] }, () => ({
      install(port) {
        port.intercept({
          place: 'inside',
          kinds: ['command'],
          for: ({ id }) =>
            id !== 'test.flaky:third'
              ? undefined
              : wrapper(async (_call, input, next) => {
                  for (;;) {
                    attempts += 1;
                    try {
                      return await next(input);
                    } catch (error) {
                      if (attempts === 5) throw error;
                    }
                  }
                }),
        });
        port.intercept({
          place: 'outside',
          for: ({ id }) =>
            id !== 'test.echo:say'
              ? undefined
              : wrapper(async (call: CallView, input, next) => {
                  if (input === 'stop') throw new Error(`${call.caller.id} may not`);
                  return `<${await next(`(${input})`)}>`;
                }),
        });
      },
    }));
    const kernel = await start([retry()], {}, [echo, flaky]);
    expect(await kernel.commands.execute('test.flaky:third')).toBe(3);
    expect(attempts).toBe(3);
    expect(await kernel.commands.execute('test.echo:say', 'a')).toBe('<(a)>');
    expect(await rejection(kernel.commands.execute('test.echo:say', 'stop'))).toMatchObject({
      message: 'host may not',
    });
    expect(kernel.metrics.snapshot().commands['test.flaky:third']?.calls).toBe(1);
  });

  it("a policy that can't be found fails the call, and is asked for again", async () => {
    let broken = true;
    const policy = defineExtension({ name: 'policy', uses: ['intercept'] }, () => ({
      install: (port) =>
        port.intercept({
          place: 'inside',
          for() {
            if (broken) throw new Error('no table');
            return undefined;
          },
        }),
    }));
    const kernel = await start([policy()]);
    expect(await rejection(kernel.commands.execute('test.echo:say'))).toMatchObject({
      code: 'extension/failed',
      message: expect.stringContaining("'policy'"),
    });
    broken = false;
    expect(await kernel.commands.execute('test.echo:say', 1)).toBe(1);
  });

  it('checks packages by their manifest and by their code, and makes isolation stronger', async () => {
    const checker = defineExtension({ name: 'checker', uses: ['verify'] }, () => ({
      install(port) {
        port.verify({
          manifest({ manifest }) {
            if (manifest.tags.includes('bad')) throw new Error('a bad tag');
            return undefined;
          },
          code({ manifest }, code) {
            if (code.includes('forbidden')) throw new Error(`${manifest.id} says a word`);
          },
        });
      },
    }));
    const kernel = await start([checker()], {}, [
      echo,
      pluginOf('test.tagged', '', { tags: ['bad'] }),
      pluginOf('test.word', "'forbidden';"),
    ]);
    expect(kernel.plugins.list().map(({ state, error }) => [state, error?.message])).toEqual([
      ['active', undefined],
      ['failed', expect.stringContaining('a bad tag')],
      ['failed', expect.stringContaining('says a word')],
    ]);
  });

  it('takes part in steps: before an activation, undone when it fails; and after each', async () => {
    const seen: string[] = [];
    const sql = defineExtension({ name: 'sql', uses: ['transition'] }, () => ({
      install(port) {
        port.transition('activate', {
          before: async (plugin) => {
            seen.push(`migrate ${plugin.key}`);
            if (plugin.id === 'test.refused') throw new Error('no such table');
            return () => seen.push(`back ${plugin.key}`);
          },
          after: (plugin, { name, by }) => seen.push(`${name} ${plugin.id} by ${by}`),
        });
        port.transition(['fail', 'crash'], {
          after: (plugin, { name, error }) => seen.push(`${name} ${plugin.id} ${error?.code}`),
        });
      },
    }));
    const kernel = await start([sql()], {}, [
      echo,
      pluginOf('test.bad', "throw new Error('no');"),
      pluginOf('test.refused', ''),
    ]);
    expect(seen.filter((one) => one.includes('test.echo'))).toEqual([
      'migrate test.echo@1.0.0',
      'activate test.echo by startup',
    ]);
    expect(seen.filter((one) => one.includes('test.bad'))).toEqual([
      'migrate test.bad@1.0.0',
      'back test.bad@1.0.0',
      'fail test.bad plugin/activation-failed',
    ]);
    expect(kernel.plugins.get('test.refused')).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining('no such table') },
    });
    seen.length = 0;
    await kernel.plugins.reload('test.echo');
    expect(seen).toEqual(['migrate test.echo@1.0.0', 'activate test.echo by reload']);
  });

  it('steers: pauses a plugin that goes on when the pause is over', async () => {
    const pauser = defineExtension({ name: 'pauser', uses: ['steer'] }, () => ({
      install: (port) => port,
    }));
    const kernel = await start([pauser()]);
    const { steer, plugins } = kernel.extension(pauser);
    const plugin = plugins.get('test.echo') as PluginView;
    const because = () => 'it is cleaned';
    const held = steer.pause(plugin, { name: 'held', calls: 'queue', guest: 'keep', because });
    expect(await held.settled).toBe(true);
    const waiting = kernel.commands.execute('test.echo:say', 1);
    expect(plugin.state).toBe('suspended');
    held.dispose();
    expect(await waiting).toBe(1);
    const refused = steer.pause(plugin, { name: 'shut', calls: 'refuse', guest: 'keep', because });
    expect(await refused.settled).toBe(true);
    expect(await rejection(kernel.commands.execute('test.echo:say', 1))).toMatchObject({
      code: 'plugin/unavailable',
      message: expect.stringContaining('it is cleaned'),
    });
    const resumed = nextEvent(kernel, 'plugin:resumed');
    refused.dispose();
    await resumed;
    const asleep = steer.pause(plugin, { name: 'idle', calls: 'wake', guest: 'release', because });
    expect(await asleep.settled).toBe(true);
    expect(plugin.reason).toBe('idle');
    expect(await kernel.commands.execute('test.echo:say', 2)).toBe(2);
    expect(plugin.state).toBe('active');
  });

  describe('pauses', () => {
    const pauser = defineExtension({ name: 'pauser', uses: ['steer'] }, () => ({
      install: (port) => port,
    }));
    const because = () => 'it is cleaned';
    const paused = async (more: Partial<KernelOptions> = {}) => {
      const kernel = await start([pauser()], more);
      const { steer, plugins } = kernel.extension(pauser);
      const plugin = plugins.get('test.echo') as PluginView;
      const pause = async (name: string, calls: 'queue' | 'refuse' = 'queue') => {
        const one = steer.pause(plugin, { name, calls, guest: 'keep', because });
        expect(await one.settled, name).toBe(true);
        return one;
      };
      const say = (value: unknown) => kernel.commands.execute('test.echo:say', value);
      return { kernel, plugin, pause, say };
    };

    it('of a plugin count: it goes on when the last one is over', async () => {
      const { kernel, plugin, pause, say } = await paused();
      const [one, other] = [await pause('one'), await pause('other')];
      const waiting = say('hello');
      const seen: string[] = [];
      kernel.events.on('plugin:resumed', () => void seen.push('resumed'));
      one.dispose();
      one.dispose();
      // What the first one has begun is over when another one is in force.
      const third = await pause('third');
      third.dispose();
      expect([plugin.state, ...seen]).toEqual(['suspended']);
      other.dispose();
      expect(await waiting).toBe('hello');
      expect([plugin.state, ...seen]).toEqual(['active', 'resumed']);
    });

    it('do not end what an operator has suspended, and a start by name ends them', async () => {
      const { kernel, plugin, pause, say } = await paused();
      const held = await pause('held');
      await kernel.plugins.suspend('test.echo');
      held.dispose();
      await kernel.plugins.suspend('test.echo');
      expect(plugin.state).toBe('suspended');
      const waiting = say(1);
      await kernel.plugins.resume('test.echo');
      expect(await waiting).toBe(1);
      const again = await pause('again', 'refuse');
      await kernel.plugins.activate('test.echo');
      expect(await say(2)).toBe(2);
      again.dispose();
      expect(await say(3)).toBe(3);
    });

    it('that refuse calls come before those that let them wait, and explain says why', async () => {
      const { kernel, pause, say } = await paused();
      const waits = await pause('waits');
      expect(kernel.plugins.explain('test.echo').because).toBe(
        'test.echo is paused: it is cleaned',
      );
      const waiting = rejection(say(1));
      const refuses = await pause('refuses', 'refuse');
      for (const call of [waiting, rejection(say(2))])
        expect(await call).toMatchObject({ code: 'plugin/unavailable' });
      refuses.dispose();
      (await pause('probe')).dispose();
      const later = say(3);
      waits.dispose();
      expect(await later).toBe(3);
    });

    it('outlast a reload', async () => {
      const { kernel, plugin, pause, say } = await paused();
      const held = await pause('held');
      await kernel.plugins.reload('test.echo');
      expect(plugin.state).toBe('suspended');
      const waiting = say('after');
      held.dispose();
      expect(await waiting).toBe('after');
    });
  });

  it('reads points of contributes, and starts no plugin for it', async () => {
    const themes = defineExtension({ name: 'themes', uses: ['contribute'] }, () => ({
      install: (port) =>
        port.contribute.point({
          point: 'themes',
          schema: v.array(v.object({ name: v.string() })),
          check: (value) => (value.length > 2 ? 'more than two themes' : undefined),
        }),
    }));
    const themed = (id: string, value: unknown) =>
      pluginOf(id, '', { activation: [], contributes: { themes: value } as never });
    const kernel = await start([themes()], {}, [
      themed('test.dark', [{ name: 'dark' }]),
      themed('test.wrong', [{ nam: 'x' }]),
      themed('test.many', [{ name: 'a' }, { name: 'b' }, { name: 'c' }]),
    ]);
    const found = kernel.extension(themes).all();
    expectTypeOf(found[0]?.value).toEqualTypeOf<{ name: string }[] | undefined>();
    expect(found.map(({ plugin, value }) => [plugin.id, value])).toEqual([
      ['test.dark', [{ name: 'dark' }]],
    ]);
    expect(kernel.plugins.get('test.dark')?.state).toBe('resolved');
    for (const id of ['test.wrong', 'test.many'])
      expect(kernel.plugins.get(id)?.error, id).toMatchObject({ code: 'manifest/invalid' });
    expect(kernel.plugins.get('test.many')?.error?.message).toContain('contributes.themes');
  });

  it('brings plugins of its own, sees each guest, and stands in front of its requests', async () => {
    const guests: string[] = [];
    const bringer = defineExtension(
      { name: 'bringer', uses: ['source', 'guests', 'launch', 'metrics'] },
      () => ({
        install(port) {
          port.source(
            packageSource([
              pluginOf('test.brought', "await ctx.storage.set('a', 1);", {
                permissions: { storage: { read: true, write: true } },
              }),
            ]),
          );
          port.launch(async ({ plugin, isolation }, next) => {
            guests.push(`launch ${plugin.id} ${isolation}`);
            return next();
          });
          const requests = port.metrics.counter('requests');
          port.guests((guest) => ({
            request: () => requests.add(),
            ended: () => guests.push(`end ${guest.plugin.id}`),
          }));
          return port.metrics;
        },
      }),
    );
    const kernel = await start([bringer()], {}, []);
    expect(kernel.plugins.get('test.brought')?.state).toBe('active');
    const { requests = 0 } = kernel.extension(bringer).read();
    expect(requests).toBeGreaterThan(0);
    expect(kernel.metrics.snapshot().extensions).toEqual({ 'bringer.requests': requests });
    await kernel.stop();
    expect(guests).toEqual(['launch test.brought worker', 'end test.brought']);
  });

  it('shows its powers and its state in diagnostics, and counts for health', async () => {
    let status: 'healthy' | 'degraded' | 'unhealthy' = 'healthy';
    const shown = defineExtension(
      { name: 'shown', uses: ['events', 'calls'], features: ['shows'] },
      () => ({
        install: (port) =>
          port.inspect({ health: () => status, diagnostics: () => ({ up: true }) }),
      }),
    );
    const kernel = await start([shown()], {}, [
      pluginOf('test.picky', '', { requiredFeatures: ['shows'] }),
    ]);
    expect(kernel.plugins.get('test.picky')?.state).toBe('active');
    expect(kernel.diagnostics().extensions).toEqual([
      {
        name: 'shown',
        uses: ['events', 'calls'],
        requires: [],
        features: ['shows'],
        state: { up: true },
      },
    ]);
    expect((await kernel.health()).status).toBe('healthy');
    status = 'degraded';
    expect(await kernel.health()).toMatchObject({
      status: 'degraded',
      problems: [{ code: 'extension/failed' }],
    });
    status = 'unhealthy';
    expect((await kernel.health()).status).toBe('unhealthy');
  });
});

describe(`${runtime}: an extension that is wrong`, () => {
  it('tells of itself what is no JSON: the rest of the diagnostics is there', async () => {
    const circle: Record<string, unknown> = { large: 1n };
    const round = defineExtension({ name: 'round', uses: ['events'] }, (state: unknown) => ({
      install: (port) => port.inspect({ diagnostics: () => state }),
    }));
    const kernel = await start([round(circle)], {}, [pluginOf('test.base', '')]);
    expect(kernel.diagnostics().extensions[0]).toMatchObject({ state: { large: '1' } });
    circle.self = circle;
    const told = kernel.diagnostics();
    expect(told.extensions[0]).toMatchObject({ name: 'round', uses: ['events'] });
    expect(told.plugins).toHaveLength(1);
    expect(kernel.logger.recent('extension:round')[0]?.message).toContain(
      'could not tell of itself',
    );
  });

  const make = (...extensions: readonly AnyExtension[]) =>
    createKernel({
      host: createHost(),
      telemetry: { log: false },
      extensions,
      limits: { open: 100 },
    }).then(keep);

  it('is given twice, requires what is absent or another copy, or stands in a circle', async () => {
    const one = doing('one', () => 1);
    const needy = doing('needy', () => 1, { requires: [one] });
    expect(await rejection(make(one(), one()))).toMatchObject({ code: 'extension/duplicate' });
    expect(await rejection(make(needy()))).toMatchObject({
      code: 'extension/missing',
      message: expect.stringContaining("add one(…) to 'extensions'"),
    });
    expect(await rejection(make(needy(), doing('one', () => 2)()))).toMatchObject({
      code: 'extension/missing',
      message: expect.stringContaining('another copy'),
    });
    const [a, b] = [doing('a', () => 1, { before: ['b'] }), doing('b', () => 1, { before: ['a'] })];
    expect(await rejection(make(a(), b()))).toMatchObject({
      code: 'extension/cycle',
      details: { path: expect.arrayContaining(['a', 'b']) },
    });
    expect(await rejection(make(doing('c', () => 1, { requires: [undefined] })()))).toMatchObject({
      code: 'extension/cycle',
    });
    const shared = one();
    await make(shared);
    expect(await rejection(make(shared))).toMatchObject({ code: 'extension/in-use' });
    expect(await rejection(make({} as AnyExtension))).toMatchObject({
      code: 'kernel/invalid-option',
    });
  });

  it('throws in install: those before it are ended in reverse, and the storage is closed', async () => {
    const ended: string[] = [];
    const owner = (name: string) =>
      defineExtension({ name, uses: [] }, () => ({
        install: (port) => port.own(() => ended.push(name)),
        close: () => void ended.push(`close ${name}`),
      }));
    const { memoryStorage } = await import('@plinth/kernel');
    const storage = { ...memoryStorage(), close: async () => void ended.push('storage') };
    const broken = doing('broken', () => {
      throw new TypeError('no');
    });
    const failed = createKernel({
      storage,
      extensions: [owner('one')(), owner('two')(), broken()],
    });
    expect(await rejection(failed)).toMatchObject({
      code: 'extension/failed',
      message: "the extension 'broken' could not be installed: no",
      cause: expect.any(TypeError),
    });
    expect(ended).toEqual(['two', 'one', 'close two', 'close one', 'storage']);
  });

  it('throws or hangs when it opens: start() rejects, and no plugin runs', async () => {
    for (const [task, message] of [
      [() => Promise.reject(new Error('no database')), /no database/],
      [() => new Promise(() => {}), /100 ms/],
    ] as const) {
      const slow = defineExtension({ name: 'slow', uses: [] }, () => ({
        install: (port) => port.on('open', task),
      }));
      const kernel = keep(
        await createKernel({
          host: createHost(),
          telemetry: { log: false },
          sources: [packageSource([echo])],
          extensions: [slow()],
          limits: { open: 100 },
        }),
      );
      expect(await rejection(kernel.start())).toMatchObject({
        code: 'extension/failed',
        message: expect.stringMatching(message),
      });
      expect(kernel.plugins.list()).toEqual([]);
      expect((await kernel.health()).state).toBe('failed');
    }
  });

  it('throws or hangs when it stops or ends: that is logged, and the rest goes on', async () => {
    const lines: string[] = [];
    const ended: string[] = [];
    const hung = defineExtension({ name: 'hung', uses: [] }, () => ({
      install(port) {
        port.own(() => new Promise(() => {}));
        port.on('stopping', () => {
          throw new Error('oh');
        });
      },
      close: () => Promise.reject(new Error('not closed')),
    }));
    const fine = defineExtension({ name: 'fine', uses: [] }, () => ({
      install: (port) => port.own(() => ended.push('fine')),
    }));
    const kernel = await start([fine(), hung()], {
      limits: { open: 100 },
      telemetry: { log: ({ message }) => void lines.push(message) },
    });
    await kernel.stop();
    expect(ended).toEqual(['fine']);
    expect(lines.filter((line) => line.includes("'hung'"))).toEqual([
      expect.stringContaining('oh'),
      expect.stringContaining('100 ms'),
      expect.stringContaining('not closed'),
    ]);
  });

  it('uses a power, or tells an event, that it does not declare; or registers too late', async () => {
    const nosy = defineExtension(
      { name: 'nosy', uses: ['events', 'verify'], events: { 'nosy:a': fact<number>() } },
      () => ({
        install: (port) => port,
      }),
    );
    const kernel = await start([nosy()]);
    const port = kernel.extension(nosy) as unknown as Record<string, never> & {
      events: { emit(topic: string, payload: unknown): void };
    };
    expect(() => port.steer).toThrow(
      expect.objectContaining({
        code: 'extension/undeclared',
        message: expect.stringContaining("'steer'"),
      }),
    );
    expect(() => port.events.emit('nosy:b', 1)).toThrow(
      expect.objectContaining({ code: 'extension/undeclared' }),
    );
    expect(() => port.verify).toThrow(expect.objectContaining({ code: 'extension/late' }));
  });

  it('says nothing sensible of itself', () => {
    const define = (statics: object) => () =>
      defineExtension(statics as never, () => ({ install: () => 1 }));
    for (const statics of [
      { name: 'Bad Name', uses: [] },
      { name: 'a' },
      { name: 'a', uses: ['everything'] },
      { name: 'a', uses: ['events'], events: { 'b:c': fact() } },
    ])
      expect(define(statics), JSON.stringify(statics)).toThrow(
        expect.objectContaining({ code: 'kernel/invalid-option' }),
      );
  });
});

const Panel = contract('com.acme.panel@1', {
  show: command({ input: v.string(), output: v.string() }),
  shown: event(v.string()),
});
const panel = (id: string, more: object = {}) =>
  pluginOf(
    id,
    "ctx.commands.handle('com.acme.panel:show', (what) => what + ' by ' + ctx.plugin.id);",
    {
      provides: ['com.acme.panel@1'],
      permissions: { contracts: { provide: ['com.acme.panel'] } },
      ...more,
    },
  );

describe(`${runtime}: contracts and points of the application`, () => {
  it('an opened contract is provided by many plugins, listed, and asked by name', async () => {
    const kernel = await startKernel(
      { isolation: 'worker', createHost },
      [panel('test.a'), panel('test.b'), panel('test.c')],
      { contracts: [Panel] },
    );
    expect(kernel.providers(Panel)).toHaveLength(3);
    await kernel.permissions.revoke('test.c', 'contracts.provide');
    expect(kernel.providers(Panel).map(({ id }) => id)).toEqual(['test.a', 'test.b']);
    expect(kernel.providers('com.acme.panel@1').map(({ id }) => id)).toEqual(['test.a', 'test.b']);
    expect(await kernel.client(Panel, { provider: 'test.b' }).show('x')).toBe('x by test.b');
    expect(await kernel.client(Panel).show('x')).toBe('x by test.a');
    await kernel.plugins.disable('test.a');
    expect(kernel.providers(Panel).map(({ id }) => id)).toEqual(['test.b']);
    expect(await kernel.client(Panel).show('y')).toBe('y by test.b');
  });

  it('a contract that is not opened stays the plugin’s whose name it has', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [panel('test.a')]);
    expect(kernel.plugins.list()).toMatchObject([
      {
        state: 'failed',
        error: { code: 'manifest/invalid', message: expect.stringContaining("option 'contracts'") },
      },
    ]);
    expect(
      await rejection(createKernel({ contracts: [{ $id: 'no contract' }] as never })),
    ).toMatchObject({ code: 'kernel/invalid-option' });
  });

  it('a manifest with very many points is refused at once', async () => {
    const contributes = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [`point${n}`, n]),
    ) as never;
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      pluginOf('test.many', '', { contributes }),
      pluginOf('test.slip', '', { contributes: { comands: [] } as never }),
      pluginOf('test.odd', '', { contributes: { 'Not A Point': 1 } as never }),
    ]);
    expect(kernel.plugins.list().map(({ error }) => error?.message)).toEqual([
      expect.stringMatching(/20000 keys, at most 64|more than/),
      expect.stringContaining("did you mean 'commands'"),
      expect.stringContaining('is no point of an application'),
    ]);
  });

  it('a point is checked by its JSON Schema, and listed without starting a plugin', async () => {
    const at = (id: string, views: unknown) =>
      pluginOf(id, '', { activation: [], contributes: { views } as never });
    const kernel = await startKernel(
      { isolation: 'worker', createHost },
      [
        at('test.a', [{ title: 'A' }]),
        at('test.b', [{ title: 1 }]),
        pluginOf('test.c', '', { activation: [], contributes: { unknown: 1 } as never }),
      ],
      {
        contributions: {
          views: {
            type: 'array',
            items: { type: 'object', properties: { title: { type: 'string' } } },
          },
        },
      },
    );
    expect(kernel.contributions('views')).toEqual([
      { plugin: 'test.a', version: '1.0.0', value: [{ title: 'A' }] },
    ]);
    expect(kernel.plugins.list().map(({ state }) => state)).toEqual([
      'resolved',
      'failed',
      'resolved',
    ]);
    expect(kernel.plugins.get('test.b')?.error).toMatchObject({
      code: 'manifest/invalid',
      message: expect.stringContaining('contributes.views'),
    });
    await kernel.plugins.disable('test.a');
    expect(kernel.contributions('views')).toEqual([]);
    expect(() => kernel.contributions('view')).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option' }),
    );
  });
});
