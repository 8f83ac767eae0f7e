/** Extensions that hang, throw or come too late: what fails is bounded, named and undone. */
import { createKernel, type KernelOptions, packageOf, packageSource } from '@plinth/kernel';
import {
  type AnyExtension,
  type Change,
  defineExtension,
  type PluginView,
} from '@plinth/kernel/extension';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const echo = pluginOf('test.echo', "ctx.commands.handle('say', (value) => value);");
const forever = () => new Promise<never>(() => {});
const start = (
  extensions: readonly AnyExtension[],
  options: KernelOptions = {},
  packages = [echo],
) => startKernel({ isolation: 'worker', createHost }, packages, { ...options, extensions });

describe(`${runtime}: an extension that hangs`, () => {
  it('in close: that is logged, and the kernel ends', async () => {
    const lines: string[] = [];
    let closed = false;
    const hung = defineExtension({ name: 'hung', uses: [] }, () => ({
      install: () => undefined,
      close: forever,
    }));
    const other = defineExtension({ name: 'other', uses: [] }, () => ({
      install: () => undefined,
      close() {
        closed = true;
      },
    }));
    const kernel = await start([other(), hung()], {
      limits: { open: 100 },
      telemetry: { log: ({ message }) => void lines.push(message) },
    });
    await kernel.stop();
    expect(closed).toBe(true);
    expect(lines.filter((line) => line.includes("'hung'"))).toEqual([
      "the extension 'hung' could not close: it did not end within 100 ms",
    ]);
  });

  it('in a check of code: the plugin fails by its name, and the kernel starts and stops', async () => {
    const hung = defineExtension({ name: 'hung', uses: ['verify'] }, () => ({
      install: (port) =>
        port.verify({
          code: ({ manifest }) => (manifest.id === 'test.bad' ? forever() : undefined),
        }),
    }));
    const kernel = await start([hung()], { limits: { hook: 200 } }, [
      echo,
      pluginOf('test.bad', ''),
    ]);
    expect(kernel.plugins.get('test.echo')?.state).toBe('active');
    expect(kernel.plugins.get('test.bad')).toMatchObject({
      state: 'failed',
      error: {
        message: expect.stringMatching(/'hung' hangs while checking the code of test\.bad/),
      },
    });
    await kernel.stop();
  });

  it('around a launch: the plugin fails, and a guest that comes too late is ended', async () => {
    const gate = Promise.withResolvers<void>();
    const late = Promise.withResolvers<void>();
    const slow = defineExtension({ name: 'slow', uses: ['launch'] }, () => ({
      install: (port) =>
        port.launch(async (_, next) => {
          const guest = await next();
          void guest.exited.then(() => late.resolve());
          await gate.promise;
          return guest;
        }),
    }));
    const kernel = await start([slow()], { limits: { hook: 100, ready: 5_000 } });
    expect(kernel.plugins.get('test.echo')).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining("'slow' hangs while launching test.echo") },
    });
    gate.resolve();
    await late.promise;
  });
});

describe(`${runtime}: an extension that throws`, () => {
  it('when a guest is made: the plugin fails by its name, and its guest ends', async () => {
    const ended = Promise.withResolvers<void>();
    const broken = defineExtension({ name: 'broken', uses: ['guests', 'launch'] }, () => ({
      install(port) {
        port.launch(async (_, next) => {
          const guest = await next();
          void guest.exited.then(() => ended.resolve());
          return guest;
        });
        port.guests(() => {
          throw new TypeError('no guests here');
        });
      },
    }));
    const kernel = await start([broken()]);
    await ended.promise;
    expect(kernel.plugins.get('test.echo')).toMatchObject({
      state: 'failed',
      error: {
        message: expect.stringMatching(
          /the extension 'broken' failed when the guest of test\.echo was made: no guests here/,
        ),
      },
    });
  });

  it('before the load of a replacement: the old guest stays, and what was done is undone', async () => {
    const seen: string[] = [];
    const picky = defineExtension({ name: 'picky', uses: ['transition'] }, () => ({
      install(port) {
        port.transition('load', {
          before: ({ version }) => {
            seen.push(`before ${version}`);
            return () => seen.push(`undo ${version}`);
          },
        });
        port.transition('load', {
          before({ version }) {
            if (version === '2.0.0') throw new Error('not this one');
          },
        });
      },
    }));
    const kernel = await start([picky()]);
    const next = packageOf(pluginOf('test.echo', '', { version: '2.0.0' }));
    expect(await rejection(kernel.plugins.update('test.echo', next))).toMatchObject({
      message: expect.stringContaining('not this one'),
    });
    expect(seen).toEqual(['before 1.0.0', 'before 2.0.0', 'undo 2.0.0']);
    expect(await kernel.commands.execute('test.echo:say', 1)).toBe(1);
    expect(kernel.plugins.get('test.echo')?.version).toBe('1.0.0');
  });

  it('in the reason of a pause: callers and explain get another one', async () => {
    const pauser = defineExtension({ name: 'pauser', uses: ['steer'] }, () => ({
      install: (port) => port,
    }));
    const kernel = await start([pauser()]);
    const { steer, plugins } = kernel.extension(pauser);
    const because = () => {
      throw new Error('no reason');
    };
    const plugin = plugins.get('test.echo') as PluginView;
    const pause = steer.pause(plugin, { name: 'p', calls: 'refuse', guest: 'keep', because });
    expect(await pause.settled).toBe(true);
    expect(await rejection(kernel.commands.execute('test.echo:say', 1))).toMatchObject({
      code: 'plugin/unavailable',
      message: expect.stringContaining("the extension 'pauser' pauses it"),
    });
    expect(kernel.plugins.explain('test.echo').because).toContain("'pauser' pauses it");
  });
});

describe(`${runtime}: an extension that comes too late`, () => {
  it('may not use a power that it took in time, and may not install later', async () => {
    const errors: unknown[] = [];
    const late = defineExtension({ name: 'late', uses: ['contribute', 'verify'] }, () => ({
      install({ contribute, verify, on }) {
        on('started', () => {
          for (const use of [
            () => contribute.point({ point: 'late', schema: {} as never }),
            () => verify({}),
          ])
            try {
              use();
            } catch (error) {
              errors.push(error);
            }
        });
      },
    }));
    await start([late()]);
    expect(errors).toEqual([
      expect.objectContaining({ code: 'extension/late' }),
      expect.objectContaining({ code: 'extension/late' }),
    ]);
    const later = defineExtension({ name: 'later', uses: [] }, () => ({
      install: async () => {
        throw new Error('not heard by anyone');
      },
    }));
    expect(await rejection(createKernel({ extensions: [later()] }))).toMatchObject({
      code: 'extension/failed',
      message: expect.stringContaining('its install() answers a promise'),
    });
  });

  it('adds plugins when it opens: their contributions are checked, too', async () => {
    const bringer = defineExtension({ name: 'bringer', uses: ['steer'] }, () => ({
      install: (port) =>
        port.on('open', async () => {
          await port.steer
            .add(
              packageOf(
                pluginOf('test.wrong', '', { activation: [], contributes: { views: 7 } as never }),
              ),
            )
            .catch(() => {});
        }),
    }));
    const kernel = await start([bringer()], { contributions: { views: { type: 'string' } } });
    expect(kernel.contributions('views')).toEqual([]);
  });
});

describe(`${runtime}: transition('remove')`, () => {
  it('is told with the plugin, its version and its last state, for every way of removal', async () => {
    const seen: (readonly [string, string | undefined, Change])[] = [];
    const watcher = defineExtension({ name: 'watcher', uses: ['transition', 'steer'] }, () => ({
      install(port) {
        port.transition('remove', {
          after: (plugin, change) => seen.push([plugin.id, plugin.version, change]),
        });
        return port;
      },
    }));
    const kernel = await start([watcher()], {}, [echo, pluginOf('test.other', '')]);
    await kernel.plugins.uninstall('test.echo');
    const { steer, plugins } = kernel.extension(watcher);
    await steer.remove(plugins.get('test.other') as PluginView);
    expect(seen).toEqual([
      ['test.echo', '1.0.0', expect.objectContaining({ name: 'remove', to: undefined })],
      ['test.other', '1.0.0', expect.objectContaining({ name: 'remove', to: undefined })],
    ]);
  });
});

describe(`${runtime}: pauses that release the guest`, () => {
  const pauser = defineExtension({ name: 'pauser', uses: ['steer'] }, () => ({
    install: (port) => port,
  }));
  const because = () => 'it is moved';
  const SHUT = { calls: 'refuse', guest: 'release', because } as const;
  const paused = async () => {
    const kernel = await start([pauser()]);
    const { steer, plugins } = kernel.extension(pauser);
    const plugin = plugins.get('test.echo') as PluginView;
    return { kernel, steer, plugin, say: () => kernel.commands.execute('test.echo:say', 1) };
  };

  it('count: the plugin starts again when the last one is over', async () => {
    const { kernel, steer, plugin, say } = await paused();
    const one = steer.pause(plugin, { name: 'one', ...SHUT });
    expect(await one.settled).toBe(true);
    const other = steer.pause(plugin, { name: 'other', ...SHUT });
    expect(await other.settled).toBe(true);
    one.dispose();
    expect(await rejection(say())).toMatchObject({ code: 'plugin/unavailable' });
    expect(plugin.state).toBe('unloaded');
    const back = nextEvent(kernel, 'plugin:activated');
    other.dispose();
    await back;
    expect(await say()).toBe(1);
  });

  it('don’t start what an operator has suspended', async () => {
    const { kernel, steer, plugin, say } = await paused();
    await kernel.plugins.suspend('test.echo');
    const shut = steer.pause(plugin, { name: 'shut', ...SHUT });
    expect(await shut.settled).toBe(true);
    expect(await rejection(say())).toMatchObject({
      message: expect.stringContaining('it is moved'),
    });
    shut.dispose();
    // Asked for after the end of the other pause, it is in force only then.
    await kernel.plugins.suspend('test.echo');
    const waiting = say();
    expect(plugin.state).toBe('suspended');
    await kernel.plugins.resume('test.echo');
    expect(await waiting).toBe(1);
  });

  it('and are ended by a call don’t wake what an operator has suspended meanwhile', async () => {
    const { kernel, steer, plugin, say } = await paused();
    const idle = steer.pause(plugin, { name: 'idle', calls: 'wake', guest: 'release', because });
    expect(await idle.settled).toBe(true);
    await kernel.plugins.suspend('test.echo');
    idle.dispose();
    await kernel.plugins.suspend('test.echo');
    const waiting = say();
    expect(plugin.state).toBe('suspended');
    await kernel.plugins.resume('test.echo');
    expect(await waiting).toBe(1);
  });

  it('started by name and stopped again, it is not started by the end of the pause', async () => {
    const { kernel, steer, plugin } = await paused();
    const shut = steer.pause(plugin, { name: 'shut', ...SHUT });
    expect(await shut.settled).toBe(true);
    await kernel.plugins.activate('test.echo');
    await kernel.plugins.deactivate('test.echo');
    shut.dispose();
    await kernel.plugins.resume('test.echo').catch(() => {});
    expect(plugin.state).toBe('unloaded');
  });
});

describe(`${runtime}: options that shape extension points`, () => {
  it('are refused by name, and the extensions can be used again', async () => {
    const one = defineExtension({ name: 'one', uses: [] }, () => ({ install: () => 1 }))();
    for (const [option, value] of [
      ['contracts', {}],
      ['contracts', null],
      ['contracts', [{}]],
      ['contributions', null],
      ['contributions', []],
      ['contributions', { views: { type: 'no such type' } }],
      ['contributions', { views: 7 }],
      ['contributions', new Map([['views', true]])],
      ['contributions', { views: new Map() }],
      ['contributions', { views: { type: [] } }],
      ['contributions', { views: { maximum: '5' } }],
      ['contributions', { views: { items: { minLength: 'x' } } }],
      ['contributions', { views: { minItems: -1 } }],
      ['contributions', { views: { uniqueItems: 'yes' } }],
      ['contributions', { views: { multipleOf: 0 } }],
    ] as const)
      expect(
        await rejection(
          createKernel({ [option]: value, extensions: [one] } as unknown as KernelOptions),
        ),
        `${option}: ${JSON.stringify(value)}`,
      ).toMatchObject({ code: 'kernel/invalid-option', message: expect.stringContaining(option) });
    keep(await createKernel({ sources: [packageSource([])], extensions: [one] }));
  });
});
