/** `testPlugin`: a good plugin passes, and each fault is found by the check that is meant for it. */
import { defineExtension } from '@plinth/kernel/extension';
import { command, contract, definePlugin } from '@plinth/sdk';
import { HealthCheck } from '@plinth/sdk/contracts';
import {
  createTestContext,
  type PluginInput,
  reportJUnit,
  reportText,
  stub,
  testPlugin,
} from '@plinth/sdk/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { rejection } from '../support/kernels.ts';
import { bundleOf } from '../support/plugins.ts';
import { counter, manifest, notes, Search } from './notes.ts';

const ID = 'com.example.sample';
const STORAGE = { permissions: { storage: { read: true, write: true } } };

/** A bundle with the given members. */
const sample = (members: string, more: object = STORAGE) =>
  bundleOf(ID, `export default { ${members} };`, more);

/** A body of `activate` with one command that checks its input. */
const activating = (more = '') => `activate(ctx) {
  ctx.commands.handle('count', () => ctx.storage.update('count', (n) => (n ?? 0) + 1));
  ${more}
}`;

const failedOf = async (
  plugin: PluginInput,
  options: Parameters<typeof testPlugin>[1] = {},
): Promise<Readonly<Record<string, string>>> => {
  const { checks } = await testPlugin(plugin, { samples: { count: [undefined] }, ...options });
  return Object.fromEntries(checks.flatMap(({ id, ok, message }) => (ok ? [] : [[id, message]])));
};

describe('testPlugin()', () => {
  it('passes a plugin that does what it should', async () => {
    const report = await testPlugin(
      { manifest, plugin: notes },
      {
        contracts: [stub(Search, { find: () => ['bread'] })],
        samples: {
          add: [{ text: 'milk' }],
          read: ['note-1'],
          related: ['x'],
          rate: [undefined],
          remind: [1],
        },
        network: { 'https://api.example.com/rate': '1.25' },
        budget: { activate: 10_000, call: 1_000 },
        previous: { manifest: { ...manifest, version: '0.9.0' }, plugin: notes },
      },
    );
    expect(report.ok, reportText(report)).toBe(true);
    expect(report).toMatchObject({ plugin: 'com.example.notes', version: '1.0.0' });
    expect([...new Set(report.checks.map(({ group }) => group))]).toEqual([
      'contract',
      'lifecycle',
      'leaks',
      'permissions',
      'hostile',
      'performance',
      'compatibility',
    ]);
    expect(report.checks.map(({ id }) => id)).toContain('hostile/add');
  });

  it('passes a bundle in the workers of a host', async () => {
    const { code, manifest: own } = counter;
    const report = await testPlugin(
      { manifest: own, code: code.replace(/ctx.commands.handle\('wait'.*/, '') },
      {
        host: createHost(),
        samples: { count: [undefined], read: [undefined] },
        groups: ['contract', 'lifecycle', 'leaks', 'permissions'],
      },
    );
    expect(report.ok, reportText(report)).toBe(true);
  });

  it('passes a plugin that provides a contract of its application', async () => {
    const Panel = contract('com.acme.panel@1', { show: command({ output: v.string() }) });
    const plugin = definePlugin({
      provides: [Panel],
      activate(ctx) {
        ctx.provide(Panel, { show: () => 'noon' });
      },
    });
    const clock = {
      id: 'com.example.clock',
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '*' },
      provides: ['com.acme.panel@1'],
      permissions: { contracts: { provide: ['com.acme.panel'] } },
    };
    const report = await testPlugin(
      { manifest: clock, plugin },
      {
        samples: { 'com.acme.panel:show': [undefined] },
        groups: ['contract', 'lifecycle', 'permissions'],
      },
    );
    expect(report.ok, reportText(report)).toBe(true);
    expect(report.checks.map(({ id }) => id)).toContain('contract/answers:com.acme.panel:show');
    await using context = await createTestContext({ plugin, manifest: clock });
    await plugin.activate(context);
    expect(await context.invoke(Panel.show)).toBe('noon');
  });

  it('finds a manifest that no kernel takes, and a plugin that does not start', async () => {
    expect(await failedOf(bundleOf('Not an id', ''))).toEqual({
      'contract/manifest': expect.stringContaining('not a valid manifest'),
    });
    const broken = sample("activate() { throw new Error('no start'); }");
    const failed = await failedOf(broken, { groups: ['contract', 'hostile'] });
    expect(failed).toMatchObject({
      'contract/promises': expect.stringContaining('no start'),
      'hostile/start': expect.stringContaining('no start'),
    });
  });

  it('refuses options that do not exist or have no sense', async () => {
    await expect(testPlugin(counter, { sample: {} } as object)).rejects.toThrow(
      "no option 'sample'",
    );
    await expect(testPlugin(counter, { samples: { count: 1 } } as object)).rejects.toThrow(
      "lists of inputs by command as 'samples'",
    );
    const refusal = async (options: object) =>
      (await rejection(testPlugin(counter, options))) as Error & { code: string };
    expect(await refusal({ groups: ['leaks', 'lifecyle'] })).toMatchObject({
      code: 'kernel/invalid-option',
      message: expect.stringMatching(
        /'lifecyle' \(did you mean 'lifecycle'\?\): it has contract, /,
      ),
    });
    expect((await refusal({ groups: ['compatibility'] })).message).toContain("'previous'");
    expect((await refusal({ groups: ['performance'] })).message).toContain("'budget'");
    expect((await refusal({ budget: { calls: 5 } })).message).toContain("did you mean 'call'?");
  });

  it('finds promises that are not kept', async () => {
    const promising = sample(activating(), {
      ...STORAGE,
      contributes: { commands: [{ id: 'count' }, { id: 'reset' }] },
    });
    expect(await failedOf(promising, { groups: ['contract'] })).toEqual({
      'contract/promises': "it promises and doesn't answer com.example.sample:reset",
    });
    const Sample = contract('com.example.sample@1', { count: command({ output: v.string() }) });
    const wrong = { ...sample(activating()), provides: [Sample] };
    expect(await failedOf(wrong, { groups: ['contract'], provides: [Sample] })).toEqual({
      'contract/answers:count': expect.stringContaining('the provider is at fault'),
    });
  });

  it('finds state that is lost, and a stop that fails', async () => {
    const losing = sample(`n: 0, activate(ctx) {
      ctx.commands.handle('count', () => ++this.n);
      ctx.commands.handle('read', () => this.n);
    }`);
    const state = (kernel: { commands: { execute(id: string): Promise<unknown> } }) =>
      kernel.commands.execute(`${ID}:read`);
    expect(Object.keys(await failedOf(losing, { groups: ['lifecycle'], state }))).toEqual([
      'lifecycle/hibernate',
      'lifecycle/reload',
    ]);
    const failing = sample(`${activating()}, deactivate() { throw new Error('no stop'); }`);
    expect(await failedOf(failing, { groups: ['lifecycle'] })).toMatchObject({
      'lifecycle/deactivate': expect.stringContaining('no stop'),
    });
  });

  it('finds timers that are left behind', async () => {
    const leaking = sample(activating('setInterval(() => {}, 1_000);'));
    expect(await failedOf(leaking, { groups: ['leaks'] })).toEqual({
      'leaks/timers': expect.stringContaining('timers are left after 3 starts and stops'),
    });
    const clean = sample(
      activating(
        'const timer = setInterval(() => {}, 1_000); ctx.defer(() => clearInterval(timer));',
      ),
    );
    expect(await failedOf(clean, { groups: ['leaks'] })).toEqual({});
  });

  it('finds rights that are missing and rights that nothing uses', async () => {
    expect(await failedOf(sample(activating(), {}), { groups: ['permissions'] })).toEqual({
      'permissions/denied': expect.stringContaining('storage.'),
    });
    const greedy = sample(activating(), {
      permissions: { ...STORAGE.permissions, network: { fetch: ['https://api.example.com'] } },
    });
    expect(await failedOf(greedy, { groups: ['permissions'] })).toEqual({
      'permissions/unused': expect.stringContaining('nothing uses network.fetch'),
    });
    expect(await failedOf(greedy, { groups: ['permissions'], samples: {} })).toEqual({});
  });

  it('counts the right to provide a contract as used by a plugin that starts with its commands', async () => {
    const plugin = definePlugin({
      provides: [HealthCheck],
      activate: (ctx) => void ctx.provide(HealthCheck, { check: () => ({ status: 'healthy' }) }),
    });
    const lazy = {
      ...{ id: ID, version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' } },
      provides: ['plinth.health-check@1'],
      activation: ['command:plinth.health-check:check'],
      permissions: { contracts: { provide: ['plinth.health-check'] } },
    };
    const options = {
      groups: ['permissions'] as const,
      samples: { 'plinth.health-check:check': [undefined] },
    };
    expect(await failedOf({ manifest: lazy, plugin }, options)).toEqual({});
  });

  it('finds commands that hostile inputs break', async () => {
    const naive = sample(
      activating("ctx.commands.handle('length', (input) => input.text.length);"),
    );
    expect(await failedOf(naive, { groups: ['hostile'] })).toEqual({
      'hostile/length': expect.stringContaining('no caller can handle for undefined'),
    });
    const hanging = sample(
      activating("ctx.commands.handle('wait', (n) => n === null ? new Promise(() => {}) : n);"),
    );
    expect(await failedOf(hanging, { groups: ['hostile'], timeout: 1_000 })).toEqual({
      'hostile/wait': "it doesn't answer within 1000 ms for null",
    });
  });

  it('runs the plugin in kernels with the extensions of its application', async () => {
    const Clock = contract('com.example.clock@1', { now: command({ output: v.string() }) });
    const clock = defineExtension({ name: 'clock', uses: ['provide'] }, () => ({
      install(port) {
        port.provide(Clock, { now: () => 'noon' });
      },
    }));
    const user = sample(
      `activate(ctx) { ctx.commands.handle('count', () => ctx.commands.execute('com.example.clock:now')); }`,
      {
        needs: ['com.example.clock@^1'],
        permissions: { commands: { execute: ['com.example.clock:*'] } },
      },
    );
    expect(await failedOf(user)).toHaveProperty('lifecycle/activate');
    const report = await testPlugin(user, {
      samples: { count: [undefined] },
      extensions: () => [clock()],
    });
    expect(report.ok, reportText(report)).toBe(true);
    await expect(testPlugin(user, { extensions: [clock()] as never })).rejects.toMatchObject({
      code: 'kernel/invalid-option',
    });
  });

  it('finds budgets that are exceeded', async () => {
    const slow = sample(
      activating("ctx.commands.handle('slow', () => new Promise((done) => setTimeout(done, 5)));"),
    );
    const budget = { activate: 0, call: 1, memory: 1 };
    const samples = { slow: [undefined] };
    expect(await failedOf(slow, { groups: ['performance'], budget, samples })).toEqual({
      'performance/activate': expect.stringContaining('0 ms are budgeted'),
      'performance/call': expect.stringContaining('com.example.sample:slow takes'),
      'performance/memory': expect.stringContaining("can't be measured"),
    });
  });

  it('counts what a plugin uses that is started by its first call', async () => {
    const lazy = bundleOf(
      ID,
      `export default { activate(ctx) {
      ctx.commands.handle('plinth.health-check:check', () => ({ status: 'healthy' }));
    } };`,
      {
        activation: ['command:plinth.health-check:check'],
        provides: ['plinth.health-check@1'],
        permissions: { contracts: { provide: ['plinth.health-check'] } },
      },
    );
    const options = { groups: ['permissions'], samples: {} } as const;
    expect(await failedOf(lazy, options)).toEqual({});
    const { manifest: own, code } = lazy;
    const greedy = {
      manifest: { ...own, permissions: { ...own.permissions, storage: { read: true } } },
      code,
    };
    // Its commands have no samples, so one of them may read what it keeps.
    const { checks } = await testPlugin(greedy, options);
    expect(checks.at(-1)).toMatchObject({
      ok: true,
      message: 'nothing uses storage.read, but 1 of its commands have no samples',
    });
  });

  it('finds versions that cannot replace the one before', async () => {
    const previous = sample(`${activating("ctx.commands.handle('gone', () => 1);")}`);
    const next = sample(activating('return ctx.storage.clear();'), {
      ...STORAGE,
      version: '1.1.0',
    });
    expect(await failedOf(next, { groups: ['compatibility'], previous })).toEqual({
      'compatibility/update': expect.stringContaining('its state was'),
    });
    const lesser = sample(activating(), { ...STORAGE, version: '1.1.0' });
    expect(await failedOf(lesser, { groups: ['compatibility'], previous })).toEqual({
      'compatibility/update': "it doesn't answer com.example.sample:gone any more",
    });
    const V1 = contract('com.example.sample@1', { count: command({}), gone: command({}) });
    const V2 = contract('com.example.sample@1', { count: command({}) });
    const pluginOf = (provides: readonly { $id: string }[], version: string) => ({
      manifest: { ...sample('').manifest, version },
      plugin: definePlugin({
        provides: [...provides],
        activate(ctx) {
          ctx.commands.handle('count', () => 1);
          if (version === '1.0.0') ctx.commands.handle('gone', () => 1);
        },
      }),
    });
    expect(
      await failedOf(pluginOf([V2], '1.1.0'), {
        groups: ['compatibility'],
        previous: pluginOf([V1], '1.0.0'),
      }),
    ).toMatchObject({
      'compatibility/contracts': expect.stringContaining('gone: the command is gone'),
    });
  });
});

describe('the report', () => {
  const report = {
    plugin: ID,
    version: '1.0.0',
    ok: false,
    checks: [
      { id: 'contract/manifest', group: 'contract', ok: true, message: 'fine', took: 1.5 },
      { id: 'hostile/a', group: 'hostile', ok: false, message: '<b> & "\0\ud800"\n', took: 20 },
    ],
    took: 21.5,
  } as const;

  it('is text for people', () => {
    expect(reportText(report)).toMatchInlineSnapshot(`
      "ok     contract/manifest (2 ms): fine
      FAILED hostile/a (20 ms): <b> & " �" 
      com.example.sample 1.0.0: 1 of 2 checks passed in 22 ms
      "
    `);
  });

  it('is JUnit XML for tools, whatever a plugin writes into it', () => {
    expect(reportJUnit(report)).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="com.example.sample" tests="2" failures="1" time="0.021">
        <testsuite name="com.example.sample contract" tests="1" failures="0" time="0.002">
          <testcase classname="com.example.sample.contract" name="contract/manifest" time="0.002" />
        </testsuite>
        <testsuite name="com.example.sample hostile" tests="1" failures="1" time="0.020">
          <testcase classname="com.example.sample.hostile" name="hostile/a" time="0.020">
            <failure message="&lt;b&gt; &amp; &quot; �&quot; "></failure>
          </testcase>
        </testsuite>
      </testsuites>
      "
    `);
  });
});
