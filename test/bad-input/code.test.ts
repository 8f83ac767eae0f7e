/** Bundles with every kind of mistake, inline and in workers. */

import { createKernel, type KernelOptions, type PackageInput } from '@plinth/kernel';
import {
  PluginCrashedError,
  PluginLifecycleError,
  PluginSignatureError,
  PluginTimeoutError,
} from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { bundleOf, pluginOf } from '../support/plugins.ts';
import { diagnose, INLINE, WORKER } from './diagnose.ts';

/** The message for an import; it quotes nothing of the bundle's text. */
const IMPORTS = (what: string) =>
  new RegExp(
    `^cannot load test\\.bad: test\\.bad/\\S+ threw while loading: it imports '${what}': bundle it into one file$`,
  );

function badCode(name: string, options: () => KernelOptions): void {
  const fail = async (bad: PackageInput, more: KernelOptions = {}) => {
    const { failures, failure } = await diagnose([bad], { ...options(), ...more });
    expect(failures.map(({ id }) => id)).toEqual(['test.bad']);
    expect(failure.error.plugin).toBe('test.bad');
    return failure;
  };

  describe(`code, ${name}`, () => {
    it.each<[string, string, RegExp]>([
      ['does not parse', 'export default {', /plugin\.js does not parse: ./],
      ['is empty', '', /plugin\.js is empty: build the plugin/],
      ['is blank', ' \n\t', /is empty/],
      ['is a comment', '// later', /has no default export: write 'export default definePlugin/],
      ['has no default export', 'export const activate = () => {};', /has no default export/],
      ['exports a number', 'export default 42;', /has no default export/],
      ['exports null', 'export default null;', /has no default export/],
      ['exports an object without activate', 'export default {};', /without 'activate\(ctx\)'/],
      ['exports a class without activate', 'export default class {}', /without 'activate\(ctx\)'/],
      [
        'exports an activate that is no function',
        'export default { activate: true };',
        /without 'activate\(ctx\)'/,
      ],
      [
        'exports a deactivate that is no function',
        'export default { activate() {}, deactivate: 1 };',
        /'deactivate' is not a function/,
      ],
      [
        'exports a class that throws when made',
        "export default class { constructor() { throw new Error('in the making'); } activate() {} }",
        /in the making/,
      ],
      ['throws at import', "throw new Error('at import');", /threw while loading: at import/],
      ['throws a number at import', 'throw 42;', /threw while loading: 42/],
      ['throws null at import', 'throw null;', /threw while loading/],
      [
        'throws something unprintable at import',
        'throw Object.create(null);',
        /threw while loading/,
      ],
      [
        'throws from a getter',
        'export default { get activate() { throw new Error("got"); } };',
        /got/,
      ],
      [
        'imports a file beside it',
        "import './other.js'; export default { activate() {} };",
        IMPORTS('./other.js'),
      ],
      [
        'was not bundled',
        "import { definePlugin } from '@unknown/sdk'; export default definePlugin({ activate() {} });",
        IMPORTS('@unknown/sdk'),
      ],
      [
        'provides something that is no list',
        'export default { provides: 42, activate() {} };',
        /'provides'/,
      ],
      [
        'provides something that is no contract',
        'export default { provides: [null], activate() {} };',
        /'provides'/,
      ],
      [
        'needs something that is no contract',
        'export default { needs: { other: 5 }, activate() {} };',
        /'needs'/,
      ],
      ['needs null', 'export default { needs: { other: null }, activate() {} };', /'needs'/],
      [
        'provides a contract of another plugin',
        "export default { provides: [{ $id: 'test.other@1' }], activate() {} };",
        /test\.other@1/,
      ],
    ])('that %s: plugin/load-failed', async (_, code, message) => {
      const { error, stage } = await fail(bundleOf('test.bad', code));
      expect(error).toBeInstanceOf(PluginLifecycleError);
      expect({ code: error.code, stage }).toEqual({ code: 'plugin/load-failed', stage: 'load' });
      expect(error.message).toContain('cannot load test.bad');
      expect(error.message).toMatch(message);
    });

    it('that is absent: plugin/load-failed names the file', async () => {
      const { manifest } = bundleOf('test.bad', '', { main: 'dist/plugin.js' });
      const { error } = await fail({ manifest });
      expect(error).toMatchObject({
        code: 'plugin/load-failed',
        details: { file: 'memory:test.bad/dist/plugin.js' },
      });
    });

    it('that is not where its manifest is: names the file beside the manifest', async () => {
      const { manifest } = bundleOf('test.bad', '');
      const found = {
        origin: 'https://plugins.example/bad/plugin.json',
        manifest,
        code: async () => Promise.reject(new Error('gone')),
      };
      const kernel = await createKernel({
        telemetry: { log: false },
        ...options(),
        sources: [
          {
            origin: 'here',
            async *discover() {
              yield found;
            },
          },
        ],
      });
      await kernel.start();
      expect(kernel.plugins.explain('test.bad').because).toContain(
        'https://plugins.example/bad/plugin.js cannot be read: gone',
      );
      await kernel.stop();
    });

    it('that is too large: plugin/load-failed with both sizes', async () => {
      const { error } = await fail(
        bundleOf('test.bad', `export default { activate() {} }; // ${'x'.repeat(2_000)}`),
        { limits: { codeSize: 1_000 } },
      );
      expect(error.code).toBe('plugin/load-failed');
      expect(error.message).toMatch(/has 20\d\d characters, more than the limit of 1000/);
    });

    it('that is not what the manifest describes: plugin/digest-mismatch with both digests', async () => {
      const expected = 'a'.repeat(64);
      const { error } = await fail(
        bundleOf('test.bad', 'export default { activate() {} };', {
          files: { 'plugin.js': expected },
        }),
      );
      expect(error).toBeInstanceOf(PluginSignatureError);
      expect(error).toMatchObject({
        code: 'plugin/digest-mismatch',
        details: {
          expected,
          found: expect.stringMatching(/^[0-9a-f]{64}$/),
          file: 'memory:test.bad/plugin.js',
        },
      });
      const { found } = error.details as { found: string };
      const { active } = await diagnose(
        [
          bundleOf('test.good', 'export default { activate() {} };', {
            files: { 'plugin.js': found },
          }),
        ],
        options(),
      );
      expect(active).toContain('test.good');
    });

    it('that never finishes loading: plugin/timeout after the limit', async () => {
      const { error, stage } = await fail(
        bundleOf('test.bad', 'await new Promise(() => {}); export default { activate() {} };'),
        { limits: { load: 1_000 } },
      );
      expect(stage).toBe('load');
      expect(error).toBeInstanceOf(PluginTimeoutError);
      expect(error.message).toBe("test.bad did not finish 'load' within 1000 ms");
    });

    it('whose activate never resolves: plugin/timeout after the limit', async () => {
      const { error, stage } = await fail(
        pluginOf('test.bad', "ctx.commands.handle('x', () => 1); await new Promise(() => {});"),
        { limits: { activate: 1_000 } },
      );
      expect(stage).toBe('activate');
      expect(error).toMatchObject({
        code: 'plugin/timeout',
        details: { method: 'activate', timeout: 1_000 },
      });
    });

    it('whose configure never resolves: plugin/timeout after the limit', async () => {
      const { error, stage } = await fail(
        pluginOf('test.bad', '', {}, 'configure() { return new Promise(() => {}); },'),
        { limits: { hook: 1_000 } },
      );
      expect(stage).toBe('initialize');
      expect(error).toMatchObject({ code: 'plugin/timeout', details: { method: 'configure' } });
    });

    it.each<[string, string, RegExp]>([
      ['an error', "new Error('broken')", /activate failed: broken/],
      ['a text', "'broken'", /broken/],
      ['a number', '42', /42/],
      ['null', 'null', /null/],
      ['undefined', 'undefined', /undefined/],
      ['something unprintable', 'Object.create(null)', /activate failed: ./],
      [
        'an error with a hostile getter',
        "Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } })",
        /activate failed: ./,
      ],
      [
        'an error that is its own cause',
        "(() => { const e = new Error('round'); e.cause = e; return e; })()",
        /round/,
      ],
      [
        'an error with values that cannot cross',
        "Object.assign(new Error('rich'), { details: { f() {} }, code: Symbol('s') })",
        /rich/,
      ],
    ])('whose activate throws %s: plugin/activation-failed', async (_, thrown, message) => {
      const { error, stage } = await fail(pluginOf('test.bad', `throw ${thrown};`));
      expect(stage).toBe('activate');
      expect(error).toBeInstanceOf(PluginLifecycleError);
      expect(error.code).toBe('plugin/activation-failed');
      expect(error.message).toContain('cannot activate test.bad');
      expect(error.message).toMatch(message);
      expect(error.cause).toBeInstanceOf(Error);
    });

    it('whose activate throws an AggregateError: its members are kept', async () => {
      const { error } = await fail(
        pluginOf(
          'test.bad',
          "throw new AggregateError([new TypeError('first'), new RangeError('second', { cause: new Error('why') })], 'several');",
        ),
      );
      expect(error).toMatchObject({
        code: 'plugin/activation-failed',
        cause: {
          message: 'several',
          errors: [{ message: 'first' }, { message: 'second', cause: { message: 'why' } }],
        },
      });
      const { errors } = error.cause as AggregateError;
      expect([
        error.cause instanceof AggregateError,
        errors[0] instanceof TypeError,
        errors[1] instanceof RangeError,
      ]).toEqual([true, true, true]);
    });

    it('whose configure throws: plugin/activation-failed names configure', async () => {
      const { error, stage } = await fail(
        pluginOf('test.bad', '', {}, "configure() { throw new Error('bad settings'); },"),
      );
      expect({ code: error.code, stage }).toEqual({
        code: 'plugin/activation-failed',
        stage: 'initialize',
      });
      expect(error.message).toBe('cannot activate test.bad: configure failed: bad settings');
    });

    it('whose activate fails leaves no command behind', async () => {
      const { failures } = await diagnose(
        [
          pluginOf(
            'test.bad',
            "ctx.commands.handle('x', () => 1); await ctx.commands.list(); throw new Error('late');",
          ),
        ],
        options(),
      );
      expect(failures).toHaveLength(1);
    });

    it('whose deactivate never resolves or throws does not prevent the kernel from stopping', async () => {
      const { failures, active } = await diagnose(
        [
          pluginOf('test.hangs', '', {}, 'deactivate() { return new Promise(() => {}); },'),
          pluginOf('test.throws', '', {}, "deactivate() { throw new Error('no'); },"),
        ],
        { ...options(), limits: { deactivate: 200 } },
      );
      expect(failures).toEqual([]);
      expect(active).toEqual(['test.hangs', 'test.throws', 'test.healthy']);
    });
  });
}

badCode('inline', () => INLINE);
badCode(`${runtime} worker`, WORKER);

describe(`code that only a worker survives, ${runtime}`, () => {
  const spin = 'while (true) {}';
  it.each<[string, PackageInput, object]>([
    ['at import', bundleOf('test.bad', spin), { load: 1_000 }],
    ['in activate', pluginOf('test.bad', spin), { activate: 1_000 }],
  ])('loops for ever %s: plugin/timeout, and its thread is gone', async (_, bad, limits) => {
    const { failures, failure } = await diagnose([bad], { ...WORKER(), limits });
    expect(failures).toHaveLength(1);
    expect(failure.error).toBeInstanceOf(PluginTimeoutError);
  });

  it.each<[string, string]>([
    [
      'throws an uncaught error',
      "setTimeout(() => { throw new Error('not caught'); }); await new Promise(() => {});",
    ],
    [
      'leaves a rejection unhandled',
      "Promise.reject(new Error('not caught')); await new Promise(() => {});",
    ],
  ])('%s, at import or in activate: one failure that names the cause', async (_, code) => {
    const loading = await diagnose(
      [bundleOf('test.bad', `${code} export default { activate() {} };`)],
      WORKER(),
    );
    expect(loading.failures.map(({ stage }) => stage)).toEqual(['load']);
    expect(loading.failure.error).toBeInstanceOf(PluginCrashedError);
    expect(loading.failure.error).toMatchObject({ code: 'guest/crashed', plugin: 'test.bad' });
    expect(loading.failure.error.message).toContain('not caught');
    const activating = await diagnose([pluginOf('test.bad', code)], WORKER());
    expect(activating.failures.map(({ stage }) => stage)).toEqual(['activate']);
    expect(activating.failure.error.message).toContain('not caught');
  });
});
