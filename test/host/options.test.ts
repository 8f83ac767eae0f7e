/** Invalid options: no kernel is created, and the error names the option. */

import { createKernel, type KernelOptions, memoryStorage, packageSource } from '@plinth/kernel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const use = (_: unknown, next: () => unknown) => next();

describe(`${runtime}: options`, () => {
  it.each<readonly [what: string, option: string, options: unknown]>([
    ['a misspelt option', 'sorces', { sorces: [] }],
    ['a short form of the hosts', 'plugins', { plugins: './plugins' }],
    ['a misspelt short form', 'pluigns', { pluigns: './plugins' }],
    ['limits that are null', 'limits', { limits: null }],
    ['a misspelt key of lanes', 'lanes.call', { lanes: { call: 5 } }],
    [
      'a misspelt key of resilience',
      "resilience['*'].retyr",
      { resilience: { '*': { retyr: 3 } } },
    ],
    ['sources that are a text', 'sources', { sources: './plugins' }],
    [
      'a source that finds nothing',
      'sources[1]',
      { sources: [packageSource([]), { origin: 'x' }] },
    ],
    ['a source that is null', 'sources[0]', { sources: [null] }],
    ['a host that starts nothing', 'host', { host: { isolations: ['worker'] } }],
    ['a host that is null', 'host', { host: [null] }],
    ['a storage that is not there yet', 'storage', { storage: Promise.resolve(memoryStorage()) }],
    ['a storage without methods', 'storage', { storage: {} }],
    ['a storage that is null', 'storage', { storage: null }],
    ['an isolation that there is not', 'isolation', { isolation: 'wroker' }],
    ['configuration that is a text', 'config', { config: './plinth.yaml' }],
    ['configuration that is not there yet', 'config', { config: Promise.resolve({}) }],
    ['configuration that is a list', 'config', { config: [] }],
    ['configuration that is null', 'config', { config: null }],
    ['a layer that is not there yet', 'config.user', { config: { user: Promise.resolve({}) } }],
    ['a layer that is null', 'config.global', { config: { global: null } }],
    ['a layer that is a number', 'config.runtime', { config: { runtime: 5 } }],
    ['variables that are a text', 'config.env', { config: { env: 'A=1' } }],
    ...(
      [
        'audit',
        'hibernation',
        'limits',
        'lanes',
        'metrics',
        'resilience',
        'secrets',
        'services',
      ] as const
    ).map((name) => [`${name} of a promise`, name, { [name]: Promise.resolve({}) }] as const),
    ['supervision that is a Map', 'supervision', { supervision: new Map() }],
    ['what is kept of a list', 'audit.retain', { audit: { retain: [] } }],
    ['resources of a promise', 'policy.resources', { policy: { resources: Promise.resolve({}) } }],
    ['what cannot be printed', 'isolation', { isolation: Object.create(null) }],
    ['a misspelt layer', 'config.usr', { config: { usr: {} } }],
    ['telemetry that is null', 'telemetry', { telemetry: null }],
    ['a misspelt option of telemetry', 'telemetry.logs', { telemetry: { logs: () => {} } }],
    ['middleware that is no list', 'middleware', { middleware: { target: 'command:*', use } }],
    ['middleware that is nothing', 'middleware[0]', { middleware: [{}] }],
    ['middleware that is null', 'middleware[0]', { middleware: [null] }],
    [
      'middleware without a target',
      'middleware[1]',
      { middleware: [{ target: 'command:*', use }, { use }] },
    ],
    [
      'middleware that does nothing',
      'middleware[0]',
      { middleware: [{ target: 'command:*', use: 'x' }] },
    ],
    [
      'a misspelt place of middleware',
      'middleware[0].befor',
      { middleware: [{ target: 'command:*', use, befor: 'x' }] },
    ],
  ])('%s is refused: %s', async (_what, option, options) => {
    expect(await rejection(createKernel(options as KernelOptions))).toMatchObject({
      name: 'PluginConfigurationError',
      code: 'kernel/invalid-option',
      details: { option },
    });
  });

  it('a misspelt option is refused with the closest known one', async () => {
    for (const [options, near] of [
      [{ pluigns: './plugins' }, "did you mean 'plugins'"],
      [{ dta: './data' }, "did you mean 'data'"],
      [{ limits: { redy: 5 } }, "did you mean 'ready'"],
      [{ supervision: { backof: 5 } }, "did you mean 'backoff'"],
      [{ hibernation: { idel: 5 } }, "did you mean 'idle'"],
      [{ resilience: { '*': { cahce: 5 } } }, "did you mean 'cache'"],
    ] as const)
      expect(
        (await rejection(createKernel(options as unknown as KernelOptions))).message,
      ).toContain(near);
    expect(() => createHost({ spare: 1 } as never)).toThrow(
      /no option 'spare' \(did you mean 'spares'\?\)/,
    );
  });

  it('an unknown event of the kernel is refused, for the application and for plugins', async () => {
    const errors: string[] = [];
    const kernel = await createKernel({
      isolation: 'inline',
      sources: [
        packageSource([
          pluginOf('test.a', "ctx.events.on('plugin:activate', () => {});", {
            permissions: { events: { subscribe: ['*'] } },
          }),
        ]),
      ],
      telemetry: { log: ({ level, message }) => level === 'error' && errors.push(message) },
    });
    onTestFinished(() => kernel.stop());
    expect(() => kernel.events.on('plugin:activate', () => {})).toThrow(
      /no event 'plugin:activate' \(did you mean 'plugin:activated'\?\)/,
    );
    expect(() => kernel.events.once('plugin:foo*', () => {})).toThrow(/no event/);
    for (const pattern of [
      'plugin:*',
      'plugin:act*',
      '*',
      'config:changed',
      'test.a:went',
      'plug*',
    ])
      kernel.events.on(pattern, () => {}).dispose();
    await kernel.start();
    expect(JSON.stringify([errors, kernel.plugins.get('test.a')?.error?.message])).toContain(
      "did you mean 'plugin:activated'",
    );
  });

  it('the error of a command without provider says that the kernel has not been started, later which plugin has not registered it', async () => {
    const kernel = await createKernel({
      isolation: 'inline',
      sources: [packageSource([pluginOf('test.a', '')])],
    });
    onTestFinished(() => kernel.stop());
    const message = async (id: string) =>
      ((await rejection(kernel.commands.execute(id))) as Error).message;
    expect(await message('test.a:go')).toBe(
      'no plugin or host answers test.a:go: the kernel has not been started',
    );
    await kernel.start();
    expect(await message('test.a:go')).toBe(
      'no plugin answers test.a:go: test.a is active and has not registered it',
    );
    expect(await message('test.b:go')).toBe('no plugin or host answers test.b:go');
  });

  it('valid options are accepted', async () => {
    const middleware = [
      { target: 'command:*', use, name: 'outer', before: [], after: 'other' },
    ] as NonNullable<KernelOptions['middleware']>;
    for (const isolation of ['inline', 'worker', 'process', 'sandbox', () => undefined] as const) {
      const kernel = await createKernel({
        sources: [packageSource([])],
        isolation,
        middleware,
        telemetry: { log: () => {} },
        config: { global: {}, env: {}, user: {}, runtime: {} },
      });
      await kernel.stop();
    }
  });
});
