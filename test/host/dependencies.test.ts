/**
 * A plugin pauses while its dependency is gone and resumes when that is back. Its callers get the
 * reason.
 */

import { type Kernel, type KernelOptions, type PackageInput, packageOf } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { full } from '../support/full.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, CRASH, pluginOf } from '../support/plugins.ts';

const may = {
  permissions: { commands: { execute: ['test.*'] }, events: { subscribe: ['test:*'] } },
};
const provider = (version = '1.0.0', manifest = {}) =>
  pluginOf('test.provider', `ctx.commands.handle('hi', () => 'hi ${version}'); ${CRASH}`, {
    version,
    ...manifest,
  });
/** Counts in memory, and records its lifecycle events. */
const dependant = (id: string, on: string, members = '', manifest = {}) =>
  pluginOf(
    id,
    `this.made = Math.random();
     ctx.commands.handle('count', () => ++this.n);
     ctx.commands.handle('made', () => this.made);
     ctx.commands.handle('hi', () => ctx.commands.execute('${on}:hi'));
     ctx.commands.handle('story', () => this.story);
     ctx.events.on('test:tick', ({ payload }) => { this.story.push(payload); });
     ${CRASH}`,
    { dependencies: { [on]: '^1.0.0' }, ...may, ...manifest },
    `n: 0, story: [], ${members || `suspend() { this.story.push('suspend'); }, resume() { this.story.push('resume'); },`}`,
  );
const middle = (members = '') => dependant('test.middle', 'test.provider', members);
const top = () => dependant('test.top', 'test.middle');
const bystander = pluginOf('test.bystander', `ctx.commands.handle('ping', () => 'pong');`);
const family = (): PackageInput[] => [provider(), middle(), top(), bystander];

/**
 * A plugin that provides a contract and answers with its own name; and one that needs the contract,
 * and counts in memory.
 */
const contractCode = (id: string) =>
  `const Found = { $id: '${id}', find: { kind: 'command', id: '${id.slice(0, id.indexOf('@'))}:find', errors: {} } };`;
const providing = (id: string, contractId: string, version = '1.0.0') =>
  bundleOf(
    id,
    `${contractCode(contractId)} export default { provides: [Found], activate(ctx) { ctx.provide(Found, { find: () => '${id} ${version}' }); } };`,
    {
      version,
      provides: [contractId],
    },
  );
const needing = (
  id: string,
  contractId: string,
  {
    optional = false,
    provides,
    ...manifest
  }: {
    optional?: boolean;
    provides?: string;
    version?: string;
    dependencies?: Record<string, string>;
    needs?: string[];
    activation?: string[];
  } = {},
) =>
  bundleOf(
    id,
    `${contractCode(contractId)} export default { provides: ${provides === undefined ? '[]' : `[{ $id: '${provides}' }]`}, needs: { found: ${optional ? '{ optional: Found }' : 'Found'} }, n: 0, activate(ctx) {
       ctx.commands.handle('find', () => (ctx.needs.found === undefined ? 'none' : ctx.needs.found.find('x'))); ctx.commands.handle('count', () => ++this.n); } };`,
    {
      needs: [contractId.replace('@', '@^')],
      ...(provides !== undefined && { provides: [provides] }),
      ...manifest,
    },
  );
const Search = contract('test.search@1', {
  find: command({ input: v.string(), output: v.string() }),
});
const OPEN = 'plinth.finder@1';

const state = (kernel: Kernel, id: string) => kernel.plugins.get(id)?.state;
const ask = (kernel: Kernel, command: string, input?: unknown) =>
  kernel.commands.execute(command, input, { timeout: 5_000 });
const tellOf = (kernel: Kernel, ...topics: string[]) => {
  const told: string[] = [];
  for (const topic of topics)
    kernel.events.on(topic, ({ payload }) =>
      told.push(`${topic.slice(7)} ${(payload as { id: string }).id.slice(5)}`),
    );
  return told;
};

const SETTINGS: readonly Setting[] = [
  // What the kernel decides is the same inline, where starts take no time: quick runs have that.
  ...(full ? [{ isolation: 'worker' as const, createHost }] : []),
  { isolation: 'inline' },
];
for (const setting of SETTINGS) {
  const start = (packages: readonly PackageInput[] = family(), options: KernelOptions = {}) =>
    startKernel(setting, packages, { supervision: false, ...options });
  const name = setting.isolation === 'inline' ? 'inline' : `${runtime} worker`;

  /** How a provider ends, and how it returns. */
  const ways: readonly {
    readonly how: string;
    go(kernel: Kernel): Promise<unknown>;
    back(kernel: Kernel): Promise<unknown>;
    readonly options?: KernelOptions;
  }[] = [
    {
      how: 'deactivated',
      go: (kernel) => kernel.plugins.deactivate('test.provider'),
      back: (kernel) => kernel.plugins.activate('test.provider'),
    },
    {
      how: 'disabled',
      go: (kernel) => kernel.plugins.disable('test.provider'),
      back: (kernel) => kernel.plugins.enable('test.provider'),
    },
    {
      how: 'uninstalled',
      go: (kernel) => kernel.plugins.uninstall('test.provider'),
      back: async (kernel) =>
        kernel.plugins.activate(await kernel.plugins.install(packageOf(provider('1.2.0')))),
    },
    ...(setting.isolation === 'inline'
      ? []
      : [
          {
            how: 'crashed, and not started again',
            go: async (kernel: Kernel) => {
              const suspended = nextEvent(kernel, 'plugin:suspended');
              await rejection(ask(kernel, 'test.provider:crash'));
              await suspended;
            },
            back: (kernel: Kernel) => kernel.plugins.activate('test.provider'),
          },
          {
            how: 'quarantined',
            options: { supervision: { crashes: 1 } } as KernelOptions,
            go: async (kernel: Kernel) => {
              const suspended = nextEvent(kernel, 'plugin:suspended');
              await rejection(ask(kernel, 'test.provider:crash'));
              await suspended;
            },
            back: (kernel: Kernel) => kernel.plugins.activate('test.provider'),
          },
        ]),
  ];

  describe(`${name}: a mandatory provider`, () => {
    for (const { how, go, back, options = {} } of ways) {
      it(`${how}: its dependants pause, name only it as the cause, and resume with their state`, async () => {
        const kernel = await start(family(), options);
        for (const id of ['test.middle', 'test.top'])
          for (let n = 1; n <= 3; n++) expect(await ask(kernel, `${id}:count`)).toBe(n);
        const made = await Promise.all(
          ['test.middle', 'test.top'].map((id) => ask(kernel, `${id}:made`)),
        );
        const told = tellOf(kernel, 'plugin:suspended', 'plugin:resumed', 'plugin:deactivated');
        await go(kernel);
        await expect
          .poll(() => ['test.middle', 'test.top'].map((id) => state(kernel, id)))
          .toEqual(['suspended', 'suspended']);
        expect(kernel.plugins.get('test.middle')).toMatchObject({ reason: 'dependency' });
        expect(state(kernel, 'test.bystander')).toBe('active');
        const error = await rejection(ask(kernel, 'test.middle:count'));
        expect(error).toMatchObject({
          code: 'plugin/dependency-failed',
          plugin: 'test.middle',
          details: { path: ['test.middle', 'test.provider'] },
        });
        expect(await rejection(ask(kernel, 'test.top:count'))).toMatchObject({
          code: 'plugin/dependency-failed',
          plugin: 'test.top',
        });
        expect(kernel.plugins.explain('test.middle')).toMatchObject({
          running: false,
          state: 'suspended',
          path: ['test.middle', 'test.provider'],
        });
        expect(kernel.plugins.explain('test.middle').because).toMatch(/test\.provider/);
        expect(await ask(kernel, 'test.bystander:ping')).toBe('pong');
        expect(told.filter((one) => one.startsWith('suspended'))).toEqual([
          'suspended top',
          'suspended middle',
        ]);
        await back(kernel);
        await expect
          .poll(() => ['test.provider', 'test.middle', 'test.top'].map((id) => state(kernel, id)))
          .toEqual(['active', 'active', 'active']);
        expect(told.filter((one) => one.startsWith('resumed'))).toEqual([
          'resumed middle',
          'resumed top',
        ]);
        // The same guests, with their state in memory.
        expect(
          await Promise.all(['test.middle', 'test.top'].map((id) => ask(kernel, `${id}:made`))),
        ).toEqual(made);
        expect(await ask(kernel, 'test.middle:count')).toBe(4);
        expect(await ask(kernel, 'test.top:hi')).toMatch(/^hi 1/);
        expect(await ask(kernel, 'test.top:story')).toEqual(['suspend', 'resume']);
      });
    }

    it('dependants pause before it is stopped', async () => {
      const kernel = await start();
      const told = tellOf(kernel, 'plugin:suspended', 'plugin:deactivated');
      await kernel.plugins.deactivate('test.provider');
      expect(told).toEqual(['suspended top', 'suspended middle', 'deactivated provider']);
    });

    it('the whole chain is named, also two steps away from the missing plugin', async () => {
      const kernel = await start();
      await kernel.plugins.deactivate('test.provider');
      expect((await rejection(ask(kernel, 'test.top:count'))).details?.path).toEqual([
        'test.top',
        'test.middle',
        'test.provider',
      ]);
      expect(kernel.plugins.explain('test.top').path).toEqual([
        'test.top',
        'test.middle',
        'test.provider',
      ]);
    });

    it('activating a paused plugin by name restores what it needs', async () => {
      const kernel = await start();
      await kernel.plugins.deactivate('test.provider');
      await kernel.plugins.activate('test.top');
      expect(['test.provider', 'test.middle', 'test.top'].map((id) => state(kernel, id))).toEqual([
        'active',
        'active',
        'active',
      ]);
      expect(await ask(kernel, 'test.top:hi')).toBeDefined();
    });

    it('resuming a plugin whose provider cannot return is refused, and it stays paused', async () => {
      const kernel = await start();
      await kernel.plugins.disable('test.provider');
      for (const work of [
        kernel.plugins.resume('test.middle'),
        kernel.plugins.activate('test.middle'),
      ])
        expect((await rejection(work)).code).toBe('plugin/dependency-failed');
      expect(kernel.plugins.get('test.middle')).toMatchObject({
        state: 'suspended',
        reason: 'dependency',
      });
    });

    it('a version out of range does not resume them, one in range does', async () => {
      const kernel = await start();
      await kernel.plugins.uninstall('test.provider');
      await kernel.plugins.activate(await kernel.plugins.install(packageOf(provider('2.0.0'))));
      expect(state(kernel, 'test.middle')).toBe('suspended');
      expect((await rejection(ask(kernel, 'test.middle:count'))).code).toBe(
        'plugin/dependency-failed',
      );
      await kernel.plugins.install(packageOf(provider('1.5.0')));
      await kernel.plugins.activate('test.provider@1.5.0');
      expect(state(kernel, 'test.top')).toBe('active');
      expect(await ask(kernel, 'test.middle:hi')).toBe('hi 1.5.0');
    });

    it('another running version in range replaces it when it is uninstalled', async () => {
      const kernel = await start([provider('1.0.0'), provider('1.1.0'), middle()]);
      expect(await ask(kernel, 'test.middle:hi')).toBe('hi 1.1.0');
      await kernel.plugins.uninstall('test.provider@1.1.0');
      expect(state(kernel, 'test.middle')).toBe('active');
      expect(await ask(kernel, 'test.middle:hi')).toBe('hi 1.0.0');
    });

    it('another running version in range replaces it when it is deactivated', async () => {
      const kernel = await start([provider('1.0.0'), provider('1.1.0'), middle()]);
      await kernel.plugins.deactivate('test.provider@1.1.0');
      expect(state(kernel, 'test.middle')).toBe('active');
      expect(await ask(kernel, 'test.middle:hi')).toBe('hi 1.0.0');
    });

    it('events that arrive while it is paused wait for it', async () => {
      const kernel = await start([provider(), middle()]);
      await kernel.plugins.deactivate('test.provider');
      for (let n = 0; n < 20; n++) await kernel.events.emit('test:tick', n);
      await kernel.plugins.activate('test.provider');
      await expect
        .poll(() => ask(kernel, 'test.middle:story'))
        .toEqual(['suspend', 'resume', ...Array.from({ length: 20 }, (_, n) => n)]);
    });

    it('a dependant that ends while it is paused is stopped in order, and is not restarted', async () => {
      const kernel = await start();
      await kernel.plugins.deactivate('test.provider');
      await kernel.plugins.deactivate('test.middle');
      expect(state(kernel, 'test.middle')).toBe('unloaded');
      await kernel.plugins.activate('test.provider');
      expect(state(kernel, 'test.middle')).toBe('unloaded');
      expect(state(kernel, 'test.top')).toBe('suspended');
      await kernel.plugins.activate('test.middle');
      expect(state(kernel, 'test.top')).toBe('active');
    });

    it('going and returning twenty times leaves all plugins as they were', async () => {
      const kernel = await start();
      const made = await ask(kernel, 'test.top:made');
      for (let n = 0; n < 20; n++) {
        const stopping = kernel.plugins.deactivate('test.provider');
        if (n % 2 === 0) await stopping;
        await kernel.plugins.activate('test.provider');
        await stopping;
      }
      await kernel.plugins.activate('test.provider');
      await expect.poll(() => state(kernel, 'test.top')).toBe('active');
      expect(await ask(kernel, 'test.top:made')).toBe(made);
      expect(await ask(kernel, 'test.top:hi')).toBe('hi 1.0.0');
    });

    it('a hibernated dependant does not start what was deactivated by name: its callers get the same error as when it runs', async () => {
      const kernel = await start([provider(), middle()]);
      expect(await kernel.plugins.hibernate('test.middle')).toBe(true);
      await kernel.plugins.deactivate('test.provider');
      expect(await rejection(ask(kernel, 'test.middle:count'))).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: ['test.middle', 'test.provider'] },
      });
      expect(state(kernel, 'test.provider')).toBe('unloaded');
    });

    if (setting.isolation === 'worker') {
      it('a paused dependant that crashes does not start what was deactivated by name', async () => {
        const kernel = await start(
          [
            provider(),
            middle(`suspend() { setTimeout(() => { throw new Error('gone'); }, 20); },`),
            pluginOf('test.witness', CRASH),
          ],
          { supervision: { backoff: 10 } },
        );
        const crashed = nextEvent(kernel, 'plugin:crashed');
        await kernel.plugins.deactivate('test.provider');
        expect(await crashed).toMatchObject({ id: 'test.middle' });
        const activated: unknown[] = [];
        kernel.events.on('plugin:activated', ({ payload }) => activated.push(payload.id));
        // A restart of the dependant would come before that of a plugin that crashes later, twice.
        for (let n = 0; n < 2; n++) {
          const restarted = nextEvent(kernel, 'plugin:restarted');
          await rejection(ask(kernel, 'test.witness:crash'));
          expect(await restarted).toMatchObject({ id: 'test.witness' });
        }
        expect(activated.filter((id) => id !== 'test.witness')).toEqual([]);
        expect(state(kernel, 'test.provider')).toBe('unloaded');
      });
    }

    it('kernel.stop() ends paused plugins', async () => {
      const kernel = await start();
      await kernel.plugins.deactivate('test.provider');
      await kernel.stop();
      expect(['test.middle', 'test.top'].map((id) => state(kernel, id))).toEqual([
        'unloaded',
        'unloaded',
      ]);
    });

    it('a plugin whose resume throws fails with a typed error, alone; its dependants stay paused', async () => {
      const kernel = await start([
        provider(),
        middle(`resume() { throw new Error('still tired'); },`),
        top(),
        bystander,
      ]);
      await kernel.plugins.deactivate('test.provider');
      await kernel.plugins.activate('test.provider');
      await expect.poll(() => state(kernel, 'test.middle')).toBe('failed');
      expect(kernel.plugins.explain('test.middle')).toMatchObject({
        error: { code: 'plugin/hook-failed', message: expect.stringMatching(/still tired/) },
      });
      expect(state(kernel, 'test.top')).toBe('suspended');
      expect(kernel.plugins.explain('test.top').path).toEqual(['test.top', 'test.middle']);
      expect(state(kernel, 'test.bystander')).toBe('active');
    });

    it('disabled while a later version of its dependant is installed that does not run: all pause', async () => {
      const kernel = await start();
      const later = pluginOf('test.middle', "throw new Error('never');", {
        version: '1.1.0',
        dependencies: { 'test.provider': '^1.0.0' },
      });
      await kernel.plugins.install(packageOf(later));
      await kernel.plugins.disable('test.provider');
      for (const id of ['test.middle@1.0.0', 'test.top'])
        expect(kernel.plugins.get(id)).toMatchObject({ state: 'suspended', reason: 'dependency' });
    });

    it('ends after its dependants when the kernel stops, though a later version is installed', async () => {
      const kernel = await start();
      await kernel.plugins.install(packageOf(provider('1.1.0')));
      await kernel.plugins.reload('test.provider@1.0.0');
      const told = tellOf(kernel, 'plugin:deactivated');
      await kernel.stop();
      const order = ['top', 'middle', 'provider'].map((one) => `deactivated ${one}`);
      expect(told.filter((one) => order.includes(one))).toEqual(order);
    });

    // A plugin in this thread can't crash alone.
    if (setting.isolation === 'worker')
      it('that restarts while a later version is installed: calls to its dependants wait for it', async () => {
        const kernel = await start(family(), { supervision: { backoff: 300, maxBackoff: 300 } });
        await kernel.plugins.install(packageOf(provider('1.1.0')));
        const paused = nextEvent(kernel, 'plugin:suspended');
        ask(kernel, 'test.provider:crash').catch(() => {});
        await paused;
        expect(await ask(kernel, 'test.middle:count')).toBe(1);
      });

    it('a plugin whose suspend throws or hangs is paused nevertheless', async () => {
      for (const members of [
        `suspend() { throw new Error('no'); },`,
        `suspend() { return new Promise(() => {}); },`,
      ]) {
        const kernel = await start([provider(), middle(members)], { limits: { hook: 1_500 } });
        await kernel.plugins.deactivate('test.provider');
        expect(state(kernel, 'test.middle')).toBe('suspended');
        expect((await rejection(ask(kernel, 'test.middle:count'))).code).toBe(
          'plugin/dependency-failed',
        );
        await kernel.plugins.activate('test.provider');
        expect(await ask(kernel, 'test.middle:count')).toBe(1);
      }
    });
  });

  describe(`${name}: an optional provider`, () => {
    const searchCode = `const Search = { $id: 'test.search@1', find: { kind: 'command', id: 'test.search:find', errors: {} } };`;
    const search = (version = '1.0.0') =>
      bundleOf(
        'test.search',
        `${searchCode} export default { provides: [Search], activate(ctx) { ctx.provide(Search, { find: (text) => 'found ' + text }); } };`,
        {
          version,
          provides: ['test.search@1'],
        },
      );
    const wishful = bundleOf(
      'test.wishful',
      `${searchCode} export default { needs: { search: { optional: Search } }, n: 0, activate(ctx) {
         ctx.commands.handle('find', () => (ctx.needs.search === undefined ? 'none' : ctx.needs.search.find('x'))); ctx.commands.handle('count', () => ++this.n); } };`,
      { needs: ['test.search@^1'], ...may },
    );

    it('appears and disappears with need:changed, and its users go on', async () => {
      const kernel = await start([wishful]);
      const changes: unknown[] = [];
      kernel.events.on('need:changed', ({ payload }) =>
        changes.push([payload.id, payload.available]),
      );
      expect(await ask(kernel, 'test.wishful:find')).toBe('none');
      await kernel.plugins.install(packageOf(search()));
      expect(await ask(kernel, 'test.wishful:find')).toBe('none');
      await kernel.plugins.activate('test.search');
      expect(await ask(kernel, 'test.wishful:find')).toBe('found x');
      await kernel.plugins.deactivate('test.search');
      expect(await ask(kernel, 'test.wishful:find')).toBe('none');
      await kernel.plugins.activate('test.search');
      await kernel.plugins.hibernate('test.search');
      expect(await ask(kernel, 'test.wishful:find')).toBe('found x');
      await kernel.plugins.uninstall('test.search');
      expect(await ask(kernel, 'test.wishful:find')).toBe('none');
      expect(changes).toEqual(
        [['search'], [], ['search'], []].map((available) => ['test.wishful', available]),
      );
      expect(state(kernel, 'test.wishful')).toBe('active');
      expect(await ask(kernel, 'test.wishful:count')).toBe(1);
    });

    it('an existing one is available in activate, and a failing one is not', async () => {
      const kernel = await start([wishful, search()]);
      expect(await ask(kernel, 'test.wishful:find')).toBe('found x');
      const broken = await start([
        wishful,
        bundleOf('test.search', `export default { activate() { throw new Error('no'); } };`, {
          provides: ['test.search@1'],
        }),
      ]);
      expect(await ask(broken, 'test.wishful:find')).toBe('none');
    });

    it('provided by the host appears and disappears with need:changed, also for plugins paused meanwhile', async () => {
      const kernel = await start([
        needing('test.wishful', 'test.search@1', {
          optional: true,
          dependencies: { 'test.provider': '^1.0.0' },
        }),
        provider(),
      ]);
      const find = () => ask(kernel, 'test.wishful:find');
      expect(await find()).toBe('none');
      let changed = nextEvent(kernel, 'need:changed');
      const provided = kernel.provide(Search, { find: (text) => `host ${text}` });
      expect(await changed).toMatchObject({ id: 'test.wishful', available: ['found'] });
      expect(await find()).toBe('host x');
      await kernel.plugins.deactivate('test.provider');
      changed = nextEvent(kernel, 'need:changed');
      provided.dispose();
      expect(await changed).toMatchObject({ id: 'test.wishful', available: [] });
      await kernel.plugins.activate('test.provider');
      expect(await find()).toBe('none');
    });

    it('provided by the host before the start is available in activate', async () => {
      const kernel = await start([]);
      kernel.provide(Search, { find: () => 'host' });
      await kernel.plugins.install(
        packageOf(needing('test.wishful', 'test.search@1', { optional: true })),
      );
      await kernel.plugins.activate('test.wishful');
      expect(await ask(kernel, 'test.wishful:find')).toBe('host');
    });

    it('a required need in the code pauses the plugin like a dependency', async () => {
      const must = bundleOf(
        'test.must',
        `${searchCode} export default { needs: { search: Search }, n: 0, activate(ctx) { ctx.commands.handle('find', () => ctx.needs.search.find('x')); ctx.commands.handle('count', () => ++this.n); } };`,
        { needs: ['test.search@^1'] },
      );
      const kernel = await start([must, search()]);
      expect(await ask(kernel, 'test.must:count')).toBe(1);
      await kernel.plugins.deactivate('test.search');
      expect(kernel.plugins.get('test.must')).toMatchObject({
        state: 'suspended',
        reason: 'dependency',
      });
      expect((await rejection(ask(kernel, 'test.must:find'))).details?.path).toEqual([
        'test.must',
        'test.search',
      ]);
      await kernel.plugins.activate('test.search');
      expect(await ask(kernel, 'test.must:find')).toBe('found x');
      expect(await ask(kernel, 'test.must:count')).toBe(2);
    });
  });

  describe(`${name}: a contract that the code requires`, () => {
    const paused = async (kernel: Kernel, path: readonly string[], because: RegExp) => {
      expect(kernel.plugins.get('test.must')).toMatchObject({
        state: 'suspended',
        reason: 'dependency',
      });
      for (const error of [
        await rejection(ask(kernel, 'test.must:find')),
        await rejection(kernel.plugins.resume('test.must')),
      ]) {
        expect(error).toMatchObject({
          code: 'plugin/dependency-failed',
          plugin: 'test.must',
          details: { path },
          message: expect.stringMatching(because),
        });
      }
      expect(kernel.plugins.get('test.must')).toMatchObject({
        state: 'suspended',
        reason: 'dependency',
      });
    };

    it('without an owner pauses it when its last provider goes, and it resumes with its state', async () => {
      const kernel = await start([
        providing('test.first', OPEN),
        providing('test.second', OPEN),
        needing('test.must', OPEN),
      ]);
      expect(await ask(kernel, 'test.must:count')).toBe(1);
      await kernel.plugins.deactivate('test.first');
      expect(await ask(kernel, 'test.must:find')).toBe('test.second 1.0.0');
      await kernel.plugins.disable('test.first');
      await kernel.plugins.disable('test.second');
      await paused(
        kernel,
        ['test.must', 'test.first'],
        /test\.first is not there .*: test\.first was disabled/,
      );
      await kernel.plugins.enable('test.second');
      expect(await ask(kernel, 'test.must:find')).toBe('test.second 1.0.0');
      expect(await ask(kernel, 'test.must:count')).toBe(2);
    });

    it('without an owner is met by a hibernated provider, which is woken', async () => {
      const kernel = await start([providing('test.first', OPEN), needing('test.must', OPEN)]);
      for (const id of ['test.first', 'test.must'])
        expect(await kernel.plugins.hibernate(id)).toBe(true);
      expect(await ask(kernel, 'test.must:find')).toBe('test.first 1.0.0');
    });

    it('that the host provides pauses it when the host withdraws it', async () => {
      const kernel = await start([needing('test.must', 'test.search@1')]);
      expect(kernel.plugins.explain('test.must')).toMatchObject({
        error: { code: 'plugin/dependency-failed' },
        because: expect.stringMatching(/no plugin or host provides test\.search@1/),
      });
      const provided = kernel.provide(Search, { find: () => 'host' });
      await kernel.plugins.activate('test.must');
      expect(await ask(kernel, 'test.must:count')).toBe(1);
      const suspended = nextEvent(kernel, 'plugin:suspended');
      provided.dispose();
      expect(await suspended).toMatchObject({ id: 'test.must' });
      await paused(
        kernel,
        ['test.must', 'test.search'],
        /no plugin or host provides test\.search@1/,
      );
      const resumed = nextEvent(kernel, 'plugin:resumed');
      kernel.provide(Search, { find: () => 'host again' });
      expect(await resumed).toMatchObject({ id: 'test.must' });
      expect(await ask(kernel, 'test.must:find')).toBe('host again');
      expect(await ask(kernel, 'test.must:count')).toBe(2);
    });

    it('that the host replaces in one step was never missing', async () => {
      const kernel = await start([
        needing('test.must', 'test.search@1', { optional: true }),
        needing('test.other', 'test.search@1'),
      ]);
      const provided = kernel.provide(Search, { find: () => 'host' });
      await kernel.plugins.activate('test.other');
      const told = tellOf(kernel, 'plugin:suspended');
      kernel.events.on('need:changed', ({ payload }) => told.push(payload.id));
      provided.dispose();
      const next = kernel.provide(Search, { find: () => 'host again' });
      for (const id of ['test.must', 'test.other'])
        expect(await ask(kernel, `${id}:find`)).toBe('host again');
      expect(told).toEqual([]);
      next.dispose();
      await expect.poll(() => told).toEqual(['test.must', 'suspended other']);
    });

    it('is met by another version that provides it, and not by one that provides a later major', async () => {
      const kernel = await start([
        providing('test.search', 'test.search@1', '1.0.0'),
        providing('test.search', 'test.search@1', '1.1.0'),
        providing('test.search', 'test.search@2', '2.0.0'),
        needing('test.must', 'test.search@1'),
      ]);
      expect(await ask(kernel, 'test.must:find')).toBe('test.search 1.1.0');
      const told = tellOf(kernel, 'plugin:suspended');
      await kernel.plugins.deactivate('test.search@1.1.0');
      expect(await ask(kernel, 'test.must:find')).toBe('test.search 1.0.0');
      expect(told).toEqual([]);
      await kernel.plugins.deactivate('test.search@1.0.0');
      expect(kernel.plugins.get('test.must')).toMatchObject({
        state: 'suspended',
        reason: 'dependency',
      });
      await kernel.plugins.activate('test.search@1.0.0');
      expect(await ask(kernel, 'test.must:find')).toBe('test.search 1.0.0');
    });

    it('fails it once while only another version is there, and starts it when the right one comes', async () => {
      const failures: unknown[] = [];
      const kernel = await start([
        providing('test.search', 'test.search@2', '2.0.0'),
        // Only its code says that it needs something.
        needing('test.eager', 'test.search@1', { needs: [], activation: ['startup'] }),
      ]);
      kernel.events.on('plugin:failed', ({ payload }) => failures.push(payload.id));
      expect(state(kernel, 'test.eager')).toBe('failed');
      await kernel.plugins.install(packageOf(bystander));
      // What is tried again with each change would have failed many times by then.
      for (let n = 0; n < 5; n++) {
        await kernel.plugins.activate('test.bystander');
        await kernel.plugins.deactivate('test.bystander');
      }
      expect(failures.length).toBeLessThanOrEqual(1);
      await kernel.plugins.install(packageOf(providing('test.search', 'test.search@1', '1.0.0')));
      await kernel.plugins.activate('test.search@1.0.0');
      await expect.poll(() => state(kernel, 'test.eager')).toBe('active');
    });

    it('keeps it paused after the provider was uninstalled, until it is installed and active again', async () => {
      const kernel = await start([
        providing('test.search', 'test.search@1'),
        needing('test.must', 'test.search@1'),
      ]);
      expect(await ask(kernel, 'test.must:count')).toBe(1);
      await kernel.plugins.uninstall('test.search');
      await paused(
        kernel,
        ['test.must', 'test.search'],
        /no plugin or host provides test\.search@1/,
      );
      expect(kernel.plugins.explain('test.must')).toMatchObject({
        running: false,
        path: ['test.must', 'test.search'],
      });
      await kernel.plugins.install(packageOf(providing('test.search', 'test.search@1', '1.2.0')));
      expect(state(kernel, 'test.must')).toBe('suspended');
      await kernel.plugins.activate('test.search');
      expect(await ask(kernel, 'test.must:find')).toBe('test.search 1.2.0');
      expect(await ask(kernel, 'test.must:count')).toBe(2);
    });
  });

  describe(`${name}: the reported cause`, () => {
    const lazy = (activate = '') =>
      pluginOf('test.lazy', `ctx.commands.handle('hi', () => 'hi'); ${activate}`, {
        dependencies: { 'test.provider': '^1.0.0' },
        activation: ['command:test.lazy:hi'],
        permissions: { commands: { execute: ['host:*'] } },
      });
    const messageOf = async (work: Promise<unknown>) => (await rejection(work)).message;

    it('of a disabled, stopped or uninstalled provider says so', async () => {
      const kernel = await start([provider(), middle()]);
      const message = (what: string) =>
        `cannot start test.middle: test.provider is not there (test.middle → test.provider): test.provider ${what}`;
      await kernel.plugins.deactivate('test.provider');
      expect(await messageOf(ask(kernel, 'test.middle:count'))).toBe(message('was stopped'));
      await kernel.plugins.disable('test.provider');
      expect(await messageOf(ask(kernel, 'test.middle:count'))).toBe(message('was disabled'));
      await kernel.plugins.uninstall('test.provider');
      expect(await messageOf(ask(kernel, 'test.middle:count'))).toBe(message('is not installed'));
    });

    it('of a provider that was not started and is disabled says disabled', async () => {
      const kernel = await start([provider('1.0.0', { activation: [] }), lazy()]);
      await kernel.plugins.disable('test.provider');
      expect(await messageOf(ask(kernel, 'test.lazy:hi'))).toMatch(/test\.provider was disabled$/);
    });

    it('of a provider that was replaced by one that needs its dependant is the cycle, and it cannot return', async () => {
      const kernel = await start([
        providing('test.b', 'test.b@1'),
        needing('test.a', 'test.b@1', { provides: 'test.a@1' }),
      ]);
      await kernel.plugins.reload(
        'test.b',
        packageOf(needing('test.b', 'test.a@1', { provides: 'test.b@1', version: '1.1.0' })),
      );
      for (const id of ['test.a', 'test.b']) await kernel.plugins.suspend(id);
      for (const id of ['test.a', 'test.b']) await kernel.plugins.resume(id);
      await kernel.plugins.deactivate('test.b');
      expect(kernel.plugins.get('test.a')).toMatchObject({
        state: 'suspended',
        reason: 'dependency',
      });
      for (const [id, path] of [
        ['test.b', ['test.b', 'test.a', 'test.b']],
        ['test.a', ['test.a', 'test.b', 'test.a']],
      ] as const) {
        expect(await rejection(kernel.plugins.activate(id))).toMatchObject({
          code: 'plugin/cycle',
          plugin: id,
          details: { path },
        });
      }
    });

    it('of a provider that is stopped while its dependant starts does not say active', async () => {
      const kernel = await start([provider(), lazy(`await ctx.commands.execute('host:gate');`)]);
      const reached = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      kernel.commands.handle('gate', () => {
        reached.resolve();
        return gate.promise;
      });
      const refused = messageOf(ask(kernel, 'test.lazy:hi'));
      await reached.promise;
      const stopped = kernel.plugins.deactivate('test.provider');
      gate.resolve();
      await stopped;
      expect(await refused).toMatch(
        /test\.provider (was stopped|is about to stop, or has just come back)$/,
      );
    });
  });

  describe(`${name}: suspended by request`, () => {
    it('calls and events wait and continue in order', async () => {
      const kernel = await start([provider(), middle()]);
      await kernel.plugins.suspend('test.middle');
      expect(kernel.plugins.get('test.middle')).toMatchObject({
        state: 'suspended',
        reason: 'request',
      });
      expect(kernel.plugins.explain('test.middle')).toMatchObject({
        running: false,
        path: ['test.middle'],
      });
      let answered = 0;
      const answers = Promise.all(
        Array.from({ length: 30 }, () =>
          ask(kernel, 'test.middle:count').finally(() => (answered += 1)),
        ),
      );
      for (let n = 0; n < 10; n++) await kernel.events.emit('test:tick', n);
      expect(await ask(kernel, 'test.provider:hi')).toBe('hi 1.0.0');
      expect(answered).toBe(0);
      await kernel.plugins.resume('test.middle');
      expect(await answers).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
      await expect
        .poll(() => ask(kernel, 'test.middle:story'))
        .toEqual(['suspend', 'resume', ...Array.from({ length: 10 }, (_, n) => n)]);
    });

    it('a deadline and a cancel end a waiting call, and it is not delivered later', async () => {
      const kernel = await start([provider(), middle()]);
      await kernel.plugins.suspend('test.middle');
      const stop = new AbortController();
      const cancelled = rejection(
        kernel.commands.execute('test.middle:count', undefined, { signal: stop.signal }),
      );
      expect(
        (await rejection(kernel.commands.execute('test.middle:count', undefined, { timeout: 100 })))
          .code,
      ).toBe('call/timeout');
      stop.abort();
      expect((await cancelled).code).toBe('call/cancelled');
      await kernel.plugins.resume('test.middle');
      expect(await ask(kernel, 'test.middle:count')).toBe(1);
    });

    it('does not pause its dependants: their calls wait too', async () => {
      const kernel = await start();
      await kernel.plugins.suspend('test.middle');
      expect(state(kernel, 'test.top')).toBe('active');
      const answer = kernel.commands.execute('test.top:hi', undefined, { timeout: 5_000 });
      await kernel.plugins.resume('test.middle');
      expect(await answer).toBe('hi 1.0.0');
    });

    it('a hibernated plugin is suspended too: a call waits instead of waking it', async () => {
      const kernel = await start([provider(), middle()]);
      expect(await kernel.plugins.hibernate('test.middle')).toBe(true);
      await kernel.plugins.suspend('test.middle');
      expect(
        (await rejection(kernel.commands.execute('test.middle:count', undefined, { timeout: 300 })))
          .code,
      ).toBe('call/timeout');
      expect(state(kernel, 'test.middle')).toBe('suspended');
      await kernel.plugins.resume('test.middle');
      expect(await ask(kernel, 'test.middle:count')).toBe(1);
    });

    it('a plugin paused for a missing dependency stays suspended when that is back', async () => {
      const kernel = await start([provider(), middle()]);
      await kernel.plugins.deactivate('test.provider');
      await kernel.plugins.suspend('test.middle');
      await kernel.plugins.activate('test.provider');
      expect(kernel.plugins.get('test.middle')).toMatchObject({
        state: 'suspended',
        reason: 'request',
      });
      await kernel.plugins.resume('test.middle');
      expect(state(kernel, 'test.middle')).toBe('active');
    });

    it('a plugin suspended before its provider went stays suspended when that is back', async () => {
      const kernel = await start([provider(), middle()]);
      await kernel.plugins.suspend('test.middle');
      await kernel.plugins.deactivate('test.provider');
      await kernel.plugins.activate('test.provider');
      expect(kernel.plugins.get('test.middle')).toMatchObject({
        state: 'suspended',
        reason: 'request',
      });
      await kernel.plugins.resume('test.middle');
      expect(await ask(kernel, 'test.middle:hi')).toBe('hi 1.0.0');
    });

    it('is not resumed because a plugin that needs it starts', async () => {
      const kernel = await start([
        provider(),
        dependant('test.middle', 'test.provider', '', { activation: [] }),
      ]);
      await kernel.plugins.suspend('test.provider');
      const starting = kernel.plugins.activate('test.middle').then(
        () => 'active',
        (error) => error.code as string,
      );
      expect(await starting).toBeDefined();
      expect(kernel.plugins.get('test.provider')).toMatchObject({
        state: 'suspended',
        reason: 'request',
      });
    });

    const hooks: readonly (readonly [string, string, RegExp])[] = [
      ['throws', `throw new Error('no, thank you');`, /no, thank you/],
      ['hangs', 'return new Promise(() => {});', /did not finish/],
    ];
    for (const [what, body, message] of hooks) {
      it(`a suspend() that ${what} changes nothing`, async () => {
        const kernel = await start([provider(), middle(`suspend() { ${body} },`)], {
          limits: { hook: 800 },
        });
        const suspending = rejection(kernel.plugins.suspend('test.middle'));
        const answer = ask(kernel, 'test.middle:count');
        expect((await suspending).message).toMatch(message);
        expect(await answer).toBe(1);
        expect(state(kernel, 'test.middle')).toBe('active');
        expect(await ask(kernel, 'test.middle:count')).toBe(2);
      });

      it(`a resume() that ${what} leaves it suspended; what waits keeps waiting`, async () => {
        const kernel = await start(
          [provider(), middle(`tries: 0, resume() { if (this.tries++ === 0) { ${body} } },`)],
          { limits: { hook: 800 } },
        );
        await kernel.plugins.suspend('test.middle');
        const answer = ask(kernel, 'test.middle:count');
        expect((await rejection(kernel.plugins.resume('test.middle'))).message).toMatch(message);
        expect(kernel.plugins.get('test.middle')).toMatchObject({
          state: 'suspended',
          reason: 'request',
        });
        await kernel.plugins.resume('test.middle');
        expect(await answer).toBe(1);
      });
    }

    it('a throwing hook fails with a code, and the error names the hook', async () => {
      const kernel = await start([
        provider(),
        middle(`suspend() { throw new Error('no, thank you'); },`),
      ]);
      expect(await rejection(kernel.plugins.suspend('test.middle'))).toMatchObject({
        code: 'plugin/hook-failed',
        plugin: 'test.middle',
        message: expect.stringMatching(/no, thank you/),
      });
    });

    it('an impossible operation is a typed error and changes nothing', async () => {
      const kernel = await start([
        provider(),
        middle(),
        pluginOf('test.lazy', '', { activation: [] }),
        pluginOf('test.bad', `throw new Error('no');`),
      ]);
      const { plugins } = kernel;
      const illegal = async (work: Promise<unknown>) =>
        expect((await rejection(work)).code).toBe('plugin/illegal-transition');
      for (const operation of ['suspend', 'resume', 'hibernate'] as const) {
        for (const id of ['test.lazy', 'test.bad']) await illegal(plugins[operation](id));
        expect((await rejection(plugins[operation]('test.unknown'))).code).toBe('plugin/not-found');
      }
      await plugins.resume('test.middle');
      expect(state(kernel, 'test.middle')).toBe('active');
      await plugins.suspend('test.middle');
      await plugins.suspend('test.middle');
      await illegal(plugins.hibernate('test.middle'));
      await plugins.deactivate('test.middle');
      for (const operation of ['suspend', 'resume', 'hibernate'] as const)
        await illegal(plugins[operation]('test.middle'));
      expect(['test.lazy', 'test.bad', 'test.middle'].map((id) => state(kernel, id))).toEqual([
        'resolved',
        'failed',
        'unloaded',
      ]);
      await plugins.activate('test.middle');
      expect(await ask(kernel, 'test.middle:count')).toBe(1);
    });

    it('deactivating it settles what waits', async () => {
      const kernel = await start([provider(), middle()]);
      await kernel.plugins.suspend('test.middle');
      const waiting = rejection(ask(kernel, 'test.middle:count'));
      await kernel.plugins.deactivate('test.middle');
      expect((await waiting).code).toMatch(/^(guest\/terminated|plugin\/unavailable)$/);
    });
  });
}
