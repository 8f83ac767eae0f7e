/** Options that make no sense: no kernel is made with them, and the option is named. */
import { runtime } from '#host';
import { createKernel, type KernelOptions, packageSource } from '@plinth/kernel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const use = (_: unknown, next: () => unknown) => next();

describe(`${runtime}: options`, () => {
  it.each<readonly [what: string, option: string, options: unknown]>([
    ['a misspelt option', 'sorces', { sorces: [] }],
    ['sources that are a text', 'sources', { sources: './plugins' }],
    ['a source that finds nothing', 'sources[1]', { sources: [packageSource([]), { origin: 'x' }] }],
    ['a source that is null', 'sources[0]', { sources: [null] }],
    ['an isolation that there is not', 'isolation', { isolation: 'wroker' }],
    ['configuration that is a text', 'config', { config: './plinth.yaml' }],
    ['a misspelt layer', 'config.usr', { config: { usr: {} } }],
    ['telemetry that is null', 'telemetry', { telemetry: null }],
    ['a misspelt option of telemetry', 'telemetry.logs', { telemetry: { logs: () => {} } }],
    ['middleware that is no list', 'middleware', { middleware: { target: 'command:*', use } }],
    ['middleware that is nothing', 'middleware[0]', { middleware: [{}] }],
    ['middleware that is null', 'middleware[0]', { middleware: [null] }],
    ['middleware without a target', 'middleware[1]', { middleware: [{ target: 'command:*', use }, { use }] }],
    ['middleware that does nothing', 'middleware[0]', { middleware: [{ target: 'command:*', use: 'x' }] }],
    ['a misspelt place of middleware', 'middleware[0].befor', { middleware: [{ target: 'command:*', use, befor: 'x' }] }],
  ])('%s is refused: %s', async (_what, option, options) => {
    expect(await rejection(createKernel(options as KernelOptions))).toMatchObject({ name: 'PluginConfigurationError', code: 'kernel/invalid-option', details: { option } });
  });

  it('a command that nobody answers yet: says that the kernel has not been started, later who has not registered it', async () => {
    const kernel = await createKernel({ isolation: 'inline', sources: [packageSource([pluginOf('test.a', '')])] });
    onTestFinished(() => kernel.stop());
    const message = async (id: string) => ((await rejection(kernel.commands.execute(id))) as Error).message;
    expect(await message('test.a:go')).toBe('nobody answers test.a:go: the kernel has not been started');
    await kernel.start();
    expect(await message('test.a:go')).toBe('nobody answers test.a:go: test.a is active and has not registered it');
    expect(await message('test.b:go')).toBe('nobody answers test.b:go');
  });

  it('what makes sense is taken', async () => {
    const middleware = [{ target: 'command:*', use, name: 'outer', before: [], after: 'other' }] as NonNullable<KernelOptions['middleware']>;
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
