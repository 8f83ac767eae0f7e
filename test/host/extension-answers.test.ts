/** What extensions answer and throw where it is used at once: a mistake never passes for a yes. */
import {
  createKernel,
  type KernelOptions,
  memoryStorage,
  packageOf,
  packageSource,
} from '@plinth/kernel';
import {
  type AnyExtension,
  type Documents,
  defineExtension,
  type ExtensionPort,
  type Interceptor,
  observer,
  type PluginView,
  wrapper,
} from '@plinth/kernel/extension';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const echo = pluginOf('test.echo', "ctx.commands.handle('say', (value) => value);");
const anything = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => ({ value }),
  },
} as const;

const Echo = contract('test.echo@1', {
  say: command({ input: anything, output: anything }),
});
const forever = () => new Promise<never>(() => {});
const later = (what: string) => async () => {
  await Promise.resolve();
  throw new Error(`late: ${what}`);
};

async function start(
  extensions: readonly AnyExtension[],
  options: KernelOptions = {},
  packages = [echo],
) {
  const errors: string[] = [];
  const kernel = await startKernel({ isolation: 'worker', createHost }, packages, {
    telemetry: { log: ({ level, message }) => void (level === 'error' && errors.push(message)) },
    ...options,
    extensions,
  });
  return {
    kernel,
    errors,
    say: (value: unknown) => kernel.commands.execute('test.echo:say', value),
  };
}

describe(`${runtime}: an extension that acts`, () => {
  const actor = defineExtension({ name: 'actor', uses: ['calls'] }, () => ({
    install: (port) => port.calls,
  }));

  it.each([undefined, null, {}])('as %s gets no rights of the host', async (nothing) => {
    const { kernel } = await start([actor()]);
    const { execute, client, publish, may } = kernel.extension(actor);
    const as = nothing as unknown as PluginView;
    const refused = { code: 'plugin/not-found' };
    expect(await rejection(execute('test.echo:say', 1, { as }))).toMatchObject(refused);
    expect(await rejection(publish('news', 1, { as }))).toMatchObject(refused);
    const { say } = client(Echo, { as });
    expect(await rejection(say(1))).toMatchObject(refused);
    expect(() => may(as, 'commands.execute', 'test.echo:say')).toThrow(/no plugin/);
    expect(await execute('test.echo:say', 1)).toBe(1);
  });
});

describe(`${runtime}: a client of an extension`, () => {
  it('of a contract that has a time names the user of each call', async () => {
    const actor = defineExtension({ name: 'actor', uses: ['calls'] }, () => ({
      install: (port) => port.calls,
    }));
    const asked = pluginOf(
      'test.echo',
      "ctx.commands.handle('say', (_, call) => call.user ?? '');",
    );
    const { kernel } = await start([actor()], {}, [asked]);
    const timed = contract('test.echo@1', { say: command({ timeout: 5_000 }) });
    const { say } = kernel.extension(actor).client(timed, { user: 'u1' });
    const own = say as (input: unknown, options?: { readonly user: string }) => Promise<unknown>;
    expect(await own(1)).toBe('u1');
    expect(await own(1, { user: 'u2' })).toBe('u2');
  });
});

describe(`${runtime}: hooks of an extension before a step`, () => {
  it('whose undo hangs hold up neither a failed start nor the stop', async () => {
    const hung = defineExtension({ name: 'hung', uses: ['transition'] }, () => ({
      install(port) {
        port.transition('activate', { before: () => forever });
        port.transition('activate', {
          before({ id }) {
            if (id === 'test.bad') throw new Error('not this one');
          },
        });
      },
    }));
    const { kernel, errors } = await start([hung()], { limits: { hook: 50 } }, [
      echo,
      pluginOf('test.bad', ''),
    ]);
    expect(kernel.plugins.get('test.echo')?.state).toBe('active');
    expect(kernel.plugins.get('test.bad')?.state).toBe('failed');
    expect(errors).toContainEqual(
      expect.stringContaining("could not undo what it did before 'activate' of test.bad"),
    );
    await kernel.stop();
  });

  it('that come too late are undone when they come', async () => {
    const gate = Promise.withResolvers<void>();
    const undone = Promise.withResolvers<string>();
    const slow = defineExtension({ name: 'slow', uses: ['transition'] }, () => ({
      install(port) {
        port.transition('activate', {
          async before({ id }) {
            await gate.promise;
            return () => undone.resolve(id);
          },
        });
      },
    }));
    const { kernel } = await start([slow()], { limits: { hook: 50 } });
    expect(kernel.plugins.get('test.echo')).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining("'slow' failed before 'activate'") },
    });
    gate.resolve();
    expect(await undone.promise).toBe('test.echo');
  });
});

describe(`${runtime}: what an extension throws, at once or later`, () => {
  const boom = later('boom');

  it('where it only listens is logged with its name, and nothing else fails', async () => {
    const loud = defineExtension(
      {
        name: 'loud',
        uses: ['events', 'calls', 'intercept', 'transition', 'contribute', 'guests'],
      },
      () => ({
        install(port) {
          port.events.on('plugin:activated', later('on'));
          port.events.onAny(['plugin:activated'], later('any'));
          port.calls.listen('plugin:activated', later('listen'));
          port.transition('activate', { after: later('after') });
          port.guests(() => ({ ended: later('ended') }));
          const point = port.contribute.point({ point: 'colours', schema: anything });
          point.onChange(later('change'));
          point.onChange(() => {
            throw new Error('late: change at once');
          });
          for (const place of ['outside', 'inside'] as const)
            port.intercept({
              place,
              for: () => observer({ start: later(`start ${place}`), end: later(`end ${place}`) }),
            });
        },
      }),
    );
    const { kernel, errors, say } = await start([loud()]);
    expect(await say(1)).toBe(1);
    await kernel.stop();
    const told = errors.map((line) => /^the extension 'loud' .*late: (.*)$/.exec(line)?.[1]);
    expect(new Set(told)).toEqual(
      new Set([
        ...['on', 'any', 'listen', 'after', 'ended', 'change', 'change at once'],
        ...['start outside', 'end outside', 'start inside', 'end inside'],
      ]),
    );
  });

  it('where its policy is asked for fails the call', async () => {
    const answers: Record<string, () => unknown> = {
      'test.echo:say': boom,
      'test.echo:none': () => null,
      'test.echo:text': () => 'wrapper',
    };
    const odd = defineExtension({ name: 'odd', uses: ['intercept'] }, () => ({
      install: (port) =>
        void port.intercept({ place: 'outside', for: ({ id }) => answers[id]?.() as undefined }),
    }));
    const words = ['say', 'none', 'text'].map(
      (name) => `ctx.commands.handle('${name}', (value) => value);`,
    );
    const { kernel } = await start([odd()], {}, [pluginOf('test.echo', words.join('\n'))]);
    const call = (name: string) => kernel.commands.execute(`test.echo:${name}`, 1);
    for (const name of ['say', 'text'])
      expect(await rejection(call(name))).toMatchObject({
        code: 'extension/failed',
        message: expect.stringContaining(`could not say what it does with test.echo:${name}`),
      });
    expect(await call('none')).toBe(1);
  });

  it('that no reader can read is replaced, and the call ends', async () => {
    const cruel = defineExtension({ name: 'cruel', uses: ['intercept'] }, () => ({
      install: (port) =>
        void port.intercept({
          place: 'outside',
          for: ({ kind }) =>
            kind === 'command'
              ? wrapper(() => {
                  throw Object.defineProperty(new Error('x'), 'code', {
                    get() {
                      throw new Error('no code');
                    },
                  });
                })
              : undefined,
        }),
    }));
    const { say } = await start([cruel()]);
    expect(await rejection(say(1))).toMatchObject({
      code: 'call/failed',
      message: expect.stringContaining('cannot be read'),
    });
  });

  it('in a check as undefined makes the plugin fail, and not the kernel', async () => {
    const silent = defineExtension({ name: 'silent', uses: ['verify'] }, () => ({
      install: (port) =>
        port.verify({
          manifest({ manifest }) {
            if (manifest.id === 'test.bad') throw undefined;
            return undefined;
          },
        }),
    }));
    const { kernel } = await start([silent()], {}, [echo, pluginOf('test.bad', '')]);
    expect(kernel.plugins.list().map(({ state }) => state)).toContain('active');
    expect(kernel.plugins.list().map(({ state }) => state)).toContain('failed');
  });
});

describe(`${runtime}: a guard of an extension`, () => {
  it('in front of requests that answers later lets none pass', async () => {
    const gate = defineExtension({ name: 'gate', uses: ['guests'] }, () => ({
      install: (port) => port.guests(() => ({ request: later('no') })),
    }));
    const asks = pluginOf(
      'test.asks',
      `ctx.commands.handle('ask', () => ctx.storage.set('key', 1).then(() => 'kept', (error) => error.code));`,
      { permissions: { storage: {} } },
    );
    const { kernel } = await start([gate()], {}, [asks]);
    const failed = kernel.plugins.get('test.asks');
    const answer =
      failed?.state === 'active' ? await kernel.commands.execute('test.asks:ask') : failed?.state;
    expect(['extension/failed', 'failed']).toContain(answer);
  });

  it.each([
    ['a promise', async () => ({ isolation: 'worker' as const })],
    ['an isolation that is none', () => ({ isolation: 'sandboxx' })],
    ['a name that is none', () => ({ isolaton: 'worker' })],
    ['a text', () => 'worker'],
  ])('that answers %s for a manifest lets the plugin not run', async (_, verdict) => {
    const check = defineExtension({ name: 'check', uses: ['verify'] }, () => ({
      install: (port) => port.verify({ manifest: verdict as never }),
    }));
    const { kernel } = await start([check()]);
    expect(kernel.plugins.list()).toMatchObject([
      {
        state: 'failed',
        error: {
          message: expect.stringContaining("'check' could not check the manifest of test.echo"),
        },
      },
    ]);
  });

  it.each([
    ['a promise', async () => ({ hosts: ['example.com'] })],
    ['nothing', () => null],
    ['what is no list', () => ({ hosts: 'example.com' })],
  ])('whose reach is %s lets the plugin not run', async (_, reach) => {
    const points = defineExtension({ name: 'points', uses: ['contribute'] }, () => ({
      install: (port) =>
        void port.contribute.point({
          point: 'colours',
          schema: anything,
          reach: reach as never,
        }),
    }));
    const gives = pluginOf('test.gives', '', { contributes: { colours: ['red'] } });
    const { kernel } = await start([points()], {}, [echo, gives]);
    expect(kernel.plugins.get('test.echo')?.state).toBe('active');
    expect(kernel.plugins.list().find(({ state }) => state === 'failed')?.error?.message).toContain(
      "could not tell what test.gives gets by 'contributes.colours'",
    );
  });

  it('that is added while another one is asked applies to the next call', async () => {
    const nested = defineExtension({ name: 'nested', uses: ['intercept'] }, () => ({
      install(port) {
        const shut: Interceptor = {
          place: 'outside',
          for: ({ id }) => (id === 'test.echo:say' ? wrapper(() => 'shut') : undefined),
        };
        let added = false;
        port.intercept({
          place: 'outside',
          for({ id }) {
            if (id === 'test.echo:say' && !added) {
              added = true;
              port.intercept(shut);
            }
            return undefined;
          },
        });
      },
    }));
    const { say } = await start([nested()]);
    await say(1);
    expect(await say(2)).toBe('shut');
  });
});

describe(`${runtime}: wrappers of a launch`, () => {
  it('that forget to answer the guest make the plugin fail, and the guest ends', async () => {
    const ended = Promise.withResolvers<void>();
    const forgets = defineExtension({ name: 'forgets', uses: ['launch'] }, () => ({
      install: (port) =>
        port.launch((async (_: unknown, next: () => Promise<{ exited: Promise<unknown> }>) => {
          const guest = await next();
          void guest.exited.then(() => ended.resolve());
        }) as never),
    }));
    const { kernel } = await start([forgets()]);
    expect(kernel.plugins.get('test.echo')).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining("'forgets'") },
    });
    await ended.promise;
  });

  it('that launch twice keep the guest that they answer', async () => {
    const ended = Promise.withResolvers<void>();
    const twice = defineExtension({ name: 'twice', uses: ['launch'] }, () => ({
      install: (port) =>
        port.launch(async (_, next) => {
          const one = await next();
          const other = await next();
          void other.exited.then(() => ended.resolve());
          return one;
        }),
    }));
    const { say } = await start([twice()]);
    await ended.promise;
    expect(await say(1)).toBe(1);
  });
});

describe(`${runtime}: what an extension keeps`, () => {
  it('is never hidden by the empty text', async () => {
    const hides = defineExtension({ name: 'hides', uses: [] }, () => ({
      install(port) {
        port.log.hide('');
        port.log.error('all is said');
      },
    }));
    const { errors } = await start([hides()]);
    expect(errors).toContain('all is said');
  });

  it('is measured without gauges that fail, and those are reported once', async () => {
    let broken = true;
    const gauges = defineExtension({ name: 'gauges', uses: ['metrics'] }, () => ({
      install(port) {
        port.metrics.gauge('bad', () => {
          if (broken) throw new Error('no number');
          return 2;
        });
        port.metrics.gauge('later', (async () => 1) as never);
        port.metrics.gauge('good', () => 1);
        port.metrics.counter('calls').add(3);
        return port.metrics;
      },
    }));
    const { kernel, errors } = await start([gauges()]);
    const { read, counter, gauge } = kernel.extension(gauges);
    const told = { 'gauges.good': 1, 'gauges.calls': 3 };
    for (let times = 0; times < 3; times += 1)
      expect(kernel.metrics.snapshot().extensions).toEqual(told);
    expect(read()).toEqual({ good: 1, calls: 3 });
    await kernel.diagnostics();
    expect(errors.filter((line) => line.includes('could not read a gauge'))).toHaveLength(2);
    broken = false;
    expect(read()).toEqual({ good: 1, calls: 3, bad: 2 });
    for (const again of [() => counter('calls'), () => gauge('good', () => 2)])
      expect(again).toThrow(expect.objectContaining({ code: 'extension/duplicate' }));
  });

  it('in a newer format is not overwritten', async () => {
    // It outlasts each kernel, as a database does.
    const storage = { ...memoryStorage(), close: async () => {} };
    const notes = (version: number) =>
      defineExtension({ name: 'notes', uses: ['documents'] }, () => ({
        install: (port): Documents<unknown> =>
          port.documents.open({ name: 'note', per: 'tenant', version, parse: (value) => value }),
      }));
    const [newer, older] = [notes(2), notes(1)];
    const first = await start([newer()], { storage });
    await first.kernel.extension(newer).set('new');
    await first.kernel.stop();
    const second = await start([older()], { storage });
    const refused = { code: 'registry/newer-format' };
    const document = second.kernel.extension(older);
    expect(await rejection(document.set('old'))).toMatchObject(refused);
    expect(await rejection(document.get())).toMatchObject(refused);
    await second.kernel.stop();
    const third = await start([newer()], { storage });
    expect(await third.kernel.extension(newer).get()).toBe('new');
  });
});

describe(`${runtime}: an extension and the life of the kernel`, () => {
  it('can hold nothing after the end: what it opens then is ended at once', async () => {
    const late = defineExtension({ name: 'late', uses: ['events', 'intercept', 'steer'] }, () => ({
      install: (port) => port as ExtensionPort,
    }));
    const { kernel } = await start([late()]);
    type Port = ExtensionPort<{
      readonly name: 'late';
      readonly uses: readonly ['events', 'intercept', 'steer'];
    }>;
    const port = kernel.extension(late) as unknown as Port;
    const [plugin] = port.plugins.all() as [PluginView];
    await kernel.stop();
    const stopped = expect.objectContaining({ code: 'kernel/stopped' });
    expect(() => port.after(1, () => {})).toThrow(stopped);
    expect(() => port.events.on('plugin:activated', () => {})).toThrow(stopped);
    expect(() => port.intercept({ place: 'outside', for: () => undefined })).toThrow(stopped);
    const { steer } = port;
    for (const act of [
      steer.add({ ...echo, origin: 'late' } as never),
      steer.want(plugin, 'late'),
      steer.remove(plugin),
    ])
      expect(await rejection(act)).toMatchObject({ code: 'kernel/stopped' });
    const ended = Promise.withResolvers<void>();
    port.own(() => ended.resolve());
    await ended.promise;
  });

  it('is told that a phase is over, whose tasks nothing would run', async () => {
    const told: unknown[] = [];
    const late = defineExtension({ name: 'late', uses: [] }, () => ({
      install(port) {
        port.on('open', () => port.on('open', () => told.push('in its turn')));
        port.on('started', () => {
          try {
            port.on('open', () => told.push('never'));
          } catch (error) {
            told.push((error as { readonly code?: unknown }).code);
          }
        });
      },
    }));
    await start([late()]);
    expect(told).toEqual(['in its turn', 'extension/late']);
  });

  it('whose open fails leaves no call and no event waiting', async () => {
    const shut = defineExtension({ name: 'shut', uses: [] }, () => ({
      install: (port) =>
        port.on('open', () => {
          throw new Error('no key');
        }),
    }));
    const kernel = keep(
      await createKernel({
        host: createHost(),
        sources: [packageSource([echo])],
        extensions: [shut()],
        telemetry: { log: false },
      }),
    );
    const refused = {
      code: 'extension/failed',
      message: expect.stringContaining("the extension 'shut' could not open: no key"),
    };
    const starting = rejection(kernel.start());
    const early = rejection(kernel.commands.execute('test.echo:say', 1));
    expect(await starting).toMatchObject(refused);
    expect(await early).toMatchObject(refused);
    expect(await rejection(kernel.events.emit('host:news', 1) as Promise<unknown>)).toMatchObject(
      refused,
    );
    expect(await rejection(kernel.commands.execute('test.echo:say', 1))).toMatchObject(refused);
    await kernel.stop();
  });

  it('that adds a plugin when it opens does not pass by those that open later', async () => {
    const adds = defineExtension({ name: 'adds', uses: ['steer'] }, () => ({
      install: (port) =>
        port.on('open', async () => {
          for (const id of ['test.good', 'test.bad'])
            await port.steer.add(
              packageOf(pluginOf(id, '', { contributes: { colours: ['red'] } })),
            );
        }),
    }));
    const guards = defineExtension({ name: 'guards', uses: ['contribute', 'verify'] }, () => ({
      install(port) {
        const api: { all?: () => readonly unknown[] } = {};
        port.on('open', () => {
          const colours = port.contribute.point({ point: 'colours', schema: anything });
          api.all = () => colours.all().map(({ plugin }) => plugin.id);
          port.verify({
            manifest({ manifest }) {
              if (manifest.id === 'test.bad') throw new Error('not this one');
              return undefined;
            },
          });
        });
        return api;
      },
    }));
    const { kernel } = await start([adds(), guards()]);
    expect(kernel.plugins.get('test.good')?.state).not.toBe('failed');
    const failed = kernel.plugins.list().filter(({ state }) => state === 'failed');
    expect(failed).toMatchObject([{ error: { message: expect.stringContaining('not this one') } }]);
    expect(kernel.extension(guards).all?.()).toEqual(['test.good']);
  });

  it('that adds a source which can be watched has it followed', async () => {
    type Change = { readonly origin: string; readonly found: unknown };
    let tell: ((change: Change) => Promise<void>) | undefined;
    const [source] = [packageSource([echo])];
    const adds = defineExtension({ name: 'adds', uses: ['source'] }, () => ({
      install: (port) =>
        port.source({
          ...source,
          discover: () => (source as { discover(): never }).discover(),
          watch(onChange) {
            tell = onChange as never;
            return {
              dispose() {
                tell = undefined;
              },
            };
          },
        }),
    }));
    const { kernel } = await start([adds()], {}, []);
    const { origin = '' } = kernel.plugins.get('test.echo') as { readonly origin?: string };
    await tell?.({ origin, found: undefined });
    expect(kernel.plugins.get('test.echo')).toBeUndefined();
    await kernel.stop();
    expect(tell).toBeUndefined();
  });
});
