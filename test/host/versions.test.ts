/**
 * Several versions of one plugin: every caller reaches the one it has declared, others the highest
 * stable one.
 */

import { type Kernel, type KernelOptions, type PackageInput, packageOf } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { full } from '../support/full.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

/** Returns its version; its contract's major is that of its version. */
const library = (version: string, manifest = {}, extra = '') =>
  pluginOf(
    'test.lib',
    `ctx.commands.handle('version', () => '${version}');
     ctx.commands.handle('count', () => ++this.n);
     ctx.commands.handle('slow', async (ms) => { await new Promise((resolve) => setTimeout(resolve, ms)); return '${version}'; });
     ctx.events.on('test:tick', ({ payload }) => { this.ticks.push(payload); });
     ctx.commands.handle('ticks', () => this.ticks);
     ctx.hooks.handle('test.lib:hello', () => '${version}'); ${extra}`,
    {
      version,
      provides: [`test.lib@${version.split('.')[0]}`],
      permissions: { events: { subscribe: ['test:*'] } },
      ...manifest,
    },
    `n: 0, ticks: [], getState() { return { n: this.n }; }, restoreState({ n }) { this.n = n; },`,
  );
const user = (id: string, manifest = {}) =>
  pluginOf(
    id,
    `ctx.commands.handle('ask', (name) => ctx.commands.execute('test.lib:' + (name ?? 'version')));
     ctx.commands.handle('many', async (count) => { const seen = new Set(); for (let n = 0; n < count; n++) seen.add(await ctx.commands.execute('test.lib:version')); return [...seen]; });
     let going = false; const seen = [];
     ctx.commands.handle('go', async () => { going = true; while (going) { const version = await ctx.commands.execute('test.lib:version'); if (seen.at(-1) !== version) seen.push(version); if (++this.calls % 64 === 0) await new Promise((turn) => setTimeout(turn)); } });
     ctx.commands.handle('halt', () => { going = false; });
     ctx.commands.handle('calls', () => this.calls);
     ctx.commands.handle('seen', () => seen);`,
    { permissions: { commands: { execute: ['test.lib:*'] } }, ...manifest },
    'calls: 0,',
  );
const on = (range: string) => ({ dependencies: { 'test.lib': range } });
const Lib = (major: number) =>
  contract(`test.lib@${major}`, { version: command({}), count: command({}) });
const ask = (kernel: Kernel, id: string, version?: string) =>
  kernel.commands.execute(id, undefined, {
    timeout: 20_000,
    ...(version !== undefined && { version }),
  });

const SETTINGS: readonly Setting[] = [
  // What the kernel decides is the same inline, where starts take no time: quick runs have that.
  ...(full ? [{ isolation: 'worker' as const, createHost }] : []),
  { isolation: 'inline' },
];
for (const setting of SETTINGS) {
  const start = (packages: readonly PackageInput[], options: KernelOptions = {}) =>
    startKernel(setting, packages, { supervision: false, ...options });
  const name = setting.isolation === 'inline' ? 'inline' : `${runtime} worker`;
  const versions = (kernel: Kernel, state?: 'active') =>
    kernel.plugins
      .list(state && { state })
      .filter(({ id }) => id === 'test.lib')
      .map(({ version }) => version)
      .sort();

  describe(`${name}: versions beside each other`, () => {
    it('the default is the highest stable one, in any order of discovery', async () => {
      for (const order of [
        ['1.0.0', '2.0.0', '1.5.0'],
        ['2.0.0', '1.5.0', '1.0.0'],
        ['1.5.0', '3.0.0-beta.1', '2.0.0', '1.0.0'],
      ]) {
        const kernel = await start(order.map((version) => library(version)));
        expect(versions(kernel, 'active')).toEqual([...order].sort());
        expect(await ask(kernel, 'test.lib:version')).toBe('2.0.0');
        expect(kernel.plugins.get('test.lib')?.version).toBe('2.0.0');
      }
    });

    it('a pre-release is the default only without a stable version, and is reached by name', async () => {
      const kernel = await start([library('1.0.0'), library('2.0.0-rc.1')]);
      expect(await ask(kernel, 'test.lib:version')).toBe('1.0.0');
      expect(await ask(kernel, 'test.lib:version', '2.0.0-rc.1')).toBe('2.0.0-rc.1');
      await kernel.plugins.uninstall('test.lib@1.0.0');
      expect(await ask(kernel, 'test.lib:version')).toBe('2.0.0-rc.1');
    });

    it('each has its own memory; events and hooks reach all of them', async () => {
      const kernel = await start([library('1.0.0'), library('2.0.0')]);
      for (let n = 1; n <= 3; n++) expect(await ask(kernel, 'test.lib:count', '^1')).toBe(n);
      expect(await ask(kernel, 'test.lib:count')).toBe(1);
      await kernel.events.emit('test:tick', 7);
      for (const version of ['^1', '^2'])
        await expect.poll(() => ask(kernel, 'test.lib:ticks', version)).toEqual([7]);
      expect(((await kernel.hooks.collect('test.lib:hello')) as string[]).sort()).toEqual([
        '1.0.0',
        '2.0.0',
      ]);
    });

    it('guests are routed by their dependencies and needs, others to the default', async () => {
      const kernel = await start([
        library('1.0.0'),
        library('1.4.0'),
        library('2.1.0'),
        user('test.old', on('~1.0.0')),
        user('test.one', on('^1.0.0')),
        user('test.two', on('>=2')),
        user('test.perhaps', { optionalDependencies: { 'test.lib': '~1.0.0' } }),
        user('test.need', { needs: ['test.lib@^1'] }),
        user('test.both', { needs: ['test.lib@^2'], ...on('>=1') }),
        user('test.any'),
      ]);
      const reached: Record<string, unknown> = {};
      for (const id of ['old', 'one', 'two', 'perhaps', 'need', 'both', 'any'])
        reached[id] = await ask(kernel, `test.${id}:ask`);
      expect(reached).toEqual({
        old: '1.0.0',
        one: '1.4.0',
        two: '2.1.0',
        perhaps: '1.0.0',
        need: '1.4.0',
        both: '2.1.0',
        any: '2.1.0',
      });
      expect(
        await Promise.all(
          Array.from({ length: 40 }, (_, n) =>
            ask(kernel, `test.${n % 2 === 0 ? 'one' : 'two'}:ask`),
          ),
        ),
      ).toEqual(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? '1.4.0' : '2.1.0')));
    });

    it('the host is routed by a client of a contract, by its range, and by the range of a call', async () => {
      const kernel = await start([library('1.0.0'), library('1.4.0'), library('2.1.0')]);
      expect(await kernel.client(Lib(1)).version(undefined)).toBe('1.4.0');
      expect(await kernel.client(Lib(2)).version(undefined)).toBe('2.1.0');
      expect(await kernel.client(Lib(1), { version: '1.0.0' }).version(undefined)).toBe('1.0.0');
      expect(await kernel.client(Lib(1)).version(undefined, { version: '~1.0.0' })).toBe('1.0.0');
      expect(await ask(kernel, 'test.lib:version', '^1.0.0')).toBe('1.4.0');
      expect(await ask(kernel, 'test.lib:version', '<1.4')).toBe('1.0.0');
      expect(
        (await rejection(kernel.client(Lib(1), { version: '^2' }).version(undefined))).code,
      ).toBe('plugin/unsatisfied');
      expect((await rejection(ask(kernel, 'test.lib:version', 'newest please'))).code).toBe(
        'call/invalid-option',
      );
      expect(() => kernel.client(Lib(1), { version: 'newest please' })).toThrow(
        expect.objectContaining({ code: 'call/invalid-option' }),
      );
    });

    it('an unsatisfied range is an error that names the found versions', async () => {
      const kernel = await start([
        library('1.0.0'),
        library('2.0.0'),
        user('test.three', on('^3')),
      ]);
      const error = await rejection(ask(kernel, 'test.lib:version', '^3'));
      expect(error).toMatchObject({ code: 'plugin/unsatisfied', plugin: 'test.lib' });
      expect(error.message).toMatch(/test\.lib@\^3/);
      for (const found of ['test.lib@1.0.0', 'test.lib@2.0.0'])
        expect(error.details?.found).toContain(found);
      expect(kernel.plugins.explain('test.three')).toMatchObject({
        error: {
          code: 'plugin/unsatisfied',
          details: { found: expect.arrayContaining(['test.lib@1.0.0', 'test.lib@2.0.0']) },
        },
      });
      const single = await start([library('1.0.0')]);
      expect((await rejection(ask(single, 'test.lib:version', '^3'))).code).toBe(
        'plugin/unsatisfied',
      );
    });

    it('the same error when the only version has not been started', async () => {
      const kernel = await start([library('1.0.0', { activation: ['command:test.lib:version'] })]);
      expect(await rejection(ask(kernel, 'test.lib:version', '^3'))).toMatchObject({
        code: 'plugin/unsatisfied',
        details: { found: ['test.lib@1.0.0'] },
      });
      expect(kernel.plugins.get('test.lib')?.state).toBe('resolved');
    });

    it('a call wakes only the version it means', async () => {
      const activation = ['command:test.lib:version'];
      const kernel = await start([
        library('1.0.0', { activation }),
        library('1.4.0', { activation }),
        library('2.0.0', { activation }),
      ]);
      expect(await ask(kernel, 'test.lib:version', '~1.0.0')).toBe('1.0.0');
      expect(versions(kernel, 'active')).toEqual(['1.0.0']);
      expect(await ask(kernel, 'test.lib:version', '^2')).toBe('2.0.0');
      expect(versions(kernel, 'active')).toEqual(['1.0.0', '2.0.0']);
    });

    it('a call without a range wakes the default version, also while a lower one runs', async () => {
      const kernel = await start([
        library('1.0.0'),
        library('2.0.0', { activation: ['command:test.lib:version'] }),
      ]);
      expect(await ask(kernel, 'test.lib:version')).toBe('2.0.0');
    });

    it('get, activate and deactivate apply to the named version; the other continues', async () => {
      const kernel = await start([library('1.0.0'), library('1.4.0'), library('2.0.0')]);
      const { plugins } = kernel;
      expect([
        plugins.get('test.lib@^1')?.version,
        plugins.get('test.lib', '~1.0.0')?.version,
        plugins.get('test.lib@2.0.0')?.version,
      ]).toEqual(['1.4.0', '1.0.0', '2.0.0']);
      expect(plugins.get('test.lib@^7')).toBeUndefined();
      expect((await rejection(plugins.activate('test.lib@^7'))).code).toBe('plugin/not-found');
      await plugins.deactivate('test.lib@2.0.0');
      expect(await ask(kernel, 'test.lib:version')).toBe('1.4.0');
      expect((await rejection(ask(kernel, 'test.lib:version', '^2'))).code).toMatch(
        /^plugin\/(unavailable|unsatisfied)$/,
      );
      await plugins.activate('test.lib@2.0.0');
      expect(await ask(kernel, 'test.lib:version')).toBe('2.0.0');
      await plugins.deactivate('test.lib@1.0.0');
      expect(versions(kernel, 'active')).toEqual(['1.4.0', '2.0.0']);
      await plugins.uninstall('test.lib@1.4.0');
      expect(versions(kernel)).toEqual(['1.0.0', '2.0.0']);
      await plugins.activate('test.lib@1.0.0');
      expect(await ask(kernel, 'test.lib:version', '^1')).toBe('1.0.0');
      await plugins.uninstall('test.lib');
      expect(versions(kernel)).toEqual([]);
    });

    it('the same version twice is refused, whether it runs or not', async () => {
      const kernel = await start([library('1.0.0'), library('2.0.0', { activation: [] })]);
      for (const version of ['1.0.0', '2.0.0'])
        expect((await rejection(kernel.plugins.install(packageOf(library(version))))).code).toBe(
          'plugin/duplicate',
        );
      expect(await ask(kernel, 'test.lib:version')).toBe('1.0.0');
    });

    it('a call to a stopped version says so, and does not go to another', async () => {
      const kernel = await start([library('1.0.0'), library('2.0.0'), user('test.two', on('^2'))]);
      const slow = kernel.commands.execute('test.lib:slow', 5_000, { version: '^2' });
      const settled = rejection(slow);
      await kernel.plugins.deactivate('test.lib@2.0.0', { drain: 0 });
      expect((await settled).code).toMatch(/^(guest|plugin)\//);
      expect((await rejection(ask(kernel, 'test.two:ask'))).code).toBe('plugin/dependency-failed');
      expect(await ask(kernel, 'test.lib:version')).toBe('1.0.0');
    });

    it.each([
      ['another that its caller means', [library('1.0.0')], '1.0.0'],
      ['no version when there is none', [], 'plugin/unsatisfied'],
    ] as const)(
      'a call that waits while its version is replaced goes to %s',
      async (_, others, expected) => {
        const asking = `async getState() { await this.ctx.commands.execute('host:now'); return { n: 0 }; },`;
        const replaced = pluginOf(
          'test.lib',
          `this.ctx = ctx; ctx.commands.handle('version', () => '1.4.0');`,
          { version: '1.4.0', permissions: { commands: { execute: ['host:now'] } } },
          asking,
        );
        const kernel = await start([...others, replaced]);
        const calls: Promise<unknown>[] = [];
        // When it is asked for its state, it is already paused.
        kernel.commands.handle('now', () => {
          calls.push(
            ask(kernel, 'test.lib:version', '^1').catch((error: { code?: string }) => error.code),
            ask(kernel, 'test.lib:version', '>=1'),
            ask(kernel, 'test.lib:version'),
          );
        });
        await kernel.plugins.update('test.lib@1.4.0', packageOf(library('2.0.0')), {
          consent: true,
        });
        expect(await Promise.all(calls)).toEqual([expected, '2.0.0', '2.0.0']);
      },
    );

    it('reloading one leaves the others unchanged, and a caller never reaches another meanwhile', async () => {
      const kernel = await start([
        library('1.0.0'),
        library('2.0.0'),
        user('test.one', on('^1')),
        user('test.two', on('^2')),
      ]);
      for (let n = 0; n < 3; n++) await ask(kernel, 'test.lib:count', '^1');
      const since = kernel.plugins.get('test.lib@2.0.0')?.since;
      const going = ['test.one', 'test.two'].map((id) =>
        kernel.commands.execute(`${id}:go`, undefined, { timeout: 60_000 }),
      );
      await expect.poll(() => ask(kernel, 'test.one:calls')).toBeGreaterThan(3);
      await kernel.plugins.reload('test.lib@1.0.0');
      await kernel.plugins.reload('test.lib@1.0.0', packageOf(library('1.0.1')));
      await expect
        .poll(async () => ((await ask(kernel, 'test.one:seen')) as string[]).length)
        .toBe(2);
      await Promise.all(['test.one', 'test.two'].map((id) => ask(kernel, `${id}:halt`)));
      await Promise.all(going);
      expect(await ask(kernel, 'test.one:seen')).toEqual(['1.0.0', '1.0.1']);
      expect(await ask(kernel, 'test.two:seen')).toEqual(['2.0.0']);
      expect(await ask(kernel, 'test.lib:count', '^1')).toBe(4);
      expect(await ask(kernel, 'test.lib:count')).toBe(1);
      expect(kernel.plugins.get('test.lib@2.0.0')?.since).toBe(since);
      expect(versions(kernel, 'active')).toEqual(['1.0.1', '2.0.0']);
    });

    it('each hibernates and wakes separately', async () => {
      const kernel = await start([library('1.0.0'), library('2.0.0')]);
      await ask(kernel, 'test.lib:count', '^1');
      expect(await kernel.plugins.hibernate('test.lib@1.0.0')).toBe(true);
      expect(await ask(kernel, 'test.lib:version')).toBe('2.0.0');
      expect(kernel.plugins.get('test.lib@1.0.0')?.state).toBe('suspended');
      expect(await ask(kernel, 'test.lib:count', '^1')).toBe(2);
    });

    if (setting.isolation === 'worker') {
      it('a crash of one leaves the others, and restarts the same version', async () => {
        const kernel = await start([library('1.0.0', {}, CRASH), library('2.0.0')], {
          supervision: { backoff: 20, snapshot: 10_000 },
        });
        const restarted = nextEvent(kernel, 'plugin:restarted');
        expect((await rejection(ask(kernel, 'test.lib:crash'))).code).toBe('guest/crashed');
        expect(await ask(kernel, 'test.lib:version')).toBe('2.0.0');
        expect(await ask(kernel, 'test.lib:version', '^1')).toBe('1.0.0');
        await restarted;
      });
    }
  });

  describe(`${name}: deprecated versions`, () => {
    it('are reported once for each caller and command, with the caller, and still answer', async () => {
      const kernel = await start([
        library('1.0.0'),
        library('2.0.0'),
        user('test.one', on('^1')),
        user('test.two', on('^2')),
      ]);
      const told: unknown[] = [];
      kernel.events.on('call:deprecated', ({ payload }) => told.push(payload));
      await kernel.plugins.deprecate('test.lib@1.0.0', 'use 2');
      for (let n = 0; n < 3; n++) {
        expect(await ask(kernel, 'test.one:ask')).toBe('1.0.0');
        expect(await ask(kernel, 'test.two:ask')).toBe('2.0.0');
        expect(await ask(kernel, 'test.lib:version')).toBe('2.0.0');
        await ask(kernel, 'test.lib:version', '^1');
        await ask(kernel, 'test.lib:count', '^1');
      }
      const fact = (command: string, caller: string) => ({
        command: `test.lib:${command}`,
        caller,
        version: '1.0.0',
        message: 'use 2',
      });
      expect(told).toEqual([
        fact('version', 'test.one'),
        fact('version', 'host'),
        fact('count', 'host'),
      ]);
    });

    it('are reported also for the only version, and when it has to be woken; no longer once this is undone', async () => {
      const kernel = await start([
        library('1.0.0', { activation: ['command:test.lib:version'] }),
        user('test.any'),
      ]);
      const told: unknown[] = [];
      kernel.events.on('call:deprecated', ({ payload }) => told.push(payload.caller));
      await kernel.plugins.deprecate('test.lib', 'gone soon');
      expect(await ask(kernel, 'test.any:ask')).toBe('1.0.0');
      expect(await ask(kernel, 'test.any:ask')).toBe('1.0.0');
      expect(told).toEqual(['test.any']);
      await kernel.plugins.deprecate('test.lib', false);
      expect(await ask(kernel, 'test.lib:version')).toBe('1.0.0');
      expect(told).toEqual(['test.any']);
      expect((await rejection(kernel.plugins.deprecate('test.unknown', 'x'))).code).toBe(
        'plugin/not-found',
      );
    });
  });

  if (setting.isolation === 'worker') {
    it(`${name}: calls wait for the default version that restarts after a crash, and do not go to a lower one`, async () => {
      const kernel = await start(
        [
          library('1.0.0'),
          library('2.0.0', {}, CRASH),
          user('test.any'),
          user('test.range', on('>=1')),
        ],
        { supervision: { backoff: 50 } },
      );
      const crashed = nextEvent(kernel, 'plugin:crashed');
      await rejection(ask(kernel, 'test.lib:crash'));
      await crashed;
      const calls = [
        ask(kernel, 'test.lib:version'),
        ask(kernel, 'test.any:ask'),
        ask(kernel, 'test.range:ask'),
        ask(kernel, 'test.lib:version', '^1'),
      ];
      expect(await Promise.all(calls)).toEqual(['2.0.0', '2.0.0', '2.0.0', '1.0.0']);
    });

    it(`${name}: calls of a quarantined version go to a lower one`, async () => {
      const kernel = await start([library('1.0.0'), library('2.0.0', {}, CRASH)], {
        supervision: { backoff: 50, crashes: 1 },
      });
      const quarantined = nextEvent(kernel, 'plugin:quarantined');
      await rejection(ask(kernel, 'test.lib:crash'));
      await quarantined;
      expect(await ask(kernel, 'test.lib:version')).toBe('1.0.0');
    });

    describe(`${name}: versions and lanes`, () => {
      it('a version that arrives during traffic over a lane gets only callers that mean it', async () => {
        const kernel = await start(
          [
            library('1.0.0'),
            user('test.one', on('^1')),
            user('test.need', { needs: ['test.lib@^1'] }),
            user('test.any'),
          ],
          { lanes: { calls: 8 } },
        );
        const ids = ['test.one', 'test.need', 'test.any'];
        const opened = nextEvent(kernel, 'lane:opened');
        const going = ids.map((id) =>
          kernel.commands.execute(`${id}:go`, undefined, { timeout: 60_000 }),
        );
        await opened;
        await expect
          .poll(() => kernel.metrics.snapshot().laneCalls, { interval: 10 })
          .toBeGreaterThan(20);
        await kernel.plugins.install(packageOf(library('2.0.0')));
        await kernel.plugins.activate('test.lib@2.0.0');
        // The caller without a declaration switches to the default.
        await expect.poll(() => ask(kernel, 'test.any:seen')).toEqual(['1.0.0', '2.0.0']);
        await kernel.plugins.install(packageOf(library('1.1.0')));
        await kernel.plugins.activate('test.lib@1.1.0');
        for (const id of ['test.one', 'test.need'])
          await expect.poll(() => ask(kernel, `${id}:seen`)).toEqual(['1.0.0', '1.1.0']);
        await Promise.all(ids.map((id) => ask(kernel, `${id}:halt`)));
        await Promise.all(going);
        expect(await ask(kernel, 'test.any:seen')).toEqual(['1.0.0', '2.0.0']);
        for (const id of ['test.one', 'test.need']) {
          expect(await ask(kernel, `${id}:seen`)).toEqual(['1.0.0', '1.1.0']);
          expect(await kernel.commands.execute(`${id}:many`, 100)).toEqual(['1.1.0']);
        }
        expect(await kernel.commands.execute('test.any:many', 100)).toEqual(['2.0.0']);
      });

      it('when only one version is left, pairs get a lane to it again', async () => {
        const kernel = await start([library('1.0.0'), library('2.0.0'), user('test.any')], {
          lanes: { calls: 8 },
        });
        expect(await kernel.commands.execute('test.any:many', 50)).toEqual(['2.0.0']);
        expect(kernel.metrics.snapshot().laneCalls).toBe(0);
        await kernel.plugins.uninstall('test.lib@2.0.0');
        const opened = nextEvent(kernel, 'lane:opened');
        expect(await kernel.commands.execute('test.any:many', 50)).toEqual(['1.0.0']);
        expect(await opened).toEqual({ caller: 'test.any', provider: 'test.lib' });
      });

      it('a version that is deprecated during traffic over a lane is reported', async () => {
        const kernel = await start([library('1.0.0'), user('test.any')], { lanes: { calls: 8 } });
        const opened = nextEvent(kernel, 'lane:opened');
        const going = kernel.commands.execute('test.any:go', undefined, { timeout: 60_000 });
        await opened;
        const told = nextEvent(kernel, 'call:deprecated');
        await kernel.plugins.deprecate('test.lib', 'use another');
        expect(await told).toMatchObject({ caller: 'test.any', command: 'test.lib:version' });
        await ask(kernel, 'test.any:halt');
        await going;
      });
    });
  }
}
