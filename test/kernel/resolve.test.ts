/**
 * Resolving: levels, soft edges, long chains. Cycles and unsatisfied ranges are in
 * test/bad-input/fit.test.ts.
 */
import { createKernel, type PackageInput, packageSource } from '@plinth/kernel';
import { expect, it } from 'vitest';
import { pluginOf } from '../support/plugins.ts';

const start = async (packages: readonly PackageInput[]) => {
  const kernel = await createKernel({ isolation: 'inline', sources: [packageSource(packages)] });
  await kernel.start();
  return kernel;
};

it('a chain of 5 000 plugins resolves without overflowing the stack', async () => {
  const chain = Array.from({ length: 5_000 }, (_, n) =>
    pluginOf(`test.p${n}`, '', {
      activation: [],
      ...(n < 4_999 && { dependencies: { [`test.p${n + 1}`]: '^1.0.0' } }),
    }),
  );
  const kernel = await start(chain);
  expect(kernel.plugins.list({ state: 'resolved' })).toHaveLength(5_000);
  await kernel.stop();
});

it('a cycle of needs or optional dependencies loses one edge, and every plugin starts', async () => {
  const needing = (id: string, other: string) =>
    pluginOf(id, `ctx.commands.handle('hi', () => '${id}');`, {
      provides: [`${id}@1`],
      needs: [`${other}@^1`],
    });
  const kernel = await start([
    needing('test.a', 'test.b'),
    needing('test.b', 'test.c'),
    needing('test.c', 'test.a'),
    pluginOf('test.x', '', { optionalDependencies: { 'test.y': '*' } }),
    pluginOf('test.y', '', { dependencies: { 'test.x': '*' } }),
  ]);
  expect(kernel.plugins.list({ state: 'active' }).map(({ id }) => id)).toEqual([
    'test.a',
    'test.b',
    'test.c',
    'test.x',
    'test.y',
  ]);
  expect(kernel.plugins.get('test.y')?.dependencies).toEqual(['test.x']);
  await kernel.stop();
});

it('a cycle that a soft edge leads into is still named as a whole', async () => {
  const kernel = await start([
    pluginOf('test.in', '', { optionalDependencies: { 'test.a': '*' } }),
    pluginOf('test.a', '', {
      dependencies: { 'test.b': '*' },
      optionalDependencies: { 'test.in': '*' },
    }),
    pluginOf('test.b', '', { dependencies: { 'test.a': '*' } }),
  ]);
  expect(kernel.plugins.get('test.in')?.state).toBe('active');
  for (const id of ['test.a', 'test.b'])
    expect(kernel.plugins.explain(id).error?.code).toBe('plugin/cycle');
  await kernel.stop();
});
