/** Valid manifests that don't fit this kernel, this runtime or each other. */

import { type PackageInput, packageSource } from '@plinth/kernel';
import { PluginResolutionError, PluginUnavailableError } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';
import { diagnose, INLINE, WORKER } from './diagnose.ts';

const idle = (id: string, manifest: Parameters<typeof pluginOf>[2] = {}): PackageInput =>
  pluginOf(id, '', manifest);
const needs = (...ids: string[]) => ({
  dependencies: Object.fromEntries(ids.map((id) => [id, '^1.0.0'])),
});
const throwing = (id: string, manifest: Parameters<typeof pluginOf>[2] = {}) =>
  pluginOf(id, "throw new Error('broken')", manifest);

describe('a plugin that does not fit', () => {
  it('is for another kernel: plugin/incompatible with both versions and the cure', async () => {
    const { failures, failure } = await diagnose([
      idle('test.bad', { engines: { plinth: '^2.0.0' } }),
    ]);
    expect(failures).toHaveLength(1);
    expect(failure.error).toBeInstanceOf(PluginResolutionError);
    expect(failure.error).toMatchObject({
      code: 'plugin/incompatible',
      plugin: 'test.bad',
      details: { wanted: '^2.0.0', found: '1.0.0' },
    });
    expect(failure.error.message).toMatch(
      /test\.bad \(memory:test\.bad\) needs plinth \^2\.0\.0, this is 1\.0\.0: install/,
    );
  });

  it('is for another runtime: plugin/incompatible with both', async () => {
    const other = runtime === 'node' ? 'browser' : 'node';
    const { failures, failure } = await diagnose(
      [idle('test.bad', { runtimes: [other] })],
      WORKER(),
    );
    expect(failures).toHaveLength(1);
    expect(failure.error).toMatchObject({
      code: 'plugin/incompatible',
      plugin: 'test.bad',
      details: { wanted: [other], found: [runtime] },
    });
    expect(failure.error.message).toContain(`runs in ${other} only, this is ${runtime}`);
  });

  it('requires unknown features: plugin/incompatible with their names', async () => {
    const { failure } = await diagnose([
      idle('test.bad', { requiredFeatures: ['storage', 'telepathy'] }),
    ]);
    expect(failure.error).toMatchObject({
      code: 'plugin/incompatible',
      details: { missing: ['telepathy'] },
    });
  });

  it('requires features that every kernel has: it starts', async () => {
    const parts = [
      'commands',
      'events',
      'hooks',
      'middleware',
      'messaging',
      'services',
      'storage',
      'config',
      'secrets',
      'logger',
      'metrics',
      'permissions',
    ];
    const more = ['network', 'fetch', 'fs', 'env', 'streams', 'tenants', 'hibernation'];
    const { failures, active } = await diagnose([
      idle('test.good', { requiredFeatures: [...parts, ...more] }),
    ]);
    expect([failures, active]).toEqual([[], expect.arrayContaining(['test.good'])]);
  });

  it('is refused by policy: plugin/disabled, and not counted as a failure', async () => {
    const { failures } = await diagnose([idle('test.bad')], {
      ...INLINE,
      policy: { deny: ['test.b*'] },
    });
    expect(failures).toEqual([]);
    const kernel = await startKernel({ isolation: 'inline' }, [idle('test.bad')], {
      policy: { deny: ['test.b*'] },
    });
    const { state, error } = kernel.plugins.get('test.bad') ?? {};
    expect(state).toBe('denied');
    expect(error).toBeInstanceOf(PluginUnavailableError);
    expect(error).toMatchObject({ code: 'plugin/disabled', plugin: 'test.bad' });
  });

  it.each(['process', 'sandbox'] as const)(
    'asks for an isolation that this host does not offer: %s',
    async (isolation) => {
      const { failures, failure } = await diagnose([idle('test.bad', { isolation })], {
        host: { ...createHost(), isolations: ['worker'] },
      });
      expect(failures).toHaveLength(1);
      expect(failure.error).toMatchObject({
        code: 'plugin/launch-failed',
        plugin: 'test.bad',
        details: { isolation },
      });
    },
  );

  it('asks to run inline: plugin/launch-failed with the cure', async () => {
    const { failure } = await diagnose([idle('test.bad', { isolation: 'inline' })], WORKER());
    expect(failure.error).toMatchObject({ code: 'plugin/launch-failed', plugin: 'test.bad' });
    expect(failure.error.message).toContain("option 'isolation'");
  });
});

describe('plugins with one id and version', () => {
  it('fail from the second one on: plugin/duplicate names both places', async () => {
    const { failures, active } = await diagnose([
      idle('test.twin'),
      idle('test.twin'),
      idle('test.twin'),
    ]);
    expect(active).toContain('test.twin');
    expect(failures.map(({ error }) => [error.code, error.plugin, error.details.versions])).toEqual(
      [
        ['plugin/duplicate', 'test.twin', ['1.0.0', '1.0.0']],
        ['plugin/duplicate', 'test.twin', ['1.0.0', '1.0.0']],
      ],
    );
    expect(failures[0]?.error.message).toMatch(
      /two plugins are called test\.twin: 1\.0\.0 in memory:test\.twin#1, and the same in memory:test\.twin;/,
    );
  });

  it.each<[string, PackageInput]>([
    ['unfit', idle('test.twin', { engines: { plinth: '^2.0.0' } })],
    ['invalid', idle('test.twin', { main: '../x.js' })],
  ])('run when the first one found is %s', async (_, first) => {
    const { failures, active } = await diagnose([first, idle('test.twin')]);
    expect(active).toContain('test.twin');
    expect(failures.map(({ error }) => error.plugin)).toEqual(['test.twin']);
  });

  it('from two sources fail alike, and each failure is listed', async () => {
    const { failures, active } = await diagnose([idle('test.twin')], {
      ...INLINE,
      sources: [
        packageSource([idle('test.twin')]),
        packageSource([{ manifest: '' }]),
        packageSource([{ manifest: '{' }]),
      ],
    });
    expect(active).toContain('test.twin');
    expect(failures.map(({ error }) => error.code).sort()).toEqual([
      'manifest/missing',
      'manifest/not-json',
      'plugin/duplicate',
    ]);
  });
});

describe('dependencies', () => {
  it('that are missing: plugin/unsatisfied names both', async () => {
    const { failures, failure } = await diagnose([idle('test.bad', needs('test.absent'))]);
    expect(failures).toHaveLength(1);
    expect(failure.stage).toBe('resolve');
    expect(failure.error).toMatchObject({
      code: 'plugin/unsatisfied',
      plugin: 'test.bad',
      details: { path: ['test.bad', 'test.absent'], found: [] },
    });
    expect(failure.error.message).toContain(
      'needs test.absent@^1.0.0, no plugin or host provides it',
    );
  });

  it('in another version: plugin/unsatisfied names what was found', async () => {
    const { failures, failure } = await diagnose([
      idle('test.bad', { dependencies: { 'test.old': '^2.0.0' } }),
      idle('test.old'),
    ]);
    expect(failures).toHaveLength(1);
    expect(failure.error.message).toContain(
      'needs test.old@^2.0.0, found test.old@1.0.0 (test.bad → test.old)',
    );
  });

  it('in a pre-release of the wanted version: plugin/unsatisfied', async () => {
    const { failure } = await diagnose([
      idle('test.bad', { dependencies: { 'test.beta': '^2.0.0' } }),
      idle('test.beta', { version: '2.0.0-beta.1' }),
    ]);
    expect(failure.error).toMatchObject({
      code: 'plugin/unsatisfied',
      details: { found: ['test.beta@2.0.0-beta.1'] },
    });
  });

  it('in a cycle of three: plugin/cycle with the whole path, for each of them', async () => {
    const { failures } = await diagnose([
      idle('test.a', needs('test.b')),
      idle('test.b', needs('test.c')),
      idle('test.c', needs('test.a')),
    ]);
    expect(failures.map(({ id, error }) => [id, error.code, error.message])).toEqual([
      [
        'test.a',
        'plugin/cycle',
        'cannot resolve test.a: its dependencies form a cycle (test.a → test.b → test.c → test.a)',
      ],
      [
        'test.b',
        'plugin/cycle',
        'cannot resolve test.b: its dependencies form a cycle (test.b → test.c → test.a → test.b)',
      ],
      [
        'test.c',
        'plugin/cycle',
        'cannot resolve test.c: its dependencies form a cycle (test.c → test.a → test.b → test.c)',
      ],
    ]);
  });

  it('in a cycle of required needs: plugin/cycle with the whole path, for each of them', async () => {
    const needing = (id: string, on: string) =>
      bundleOf(
        id,
        `export default { provides: [{ $id: '${id}@1' }], needs: { other: { $id: '${on}@1' } }, activate() {} };`,
        { provides: [`${id}@1`], needs: [`${on}@^1`] },
      );
    const { failures } = await diagnose([
      needing('test.a', 'test.b'),
      needing('test.b', 'test.c'),
      needing('test.c', 'test.a'),
      idle('test.user', needs('test.a')),
    ]);
    expect(
      Object.fromEntries(failures.map(({ id, error }) => [id, [error.code, error.message]])),
    ).toEqual({
      'test.a': [
        'plugin/cycle',
        'cannot start test.a: its dependencies form a cycle (test.a → test.b → test.c → test.a)',
      ],
      'test.b': [
        'plugin/cycle',
        'cannot start test.b: its dependencies form a cycle (test.b → test.c → test.a → test.b)',
      ],
      'test.c': [
        'plugin/cycle',
        'cannot start test.c: its dependencies form a cycle (test.c → test.a → test.b → test.c)',
      ],
      'test.user': [
        'plugin/dependency-failed',
        expect.stringMatching(
          /test\.user → test\.a\): cannot start test\.a: its dependencies form a cycle/,
        ),
      ],
    });
  });

  it('that lead into a cycle or a failed resolution: plugin/dependency-failed with the path', async () => {
    const { failures } = await diagnose([
      idle('test.user', needs('test.a')),
      idle('test.a', needs('test.b')),
      idle('test.b', needs('test.a')),
      idle('test.top', needs('test.mid')),
      idle('test.mid', needs('test.absent')),
    ]);
    const byId = Object.fromEntries(failures.map(({ id, error }) => [id, error]));
    expect(byId['test.user']).toMatchObject({
      code: 'plugin/dependency-failed',
      details: { path: ['test.user', 'test.a'] },
    });
    expect(byId['test.top']).toMatchObject({
      code: 'plugin/dependency-failed',
      details: { path: ['test.top', 'test.mid'] },
    });
    expect(byId['test.top']?.message).toContain('no plugin or host provides it');
  });

  it.each([1, 16])(
    'that fail at activation name the chain and the cause, once each, %i at a time',
    async (parallel) => {
      const packages = [
        idle('test.a', needs('test.b')),
        idle('test.b', needs('test.c')),
        throwing('test.c'),
        idle('test.other', needs('test.c')),
      ];
      const { failures } = await diagnose(packages, { ...INLINE, limits: { parallel } });
      const byId = Object.fromEntries(failures.map(({ id, error }) => [id, error]));
      expect(Object.keys(byId)).toHaveLength(4);
      expect(byId['test.c']).toMatchObject({
        code: 'plugin/activation-failed',
        plugin: 'test.c',
        cause: { message: 'broken' },
      });
      expect(byId['test.b']).toMatchObject({
        code: 'plugin/dependency-failed',
        plugin: 'test.b',
        details: { path: ['test.b', 'test.c'] },
      });
      expect(byId['test.a']).toMatchObject({
        code: 'plugin/dependency-failed',
        plugin: 'test.a',
        details: { path: ['test.a', 'test.b', 'test.c'] },
      });
      expect(byId['test.a']?.message).toContain('test.a → test.b → test.c');
      expect(byId['test.a']?.message).toContain('broken');
    },
  );

  it('that are optional and missing, of another version or broken have no effect', async () => {
    const { failures, active } = await diagnose([
      idle('test.a', { optionalDependencies: { 'test.absent': '*', 'test.old': '^2.0.0' } }),
      idle('test.old'),
    ]);
    expect(failures).toEqual([]);
    expect(active).toContain('test.a');
  });

  it('that are optional and cannot be resolved have no effect', async () => {
    const { failures, active } = await diagnose([
      idle('test.a', { optionalDependencies: { 'test.c': '*' } }),
      idle('test.c', needs('test.absent')),
    ]);
    expect(failures.map(({ id }) => id)).toEqual(['test.c']);
    expect(active).toContain('test.a');
  });

  it('that are optional and fail at activation have no effect', async () => {
    const { failures, active } = await diagnose([
      idle('test.a', { optionalDependencies: { 'test.c': '*' } }),
      throwing('test.c'),
    ]);
    expect(failures.map(({ id }) => id)).toEqual(['test.c']);
    expect(active).toContain('test.a');
  });
});
