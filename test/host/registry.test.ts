/**
 * Installs, enablements and updates are durable: all of a change or nothing, whatever fails, and
 * the next kernel finds the same.
 */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  memoryStorage,
  type PackageInput,
  type PluginPackage,
  packageOf,
  type StorageAdapter,
} from '@plinth/kernel';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createHost, persistentStorage, runtime, storageName } from '#host';
import { full } from '../support/full.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const setting: Setting = { isolation: 'worker', createHost };
const ID = 'test.p';

/** Storage that is opened again for each kernel. */
type Open = () => Promise<StorageAdapter>;
/** Outlives the kernels that close it. */
const inMemory = async (): Promise<Open> => {
  const kept = outliving(memoryStorage());
  return async () => kept;
};
const STORES: Readonly<Record<string, () => Promise<Open>>> = {
  ...(full && { memory: inMemory }),
  'persistent storage': async () => {
    const name = await storageName();
    return () => persistentStorage(name);
  },
};

/** Counts, crashes on request, and returns its version. */
function version(
  of: string,
  {
    id = ID,
    activate = '',
    members = '',
    ...manifest
  }: { id?: string; activate?: string; members?: string; [key: string]: unknown } = {},
): PackageInput {
  return pluginOf(
    id,
    `ctx.commands.handle('version', () => '${of}');
     ctx.commands.handle('count', () => ++this.n);
     ${CRASH}
     ${activate}`,
    { version: of, ...manifest },
    members || 'n: 0, getState() { return this.n; }, restoreState(n) { this.n = n; },',
  );
}
const packed = (...args: Parameters<typeof version>) => packageOf(version(...args));

/** Every version of a plugin: its state, and whether it may start. */
const versionsOf = (kernel: Kernel, id = ID) =>
  kernel.plugins
    .list()
    .filter((one) => one.id === id)
    .map((one) => `${one.version} ${one.state}${one.enabled ? '' : ' disabled'}`)
    .sort();
/** The answer, or why there is none. */
const answer = (kernel: Kernel, id = ID, range?: string) =>
  kernel.commands
    .execute(`${id}:version`, undefined, range === undefined ? {} : { version: range })
    .catch((error) => error.code);
const problems = async (kernel: Kernel) => (await kernel.health()).problems.map(({ code }) => code);
const fulfilled = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.filter(({ status }) => status === 'fulfilled').length;
const codesOf = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason?.code] : []));

/** A host that knows which guests live. */
function watched() {
  const live: string[] = [];
  return {
    live,
    createHost() {
      const host = createHost();
      return {
        ...host,
        async launch(request: Parameters<typeof host.launch>[0]) {
          const guest = await host.launch(request);
          const name = `${request.plugin.id}@${request.plugin.version}`;
          live.push(name);
          void guest.exited.then(() => live.splice(live.indexOf(name), 1));
          return guest;
        },
      };
    },
  };
}

/** A kernel over packages that emit events at their start. */
async function startOver(
  packages: readonly PluginPackage[],
  options: KernelOptions = {},
): Promise<Kernel> {
  const source = {
    async *discover() {
      yield* packages;
    },
  };
  const kernel = await createKernel({ host: createHost(), ...options, sources: [source] });
  onTestFinished(() => kernel.stop());
  await kernel.start();
  return kernel;
}

/** A promise that can be resolved from outside. */
function gate() {
  let open!: () => void;
  let reached!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const pass = () => {
    reached();
    return opened;
  };
  return { open, arrived, pass };
}

/** A plugin whose `activate` waits for the host. */
const WAITS = {
  activate: `await ctx.commands.execute('host:gate');`,
  permissions: { commands: { execute: ['host:gate'] } },
};

const tenantKey = (part: 'entry' | 'copy' | 'code', name: string) =>
  `tenant-0\0plinth\0${part}\0${name}`;
/** Works on storage while no kernel has it open. */
async function between(
  open: Open,
  work: (storage: StorageAdapter) => Promise<void>,
): Promise<void> {
  const storage = await open();
  await work(storage);
  await storage.close();
}

for (const [where, make] of Object.entries(STORES)) {
  describe(`${runtime}, ${where}: what is stored`, () => {
    /** Starts a kernel over the same storage as the one before. */
    const starter = async (packages: readonly PackageInput[] = [], options: KernelOptions = {}) => {
      const open = await make();
      let last: Kernel | undefined;
      const next = async () => {
        await last?.stop();
        last = await startKernel(setting, packages, { ...options, storage: await open() });
        return last;
      };
      return { open, next, stop: () => last?.stop() };
    };

    it('install(): versions beside each other, the same one refused, both running in the next kernel', async () => {
      const { next } = await starter();
      const first = await next();
      const installed = nextEvent(first, 'plugin:installed');
      expect(await first.plugins.install(packed('1.0.0'))).toBe(ID);
      expect(await installed).toMatchObject({ id: ID, version: '1.0.0' });
      expect(versionsOf(first)).toEqual(['1.0.0 resolved']);
      await first.plugins.install(packed('2.0.0'));
      expect(await rejection(first.plugins.install(packed('2.0.0')))).toMatchObject({
        code: 'plugin/duplicate',
        plugin: ID,
      });
      expect(
        await rejection(
          first.plugins.install(packed('1.0.0', { activate: `throw new Error('impostor');` })),
        ),
      ).toMatchObject({ code: 'plugin/duplicate' });
      for (const range of ['^1.0.0', '^2.0.0']) await first.plugins.activate(`${ID}@${range}`);
      const second = await next();
      expect(versionsOf(second)).toEqual(['1.0.0 active', '2.0.0 active']);
      expect([
        await answer(second),
        await answer(second, ID, '^1.0.0'),
        await answer(second, ID, '^2.0.0'),
      ]).toEqual(['2.0.0', '1.0.0', '2.0.0']);
      expect(await problems(second)).toEqual([]);
      expect(await rejection(second.plugins.install(packed('1.0.0')))).toMatchObject({
        code: 'plugin/duplicate',
      });
    });

    it("a source's plugins that were uninstalled, disabled or updated stay so; what is undone stays undone", async () => {
      const packages = ['gone', 'off', 'new', 'as.ever'].map((name) =>
        version('1.0.0', { id: `test.${name}` }),
      );
      const { next } = await starter(packages);
      const first = await next();
      await first.plugins.uninstall('test.gone');
      await first.plugins.disable('test.off');
      await first.plugins.update('test.new', packed('2.0.0', { id: 'test.new' }));
      const left = [[], ['1.0.0 resolved disabled'], ['2.0.0 active'], ['1.0.0 active']];
      const seen = (kernel: Kernel) =>
        packages.map((_, index) =>
          versionsOf(kernel, `test.${['gone', 'off', 'new', 'as.ever'][index]}`),
        );
      const second = await next();
      expect(seen(second)).toEqual(left);
      expect(await rejection(second.plugins.activate('test.off'))).toMatchObject({
        code: 'plugin/disabled',
      });
      const third = await next();
      expect(seen(third)).toEqual(left);
      expect(await answer(third, 'test.new')).toBe('2.0.0');
      await third.plugins.install(packageOf(packages[0] as PackageInput));
      await third.plugins.enable('test.off');
      await third.plugins.rollback('test.new');
      expect([await answer(third, 'test.off'), await answer(third, 'test.new')]).toEqual([
        '1.0.0',
        '1.0.0',
      ]);
      expect(seen(await next())).toEqual([
        ['1.0.0 active'],
        ['1.0.0 active'],
        ['1.0.0 active'],
        ['1.0.0 active'],
      ]);
    });

    it('installed plugins that were updated, rolled back, disabled and uninstalled are restored in that state', async () => {
      const { next, open, stop } = await starter();
      let kernel = await next();
      await kernel.plugins.install(packed('1.0.0'));
      await kernel.plugins.activate(ID);
      expect([
        await kernel.commands.execute(`${ID}:count`),
        await kernel.commands.execute(`${ID}:count`),
      ]).toEqual([1, 2]);
      const updated = nextEvent(kernel, 'plugin:updated');
      await kernel.plugins.update(ID, packed('2.0.0'));
      expect(await updated).toEqual({ id: ID, version: '2.0.0', from: '1.0.0' });
      expect(await kernel.commands.execute(`${ID}:count`)).toBe(3);
      kernel = await next();
      expect(versionsOf(kernel)).toEqual(['2.0.0 active']);
      await kernel.plugins.update(ID, packed('3.0.0'));
      kernel = await next();
      await kernel.commands.execute(`${ID}:count`);
      const back = nextEvent(kernel, 'plugin:rolled-back');
      await kernel.plugins.rollback(ID);
      expect(await back).toMatchObject({
        id: ID,
        version: '2.0.0',
        from: '3.0.0',
        reason: 'request',
      });
      expect([await answer(kernel), await kernel.commands.execute(`${ID}:count`)]).toEqual([
        '2.0.0',
        2,
      ]);
      expect(await rejection(kernel.plugins.rollback(ID))).toMatchObject({
        code: 'plugin/no-previous-version',
      });
      await kernel.plugins.disable(ID);
      expect(await answer(kernel)).toBe('plugin/unavailable');
      kernel = await next();
      expect(versionsOf(kernel)).toEqual(['2.0.0 resolved disabled']);
      await kernel.plugins.enable(ID);
      expect(await answer(kernel)).toBe('2.0.0');
      await kernel.plugins.uninstall(ID);
      expect([kernel.plugins.get(ID), await answer(kernel)]).toEqual([
        undefined,
        'call/unknown-command',
      ]);
      kernel = await next();
      expect(versionsOf(kernel)).toEqual([]);
      await stop();
      await between(open, async (storage) =>
        expect(await storage.keys(tenantKey('code', ''))).toEqual([]),
      );
    });

    it.each<[string, unknown]>([
      ['a text', 'garbage'],
      ['an object of another form', { format: 1, disabled: 'all' }],
      ['null', null],
    ])(
      'a damaged entry (%s) is replaced by its copy, reported once, and everything continues',
      async (_, garbage) => {
        const { open, next, stop } = await starter();
        const first = await next();
        await first.plugins.install(packed('1.0.0'));
        await first.plugins.update(ID, packed('2.0.0'));
        await stop();
        await between(open, (storage) => storage.set(tenantKey('entry', ID), garbage));
        const second = await next();
        expect([versionsOf(second), await answer(second)]).toEqual([['2.0.0 active'], '2.0.0']);
        expect(await problems(second)).toContain('registry/damaged');
        await second.plugins.rollback(ID);
        const third = await next();
        expect([versionsOf(third), await problems(third)]).toEqual([['1.0.0 active'], []]);
      },
    );

    it('an entry that is lost is replaced by its copy', async () => {
      const { open, next, stop } = await starter();
      await (await next()).plugins.install(packed('1.0.0'));
      await stop();
      await between(open, async (storage) => void (await storage.delete(tenantKey('entry', ID))));
      const second = await next();
      expect([versionsOf(second), await problems(second)]).toEqual([
        ['1.0.0 active'],
        ['registry/damaged'],
      ]);
    });
  });
}

describe(`${runtime}: unreadable entries`, () => {
  const newer = { format: 3, disabled: { everything: true }, notes: 'of a newer kernel' };

  it('an entry in a newer format is reported and never overwritten, by any operation', async () => {
    const open = await inMemory();
    await between(open, (storage) => storage.set(tenantKey('entry', ID), newer));
    const kernel = await startKernel(
      setting,
      [version('1.0.0'), version('1.0.0', { id: 'test.other' })],
      { storage: await open() },
    );
    expect(await problems(kernel)).toEqual(['registry/newer-format']);
    expect(await answer(kernel, 'test.other')).toBe('1.0.0');
    for (const change of [
      () => kernel.plugins.install(packed('2.0.0')),
      () => kernel.plugins.update(ID, packed('2.0.0')),
      () => kernel.plugins.disable(ID),
      () => kernel.plugins.uninstall(ID),
      () => kernel.plugins.deprecate(ID, 'no'),
    ])
      expect(await rejection(change())).toMatchObject({ code: 'registry/newer-format' });
    expect([versionsOf(kernel), await answer(kernel)]).toEqual([['1.0.0 active'], '1.0.0']);
    await kernel.stop();
    await between(open, async (storage) =>
      expect(await storage.get(tenantKey('entry', ID))).toEqual(newer),
    );
  });

  it('the packages that a newer kernel has installed still exist when it returns', async () => {
    const open = await inMemory();
    const first = await startKernel(setting, [], { storage: await open() });
    await first.plugins.install(packed('1.0.0'));
    await first.stop();
    await between(open, async (storage) =>
      storage.update(tenantKey('entry', ID), (entry) => ({ ...(entry as object), format: 3 })),
    );
    await (await startKernel(setting, [], { storage: await open() })).stop();
    await between(open, async (storage) =>
      expect(await storage.get(tenantKey('code', 'test.p@1.0.0'))).toBeDefined(),
    );
  });

  it('what a newer kernel has installed is no leftover, and its data are not purged', async () => {
    const open = await inMemory();
    const first = await startKernel(setting, [], { storage: await open() });
    await first.plugins.install(packed('1.0.0'));
    await first.storage.of(ID).import(new Map([['key', 'kept']]));
    await first.stop();
    const format = (number: number, parts: readonly ('entry' | 'copy')[] = ['entry', 'copy']) =>
      between(open, async (storage) => {
        for (const part of parts)
          await storage.update(tenantKey(part, ID), (kept) => ({
            ...(kept as object),
            format: number,
          }));
      });
    await format(3);
    const second = await startKernel(setting, [], { storage: await open() });
    expect(await second.plugins.leftovers()).toEqual([]);
    expect(await rejection(second.plugins.uninstall(ID, { purge: true }))).toMatchObject({
      code: 'registry/newer-format',
    });
    await second.stop();
    await format(2);
    const third = await startKernel(setting, [], { storage: await open() });
    expect((await third.storage.of(ID).export()).get('key')).toBe('kept');
  });

  it('a copy that a newer kernel has written is not overwritten when its entry is lost', async () => {
    const open = await inMemory();
    await between(open, (storage) => storage.set(tenantKey('copy', ID), newer));
    const kernel = await startKernel(setting, [], { storage: await open() });
    expect(await problems(kernel)).toEqual(['registry/newer-format']);
    expect(await rejection(kernel.plugins.install(packed('2.0.0')))).toMatchObject({
      code: 'registry/newer-format',
    });
    await kernel.stop();
    await between(open, async (storage) =>
      expect(await storage.get(tenantKey('copy', ID))).toEqual(newer),
    );
  });

  it('an uninstallation whose purge fails is told with a code, and can be purged again', async () => {
    const storage = memoryStorage();
    let isFull = true;
    const kernel = await startKernel(setting, [], {
      storage: {
        ...storage,
        async clear(prefix) {
          if (isFull) throw new Error('the disk is gone');
          await storage.clear(prefix);
        },
      },
    });
    await kernel.plugins.install(packed('1.0.0'));
    await kernel.storage.of(ID).import(new Map([['key', 1]]));
    const told = nextEvent(kernel, 'plugin:uninstalled');
    const error = await rejection(kernel.plugins.uninstall(ID, { purge: true }));
    expect([error.code, error.plugin]).toEqual(['storage/failed', ID]);
    expect(await told).toEqual({ id: ID });
    isFull = false;
    const purged = nextEvent(kernel, 'plugin:uninstalled');
    await kernel.plugins.uninstall(ID, { purge: true });
    expect(await purged).toEqual({ id: ID, purged: true });
    expect(await kernel.plugins.leftovers()).toEqual([]);
  });

  it('what is asked for together keeps its order: an installation, an update, an uninstallation', async () => {
    const kernel = await startKernel(setting, []);
    await Promise.all([kernel.plugins.install(packed('1.0.0')), kernel.plugins.uninstall(ID)]);
    expect(versionsOf(kernel)).toEqual([]);
    await kernel.plugins.install(packed('1.0.0'));
    await Promise.all([
      kernel.plugins.update(ID, packed('1.1.0')),
      kernel.plugins.install(packed('2.0.0')),
    ]);
    expect(versionsOf(kernel).map((one) => one.split(' ')[0])).toEqual(['1.1.0', '2.0.0']);
    const told = nextEvent(kernel, 'plugin:uninstalled');
    await kernel.plugins.uninstall(`${ID}@2.0.0`);
    expect(await told).toEqual({ id: ID, version: '2.0.0' });
  });

  it('when entry and copy are damaged the others go on, and the plugin can be installed again', async () => {
    const open = await inMemory();
    const first = await startKernel(setting, [version('1.0.0', { id: 'test.other' })], {
      storage: await open(),
    });
    await first.plugins.install(packed('1.0.0'));
    await first.stop();
    await between(open, async (storage) => {
      for (const part of ['entry', 'copy'] as const)
        await storage.set(tenantKey(part, ID), 'garbage');
    });
    const second = await startKernel(setting, [version('1.0.0', { id: 'test.other' })], {
      storage: await open(),
    });
    expect([await answer(second, 'test.other'), versionsOf(second)]).toEqual(['1.0.0', []]);
    expect(await problems(second)).toContain('registry/damaged');
    await second.plugins.install(packed('1.0.0'));
    await second.plugins.activate(ID);
    expect(await answer(second)).toBe('1.0.0');
  });

  it('a plugin whose stored code is gone fails alone with the reason, and installing it again fixes it', async () => {
    const open = await inMemory();
    const first = await startKernel(setting, [], { storage: await open() });
    await first.plugins.install(packed('1.0.0'));
    await first.plugins.install(packed('1.0.0', { id: 'test.other' }));
    await first.stop();
    await between(
      open,
      async (storage) => void (await storage.delete(tenantKey('code', `${ID}@1.0.0`))),
    );
    const second = await startKernel(setting, [], { storage: await open() });
    expect(second.plugins.get(ID)).toMatchObject({
      state: 'failed',
      error: { code: 'plugin/load-failed', message: expect.stringMatching(/install it again/) },
    });
    expect(await answer(second, 'test.other')).toBe('1.0.0');
    await second.plugins.install(packed('1.0.0'));
    await second.plugins.activate(ID);
    expect(await answer(second)).toBe('1.0.0');
    await second.stop();
    expect(await answer(await startKernel(setting, [], { storage: await open() }))).toBe('1.0.0');
  });

  it("the registry's keys can't be reached through ctx.storage, and no plugin can be called plinth", async () => {
    const open = await inMemory();
    const nosy = version('1.0.0', {
      permissions: { storage: { read: true, write: true } },
      activate: `ctx.commands.handle('try', async (keys) => {
        const seen = [];
        for (const key of keys) { seen.push(await ctx.storage.get(key)); await ctx.storage.set(key, 'mine'); await ctx.storage.update(key, () => 'mine'); await ctx.storage.delete(key); }
        for (const prefix of [undefined, '', '\\0', '..', ...keys]) seen.push(...(await ctx.storage.keys(prefix)));
        await ctx.storage.clear();
        return seen.filter((one) => one !== undefined);
      });`,
    });
    const first = await startKernel(setting, [nosy], { storage: await open() });
    await first.plugins.install(packed('1.0.0', { id: 'test.other' }));
    await first.plugins.disable('test.other');
    const keys = ['entry', 'copy', 'code'].flatMap((part) => {
      const full = tenantKey(part as 'entry', part === 'code' ? 'test.other@1.0.0' : 'test.other');
      return [
        full,
        full.slice('tenant-0'.length),
        full.slice('tenant-0\0'.length),
        `../plinth/${part}/test.other`,
        `..\0plinth\0${part}\0test.other`,
      ];
    });
    expect(await first.commands.execute(`${ID}:try`, keys)).toEqual([]);
    await first.stop();
    const second = await startKernel(setting, [nosy], { storage: await open() });
    expect(versionsOf(second, 'test.other')).toEqual(['1.0.0 resolved disabled']);
    await second.plugins.enable('test.other');
    expect(await answer(second, 'test.other')).toBe('1.0.0');
    for (const id of ['plinth', 'plinth.entry', `plinth\0entry`])
      expect(await rejection(second.plugins.install(packed('1.0.0', { id })))).toMatchObject({
        code: 'manifest/invalid',
      });
  });
});

// --- all or nothing
// ------------------------------------------------------------------------------------------------

/** An adapter whose n-th write from now rejects. */
function failing(
  adapter: StorageAdapter,
  thrown: () => unknown = () =>
    Object.assign(new Error('the disk is full'), { code: 'storage/failed' }),
) {
  let left = Number.POSITIVE_INFINITY;
  let failed = false;
  const write = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    // The audit, the times and the metrics are written at any time, and nothing waits for them.
    if (/\0(audit|extension)\0|\0times$/.test(key)) return work();
    left -= 1;
    if (left !== 0) return work();
    failed = true;
    throw thrown();
  };
  return {
    storage: {
      ...outliving(adapter),
      set: (key, value) => write(key, () => adapter.set(key, value)),
      update: (key, change) => write(key, () => adapter.update(key, change)),
    } satisfies StorageAdapter,
    failAt(n: number) {
      left = n;
    },
    /** Whether a write failed; no write fails any more. */
    heal() {
      left = Number.POSITIVE_INFINITY;
      return failed;
    },
  };
}

const OPERATIONS: readonly {
  readonly name: string;
  readonly prepare: (kernel: Kernel) => Promise<unknown>;
  readonly run: (kernel: Kernel) => Promise<unknown>;
  readonly guest?: string;
}[] = [
  {
    name: 'install',
    prepare: async () => {},
    run: (kernel) => kernel.plugins.install(packed('2.0.0')),
    guest: `${ID}@2.0.0`,
  },
  {
    name: 'update',
    prepare: async () => {},
    run: (kernel) => kernel.plugins.update(ID, packed('2.0.0')),
    guest: `${ID}@2.0.0`,
  },
  {
    name: 'rollback',
    prepare: (kernel) => kernel.plugins.update(ID, packed('2.0.0')),
    run: (kernel) => kernel.plugins.rollback(ID),
    guest: `${ID}@1.0.0`,
  },
  { name: 'disable', prepare: async () => {}, run: (kernel) => kernel.plugins.disable(ID) },
  {
    name: 'enable',
    prepare: (kernel) => kernel.plugins.disable(ID),
    run: (kernel) => kernel.plugins.enable(ID),
  },
  { name: 'uninstall', prepare: async () => {}, run: (kernel) => kernel.plugins.uninstall(ID) },
];

describe(`${runtime}: all or nothing`, () => {
  const settled = (kernel: Kernel) =>
    versionsOf(kernel).map((one) => one.replace('unloaded', 'resolved'));
  for (const { name, prepare, run, guest } of OPERATIONS) {
    for (const n of [1, 2, 3]) {
      it(`${name}() when the storage refuses write ${n}: the former state stays, now and in the next kernel`, async () => {
        const disk = outliving(memoryStorage());
        const { storage, failAt, heal } = failing(disk);
        const { live, createHost: counted } = watched();
        const kernel = await startKernel({ isolation: 'worker', createHost: counted }, [], {
          storage,
        });
        await kernel.plugins.install(packed('1.0.0'));
        await kernel.plugins.activate(ID);
        await prepare(kernel);
        const before = settled(kernel);
        const answered = await answer(kernel);
        failAt(n);
        const outcome = await run(kernel).then(
          () => 'done',
          (error) => error.code,
        );
        const met = heal();
        const now = settled(kernel);
        if (outcome !== 'done') {
          expect(met).toBe(true);
          expect(outcome).toBe('storage/failed');
          expect([now, await answer(kernel)]).toEqual([before, answered]);
          if (guest !== undefined)
            await vi.waitFor(() => expect(live).not.toContain(guest), 10_000);
        }
        await kernel.stop();
        const again = await startKernel(setting, [], { storage: outliving(disk) });
        const running = (list: readonly string[]) =>
          list.map((one) => (one.endsWith('disabled') ? one : one.replace('resolved', 'active')));
        expect([settled(again), await problems(again)]).toEqual([running(now), []]);
      });
    }
  }

  it('an error of the storage becomes a typed error', async () => {
    const { storage, failAt } = failing(memoryStorage(), () => new Error('the disk is full'));
    const kernel = await startKernel(setting, [], { storage });
    for (const n of [1, 2]) {
      failAt(n);
      expect(await rejection(kernel.plugins.install(packed('1.0.0')))).toMatchObject({
        code: 'storage/failed',
        message: expect.stringMatching(/the disk is full/),
      });
    }
  });

  it('an update that could not be written is undone, even if the old version refuses the state of the new one', async () => {
    const { storage, failAt, heal } = failing(memoryStorage());
    const picky = `n: 0, restoreState(n, from) { if (from !== '1.0.0') throw new Error('from the future'); this.n = n; }, getState() { return this.n; },`;
    const kernel = await startKernel(setting, [], { storage });
    await kernel.plugins.install(packed('1.0.0', { members: picky }));
    await kernel.plugins.activate(ID);
    failAt(2);
    expect(await rejection(kernel.plugins.update(ID, packed('2.0.0')))).toMatchObject({
      code: 'storage/failed',
    });
    expect(heal()).toBe(true);
    expect([versionsOf(kernel), await answer(kernel)]).toEqual([['1.0.0 active'], '1.0.0']);
    await kernel.stop();
    const again = await startKernel(setting, [], { storage });
    expect([versionsOf(again), await answer(again)]).toEqual([['1.0.0 active'], '1.0.0']);
  });

  it('an update of a paused plugin that could not be written leaves it paused with its state', async () => {
    const { storage, failAt, heal } = failing(memoryStorage());
    const kernel = await startKernel(setting, [], { storage });
    await kernel.plugins.install(packed('1.0.0'));
    await kernel.plugins.activate(ID);
    const count = () => kernel.commands.execute(`${ID}:count`, undefined, { timeout: 10_000 });
    expect([await count(), await count()]).toEqual([1, 2]);
    await kernel.plugins.suspend(ID);
    const waits = count();
    failAt(2);
    expect(await rejection(kernel.plugins.update(ID, packed('2.0.0')))).toMatchObject({
      code: 'storage/failed',
    });
    expect(heal()).toBe(true);
    expect(kernel.plugins.get(ID)).toMatchObject({ version: '1.0.0', state: 'suspended' });
    await kernel.plugins.resume(ID);
    expect(await waits).toBe(3);
  });

  const bad: readonly (readonly [string, () => PluginPackage, string])[] = [
    [
      'code that cannot be read',
      () => ({ ...packed('2.0.0'), code: () => Promise.reject(new Error('no such file')) }),
      'plugin/load-failed',
    ],
    [
      'code that is empty',
      () => packageOf({ ...version('2.0.0'), code: ' ' }),
      'plugin/load-failed',
    ],
    [
      'the wrong digest',
      () => packed('2.0.0', { files: { 'plugin.js': '0'.repeat(64) } }),
      'plugin/digest-mismatch',
    ],
    [
      'a dependency that is not there',
      () => packed('2.0.0', { dependencies: { 'test.missing': '^1.0.0' } }),
      'plugin/unsatisfied',
    ],
    ['a bad manifest', () => packed('2.0.0', { colour: 'red' }), 'manifest/invalid'],
    [
      'a need for a newer kernel',
      () => packed('2.0.0', { engines: { plinth: '^99.0.0' } }),
      'plugin/incompatible',
    ],
  ];
  for (const [what, make, code] of bad) {
    it(`${what}: refused by install() and update(), and nothing of it is stored`, async () => {
      const disk = outliving(memoryStorage());
      const kernel = await startKernel(setting, [version('1.0.0')], { storage: disk });
      expect(await rejection(kernel.plugins.install(make()))).toMatchObject({ code });
      expect(await rejection(kernel.plugins.update(ID, make()))).toMatchObject({ code });
      expect([versionsOf(kernel), await answer(kernel)]).toEqual([['1.0.0 active'], '1.0.0']);
      expect(await disk.keys(tenantKey('code', ''))).toEqual([]);
      await kernel.stop();
      const again = await startKernel(setting, [version('1.0.0')], { storage: disk });
      expect([versionsOf(again), await problems(again)]).toEqual([['1.0.0 active'], []]);
    });
  }

  it('an inactive plugin is not updated to a version that lacks what it needs', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    await kernel.plugins.deactivate(ID);
    expect(
      await rejection(
        kernel.plugins.update(ID, packed('2.0.0', { dependencies: { 'test.missing': '^1.0.0' } })),
      ),
    ).toMatchObject({ code: 'plugin/unsatisfied' });
    expect(versionsOf(kernel)).toEqual(['1.0.0 unloaded']);
    await kernel.plugins.activate(ID);
    expect(await answer(kernel)).toBe('1.0.0');
  });
});

// --- at the same time
// ----------------------------------------------------------------------------------------------

describe(`${runtime}: concurrent operations`, () => {
  it('of many installs of one version one succeeds, and the next kernel runs its package', async () => {
    const open = await inMemory();
    const kernel = await startKernel(setting, [], { storage: await open() });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, (_, n) =>
        kernel.plugins.install(
          packed('1.0.0', { activate: `ctx.commands.handle('which', () => ${n});` }),
        ),
      ),
    );
    expect([fulfilled(outcomes), codesOf(outcomes)]).toEqual([
      1,
      ['plugin/duplicate', 'plugin/duplicate', 'plugin/duplicate'],
    ]);
    await kernel.plugins.activate(ID);
    const which = await kernel.commands.execute(`${ID}:which`);
    await kernel.stop();
    const again = await startKernel(setting, [], { storage: await open() });
    expect(await again.commands.execute(`${ID}:which`)).toBe(which);
  });

  it('any combination: each is done or refused with a typed error, and the next kernel has the same state', async () => {
    const open = await inMemory();
    const { live, createHost: counted } = watched();
    const start = async () =>
      startKernel({ isolation: 'worker', createHost: counted }, [version('1.0.0')], {
        storage: await open(),
      });
    let kernel = await start();
    const operations = [
      (n: number) => kernel.plugins.install(packed(`${n}.1.0`)),
      (n: number) => kernel.plugins.update(ID, packed(`${n}.2.0`)),
      () => kernel.plugins.uninstall(ID),
      () => kernel.plugins.rollback(ID),
      (n: number) => kernel.plugins.update(ID, packed(`${n}.3.0`)),
      () => kernel.plugins.disable(ID),
      () => kernel.plugins.enable(ID),
      () => kernel.plugins.activate(ID),
      () => kernel.plugins.reload(ID),
    ];
    for (let round = 1; round <= 5; round++) {
      const turn = (index: number) => (index * 4 + round * 5) % operations.length;
      const outcomes = await Promise.allSettled(
        operations.map((_, index) =>
          (operations[turn(index)] as (n: number) => Promise<unknown>)(round + 1),
        ),
      );
      for (const code of codesOf(outcomes))
        expect(code, `round ${round}`).toMatch(/^[a-z]+\/[a-z-]+$/);
      const there = () =>
        versionsOf(kernel).map((one) => one.replace(/ (resolved|active|unloaded|failed)/, ''));
      const running = versionsOf(kernel).flatMap((one) =>
        one.includes(' active') ? [`${ID}@${one.split(' ')[0]}`] : [],
      );
      await vi.waitFor(() => expect([...live].sort()).toEqual(running.sort()), 10_000);
      const left = there();
      await kernel.stop();
      expect(live).toEqual([]);
      kernel = await start();
      expect([there(), await problems(kernel)], `round ${round}`).toEqual([left, []]);
      for (const one of kernel.plugins.list())
        if (one.enabled) expect(one, `round ${round}`).toMatchObject({ state: 'active' });
    }
  });

  it('uninstall() during activation leaves no guest and no command', async () => {
    const { live, createHost: counted } = watched();
    const kernel = await startKernel({ isolation: 'worker', createHost: counted }, [
      version('1.0.0', { ...WAITS, activation: [] }),
    ]);
    const { arrived, open, pass } = gate();
    kernel.commands.handle('gate', pass);
    const activating = kernel.plugins.activate(ID).catch((error) => error.code);
    await arrived;
    const uninstalling = kernel.plugins.uninstall(ID);
    open();
    await uninstalling;
    await activating;
    expect([kernel.plugins.get(ID), await answer(kernel)]).toEqual([
      undefined,
      'call/unknown-command',
    ]);
    await vi.waitFor(() => expect(live).toEqual([]), 10_000);
  });

  for (const when of ['while its code is read', 'in its activate()']) {
    it(`disable() of a starting plugin, ${when}: it doesn't run afterwards`, async () => {
      const { arrived, open, pass } = gate();
      const reading = when === 'while its code is read';
      const one = packed('1.0.0', { activation: [], ...(!reading && WAITS) });
      const found: PluginPackage = reading
        ? { ...one, code: (main) => pass().then(() => one.code(main)) }
        : one;
      const kernel = await startOver([found]);
      kernel.commands.handle('gate', pass);
      const activating = kernel.plugins.activate(ID).catch((error) => error.code);
      await arrived;
      const disabling = kernel.plugins.disable(ID);
      const disabled = reading ? disabling : undefined;
      // One that activate() waits for can only be stopped when that has finished.
      await Promise.race([disabled, nextEvent(kernel, 'plugin:disabled')].filter(Boolean));
      open();
      await Promise.all([activating, disabling]);
      expect(kernel.plugins.get(ID)).toMatchObject({ enabled: false });
      expect(kernel.plugins.get(ID)?.state).not.toBe('active');
      expect(await answer(kernel)).toBe('plugin/unavailable');
    });
  }

  it('a version installed beside is not affected by an update to the same version', async () => {
    const open = await inMemory();
    const kernel = await startKernel(setting, [], { storage: await open() });
    await kernel.plugins.install(packed('1.0.0'));
    await kernel.plugins.activate(ID);
    await kernel.plugins.install(packed('2.0.0'));
    expect(
      await rejection(
        kernel.plugins.update(
          `${ID}@^1.0.0`,
          packed('2.0.0', { activate: `throw new Error('another 2.0.0');` }),
        ),
      ),
    ).toMatchObject({ code: 'plugin/duplicate' });
    await kernel.stop();
    const again = await startKernel(setting, [], { storage: await open() });
    expect([
      versionsOf(again),
      await answer(again, ID, '^1.0.0'),
      await answer(again, ID, '^2.0.0'),
    ]).toEqual([['1.0.0 active', '2.0.0 active'], '1.0.0', '2.0.0']);
  });

  it('a running version installed beside is not replaced by the update of an inactive one', async () => {
    const { live, createHost: counted } = watched();
    const kernel = await startKernel({ isolation: 'worker', createHost: counted }, []);
    await kernel.plugins.install(packed('1.0.0'));
    await kernel.plugins.install(packed('2.0.0'));
    await kernel.plugins.activate(`${ID}@^2.0.0`);
    expect(await rejection(kernel.plugins.update(`${ID}@^1.0.0`, packed('2.0.0')))).toMatchObject({
      code: 'plugin/duplicate',
    });
    expect([versionsOf(kernel), await answer(kernel), live]).toEqual([
      ['1.0.0 resolved', '2.0.0 active'],
      '2.0.0',
      [`${ID}@2.0.0`],
    ]);
  });

  it('uninstalling another version keeps what a rollback needs', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    await kernel.plugins.update(ID, packed('2.0.0'));
    await kernel.plugins.install(packed('3.0.0'));
    await kernel.plugins.uninstall(`${ID}@^3.0.0`);
    expect(versionsOf(kernel)).toEqual(['2.0.0 active']);
    await kernel.plugins.rollback(ID);
    expect(versionsOf(kernel)).toEqual(['1.0.0 active']);
  });
});

// --- update
// --------------------------------------------------------------------------------------------------------

describe(`${runtime}: update`, () => {
  it('refuses an older or the same version, the package of another plugin, and an unknown plugin', async () => {
    const kernel = await startKernel(setting, [version('2.0.0')]);
    for (const older of ['1.0.0', '2.0.0', '2.0.0-rc.1'])
      expect(await rejection(kernel.plugins.update(ID, packed(older)))).toMatchObject({
        code: 'plugin/downgrade',
        plugin: ID,
        details: { version: older, installed: '2.0.0' },
      });
    expect(
      await rejection(kernel.plugins.update(ID, packed('3.0.0', { id: 'test.other' }))),
    ).toMatchObject({ code: 'plugin/illegal-transition', plugin: ID });
    expect(
      await rejection(
        kernel.plugins.update('test.unknown', packed('3.0.0', { id: 'test.unknown' })),
      ),
    ).toMatchObject({ code: 'plugin/not-found' });
    expect(await rejection(kernel.plugins.rollback(ID))).toMatchObject({
      code: 'plugin/no-previous-version',
    });
    expect([versionsOf(kernel), await answer(kernel)]).toEqual([['2.0.0 active'], '2.0.0']);
  });

  it.each([
    ['throws', { activate: `throw new Error('not today');` }, 'plugin/activation-failed'],
    ['does not parse', { activate: ')(' }, undefined],
    [
      'rejects the state',
      { members: `n: 0, restoreState() { throw new Error('strange'); },` },
      undefined,
    ],
  ])(
    'a new version that %s leaves the old one, with its state, now and in the next kernel',
    async (_, options, code) => {
      const { live, createHost: counted } = watched();
      const open = await inMemory();
      const kernel = await startKernel(
        { isolation: 'worker', createHost: counted },
        [version('1.0.0')],
        { storage: await open() },
      );
      await kernel.commands.execute(`${ID}:count`);
      const error = await rejection(kernel.plugins.update(ID, packed('2.0.0', options)));
      expect(error.code).toMatch(/^[a-z]+\//);
      if (code !== undefined) expect(error.code).toBe(code);
      expect([
        versionsOf(kernel),
        await answer(kernel),
        await kernel.commands.execute(`${ID}:count`),
      ]).toEqual([['1.0.0 active'], '1.0.0', 2]);
      await vi.waitFor(() => expect(live).toEqual([`${ID}@1.0.0`]), 10_000);
      expect(await rejection(kernel.plugins.rollback(ID))).toMatchObject({
        code: 'plugin/no-previous-version',
      });
      await kernel.stop();
      expect(
        versionsOf(await startKernel(setting, [version('1.0.0')], { storage: await open() })),
      ).toEqual(['1.0.0 active']);
    },
  );

  const more = {
    permissions: { storage: { read: true }, commands: { execute: ['test.other:*'] } },
  };

  it('asks for consent when permissions grow: without it the old version continues', async () => {
    const kernel = await startKernel(setting, [
      version('1.0.0', { permissions: { commands: { execute: ['test.other:a'] } } }),
    ]);
    const error = await rejection(kernel.plugins.update(ID, packed('2.0.0', more)));
    expect(error).toMatchObject({
      code: 'permission/consent-required',
      plugin: ID,
      details: { version: '2.0.0' },
    });
    expect(error.details?.permissions).toEqual({
      'storage.read': ['*'],
      'commands.execute': ['test.other:*'],
    });
    expect([versionsOf(kernel), await answer(kernel)]).toEqual([['1.0.0 active'], '1.0.0']);
    await kernel.plugins.update(ID, packed('2.0.0', more), { consent: true });
    expect([versionsOf(kernel), kernel.permissions.check(ID, 'storage.read')]).toEqual([
      ['2.0.0 active'],
      true,
    ]);
  });

  it('asks for everything else that it adds: isolation, resources, contracts, activation, tenancy, middleware', async () => {
    const guard = (optional: boolean) => ({
      permissions: { middleware: { use: ['command:bank:*'] } },
      contributes: { middleware: [{ target: 'command:bank:*', optional }] },
    });
    const cases: readonly [string, object, object, object][] = [
      ['isolation', { isolation: 'sandbox' }, { isolation: 'worker' }, { isolation: ['worker'] }],
      [
        'no limit',
        { resources: { memory: '64MB', cpu: 0.5 } },
        { resources: { cpu: 0.5 } },
        { 'resources.memory': ['unlimited'] },
      ],
      [
        'limits',
        { resources: { concurrency: 2, timeout: 100 } },
        { resources: { concurrency: 9, timeout: 500 } },
        { 'resources.timeout': ['500'], 'resources.concurrency': ['9'] },
      ],
      ['contracts', {}, { provides: [`${ID}@1`] }, { provides: [`${ID}@1`] }],
      [
        'activation',
        { activation: [] },
        { activation: ['startup', 'event:user:*'] },
        { activation: ['startup', 'event:user:*'] },
      ],
      ['tenancy', {}, { tenancy: 'shared' }, { tenancy: ['shared'] }],
      [
        'a guard that may be passed',
        guard(false),
        guard(true),
        { 'middleware.dropped': ['command:bank:*'] },
      ],
      ['a guard that goes', guard(false), {}, { 'middleware.dropped': ['command:bank:*'] }],
      [
        'users',
        { contributes: { commands: [{ id: 'version', requiresAuth: true }] } },
        { contributes: { commands: [{ id: 'version' }] } },
        { 'requiresAuth.dropped': ['version'] },
      ],
    ];
    for (const [what, before, after, growth] of cases) {
      const kernel = await startKernel(setting, [version('1.0.0', { activation: [], ...before })]);
      const asked = vi.fn(() => false);
      kernel.permissions.onRequest(asked);
      const next = packed('2.0.0', { activation: [], ...after });
      const error = await rejection(kernel.plugins.update(ID, next));
      expect([what, error.code, error.details?.permissions]).toEqual([
        what,
        'permission/consent-required',
        growth,
      ]);
      expect(asked.mock.calls).toMatchObject([
        [{ plugin: ID, reason: 'update', permissions: growth }, {}],
      ]);
      expect(versionsOf(kernel)).toEqual(['1.0.0 resolved']);
      await kernel.plugins.update(ID, next, { consent: true });
      expect(versionsOf(kernel)).toEqual(['2.0.0 resolved']);
      await kernel.stop();
    }
  });

  const STUCK: readonly [string, string][] = [
    ['throws', `n: 0, getState() { throw new Error('never'); },`],
    ['hangs', 'n: 0, getState() { return new Promise(() => {}); },'],
    ['gives what cannot be handed over', 'n: 0, getState() { return () => {}; },'],
    ['gives too much', 'n: 0, getState() { return new Uint8Array(17_000_000); },'],
  ];
  it.each(STUCK)(
    'an old version whose getState %s prevents its update only where its state is required',
    async (_, members) => {
      const limits = { hook: 1_000 };
      const kernel = await startKernel(setting, [version('1.0.0', { members })], { limits });
      expect((await rejection(kernel.plugins.update(ID, packed('2.0.0')))).code).toMatch(
        /^(plugin|value)\//,
      );
      expect(versionsOf(kernel)).toEqual(['1.0.0 active']);
      await kernel.plugins.update(ID, packed('2.0.0'), { state: 'optional' });
      expect([versionsOf(kernel), await answer(kernel)]).toEqual([['2.0.0 active'], '2.0.0']);
      const lenient = await startKernel(setting, [version('1.0.0', { members })], {
        limits,
        policy: { updates: { state: 'optional' } },
      });
      expect(
        await rejection(lenient.plugins.update(ID, packed('1.1.0'), { state: 'required' })),
      ).toBeInstanceOf(Error);
      await lenient.plugins.update(ID, packed('2.0.0'));
      expect(await answer(lenient)).toBe('2.0.0');
      // How the new version handles the state is another matter.
      const strange = `n: 0, getState() { return 1; }, restoreState() { throw new Error('strange'); },`;
      await lenient.plugins.update(
        ID,
        packed('3.0.0', { members: 'n: 0, getState() { return 1; },' }),
      );
      expect(
        await rejection(lenient.plugins.update(ID, packed('4.0.0', { members: strange }))),
      ).toBeInstanceOf(Error);
      expect(await answer(lenient)).toBe('3.0.0');
    },
  );

  it('does not ask when permissions stay, shrink, or are cut by policy', async () => {
    const kernel = await startKernel(setting, [version('1.0.0', more)], {
      policy: { permissions: { storage: { read: true }, commands: { execute: ['test.other:*'] } } },
    });
    const asked = vi.fn(() => false);
    kernel.permissions.onRequest(asked);
    await kernel.plugins.update(
      ID,
      packed('2.0.0', {
        permissions: {
          storage: { read: true, write: true },
          commands: { execute: ['test.other:*', 'test.other:b'] },
          wasm: true,
        },
      }),
    );
    await kernel.plugins.update(ID, packed('3.0.0'));
    expect(asked).not.toHaveBeenCalled();
    expect(await answer(kernel)).toBe('3.0.0');
  });

  it('the handler is asked with the difference; its yes allows the update, and the last handler counts', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    const refusing = vi.fn(() => false);
    const agreeing = vi.fn(async () => true);
    kernel.permissions.onRequest(refusing);
    const registered = kernel.permissions.onRequest(agreeing);
    await kernel.plugins.update(ID, packed('2.0.0', more));
    const permissions = { 'storage.read': ['*'], 'commands.execute': ['test.other:*'] };
    expect(agreeing.mock.calls).toEqual([
      [
        { plugin: ID, version: '2.0.0', reason: 'update', permissions },
        { signal: expect.any(AbortSignal) },
      ],
    ]);
    expect([refusing.mock.calls.length, await answer(kernel)]).toEqual([0, '2.0.0']);
    registered.dispose();
    expect(
      await rejection(
        kernel.plugins.update(
          ID,
          packed('3.0.0', { permissions: { ...more.permissions, wasm: true } }),
        ),
      ),
    ).toMatchObject({
      code: 'permission/consent-required',
    });
    expect(await answer(kernel)).toBe('2.0.0');
  });

  it.each<[string, () => unknown]>([
    ['no', () => false],
    ['something that is not true', () => 'yes'],
    ['a late no', async () => false],
  ])('a handler that answers %s keeps the old one', async (_, handler) => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    kernel.permissions.onRequest(handler as () => boolean);
    expect(await rejection(kernel.plugins.update(ID, packed('2.0.0', more)))).toMatchObject({
      code: 'permission/consent-required',
    });
    expect([versionsOf(kernel), await answer(kernel)]).toEqual([['1.0.0 active'], '1.0.0']);
  });

  it('a handler that throws keeps the old one, with a typed error', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    kernel.permissions.onRequest(() => {
      throw new Error('the dialogue is broken');
    });
    const error = await rejection(kernel.plugins.update(ID, packed('2.0.0', more)));
    expect([versionsOf(kernel), await answer(kernel)]).toEqual([['1.0.0 active'], '1.0.0']);
    expect(error).toMatchObject({ code: 'permission/consent-required' });
  });

  it('a handler that never answers keeps the old version, blocks nothing else, and lets the kernel stop', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    const asked = new Promise<void>((resolve) => {
      kernel.permissions.onRequest(() => {
        resolve();
        return new Promise(() => {});
      });
    });
    let over = false;
    void kernel.plugins
      .update(ID, packed('2.0.0', more))
      .catch(() => {})
      .then(() => {
        over = true;
      });
    await asked;
    expect(await answer(kernel)).toBe('1.0.0');
    await kernel.plugins.update(ID, packed('1.1.0'));
    expect([await answer(kernel), over]).toEqual(['1.1.0', false]);
    await kernel.stop();
  });

  it('an answer that comes after the plugin was uninstalled updates nothing', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    const { arrived, open, pass } = gate();
    kernel.permissions.onRequest(() => pass().then(() => true));
    const updating = rejection(kernel.plugins.update(ID, packed('2.0.0', more)));
    await arrived;
    await kernel.plugins.uninstall(ID);
    open();
    expect((await updating).code).toBe('plugin/not-found');
    expect(versionsOf(kernel)).toEqual([]);
  });

  it('consent is for what the update replaces: a rollback in between does not invalidate it', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    await kernel.plugins.update(ID, packed('2.0.0', more), { consent: true });
    const asked = vi.fn(() => false);
    kernel.permissions.onRequest(asked);
    const [, updating] = await Promise.allSettled([
      kernel.plugins.rollback(ID),
      kernel.plugins.update(ID, packed('3.0.0', more)),
    ]);
    // Version 1 asked for nothing: version 3 in its place asks for more, and there was no consent.
    expect([
      updating.status,
      versionsOf(kernel),
      kernel.permissions.check(ID, 'storage.read'),
    ]).toEqual(['rejected', ['1.0.0 active'], false]);
    expect(asked).toHaveBeenCalled();
  });

  it('a larger storage quota counts as growth', async () => {
    const storage = (quota: string) => ({
      permissions: { storage: { read: true, write: true, quota } },
    });
    const kernel = await startKernel(setting, [version('1.0.0', storage('1kB'))]);
    expect(
      await rejection(kernel.plugins.update(ID, packed('2.0.0', storage('1GB')))),
    ).toMatchObject({ code: 'permission/consent-required' });
  });
});

// --- trial and rollback
// --------------------------------------------------------------------------------------------

describe(`${runtime}: probation and rollback`, () => {
  const supervision = { backoff: 20 };

  it('an update that crashes on probation is rolled back automatically and permanently', async () => {
    const open = await inMemory();
    const kernel = await startKernel(setting, [version('1.0.0')], {
      storage: await open(),
      supervision,
    });
    await kernel.plugins.update(ID, packed('2.0.0'));
    const back = nextEvent(kernel, 'plugin:rolled-back');
    await rejection(kernel.commands.execute(`${ID}:crash`));
    expect(await back).toMatchObject({
      id: ID,
      version: '1.0.0',
      from: '2.0.0',
      reason: expect.stringMatching(/gone/),
    });
    expect([versionsOf(kernel), await answer(kernel)]).toEqual([['1.0.0 active'], '1.0.0']);
    await kernel.stop();
    expect(
      versionsOf(await startKernel(setting, [version('1.0.0')], { storage: await open() })),
    ).toEqual(['1.0.0 active']);
  });

  it('an update that reports unhealthy on probation is rolled back automatically, with its state', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')], { limits: { trial: 1_000 } });
    await kernel.commands.execute(`${ID}:count`);
    const back = nextEvent(kernel, 'plugin:rolled-back');
    const ill = `n: 0, getState() { return this.n; }, restoreState(n) { this.n = n; }, healthCheck() { return { status: 'unhealthy', details: 'a bad day' }; },`;
    await kernel.plugins.update(ID, packed('2.0.0', { members: ill }));
    expect(await back).toMatchObject({
      version: '1.0.0',
      from: '2.0.0',
      reason: expect.stringMatching(/unhealthy.*a bad day/),
    });
    expect([await answer(kernel), await kernel.commands.execute(`${ID}:count`)]).toEqual([
      '1.0.0',
      2,
    ]);
  });

  it('an update that cannot be woken on probation is rolled back automatically, with its state', async () => {
    const permissions = { commands: { execute: ['host:is-awake'] } };
    const kernel = await startKernel(setting, [version('1.0.0', { permissions })]);
    let awake = true;
    kernel.commands.handle('is-awake', () => awake);
    const moody = `if (!(await ctx.commands.execute('host:is-awake'))) throw new Error('not today');`;
    await kernel.plugins.update(ID, packed('2.0.0', { activate: moody, permissions }));
    await kernel.commands.execute(`${ID}:count`);
    expect(await kernel.plugins.hibernate(ID)).toBe(true);
    awake = false;
    const [failed, back] = [
      nextEvent(kernel, 'plugin:wake-failed'),
      nextEvent(kernel, 'plugin:rolled-back'),
    ];
    expect(await answer(kernel)).toBe('plugin/activation-failed');
    expect(await failed).toMatchObject({
      id: ID,
      version: '2.0.0',
      code: 'plugin/activation-failed',
      message: expect.stringMatching(/not today/),
    });
    expect(await back).toMatchObject({
      version: '1.0.0',
      from: '2.0.0',
      reason: expect.stringMatching(/not today/),
    });
    expect([await answer(kernel), await kernel.commands.execute(`${ID}:count`)]).toEqual([
      '1.0.0',
      2,
    ]);
  });

  it('a healthy or degraded update stays; after probation a crash is an ordinary crash', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await startKernel(setting, [version('1.0.0')], {
      storage,
      supervision,
      limits: { trial: 60 },
    });
    const rolledBack = vi.fn();
    kernel.events.on('plugin:rolled-back', rolledBack);
    await kernel.plugins.update(
      ID,
      packed('2.0.0', { members: `n: 0, healthCheck() { return { status: 'degraded' }; },` }),
    );
    await expect.poll(() => storage.get(tenantKey('entry', ID))).toMatchObject({ trials: [] });
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await rejection(kernel.commands.execute(`${ID}:crash`));
    await restarted;
    expect([versionsOf(kernel), await answer(kernel), rolledBack.mock.calls]).toEqual([
      ['2.0.0 active'],
      '2.0.0',
      [],
    ]);
    await kernel.plugins.rollback(ID);
    expect(await answer(kernel)).toBe('1.0.0');
  });

  it('without probation nothing is rolled back automatically', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')], {
      supervision,
      limits: { trial: 0 },
    });
    await kernel.plugins.update(ID, packed('2.0.0'));
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await rejection(kernel.commands.execute(`${ID}:crash`));
    await restarted;
    expect(await answer(kernel)).toBe('2.0.0');
  });

  it('after a rollback the restored version is not on probation', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')], { supervision });
    await kernel.plugins.update(ID, packed('2.0.0'));
    await kernel.plugins.rollback(ID);
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await rejection(kernel.commands.execute(`${ID}:crash`));
    await restarted;
    expect(versionsOf(kernel)).toEqual(['1.0.0 active']);
  });

  it('a version is restored even if it rejects the state of the one it replaces', async () => {
    const old = version('1.0.0', {
      members: `n: 0, getState() { return this.n; }, restoreState(n) { if (typeof n !== 'number') throw new Error('strange state'); this.n = n; },`,
    });
    const kernel = await startKernel(setting, [old]);
    await kernel.plugins.update(
      ID,
      packed('2.0.0', { members: `n: 0, restoreState() {}, getState() { return { list: [] }; },` }),
    );
    await kernel.plugins.rollback(ID);
    expect([
      versionsOf(kernel),
      await answer(kernel),
      await kernel.commands.execute(`${ID}:count`),
    ]).toEqual([['1.0.0 active'], '1.0.0', 1]);
    expect(kernel.logger.recent('kernel').map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/without its state.*strange state/),
    );
  });

  it('an impossible rollback leaves the new version, with its state, now and in the next kernel', async () => {
    const open = await inMemory();
    const permissions = { storage: { read: true, write: true } };
    const old = version('1.0.0', {
      permissions,
      activate: `if (await ctx.storage.get('layout') === 2) throw new Error('too new for me');`,
    });
    const kernel = await startKernel(setting, [old], { storage: await open() });
    await kernel.plugins.update(
      ID,
      packed('2.0.0', { permissions, activate: `await ctx.storage.set('layout', 2);` }),
    );
    await kernel.commands.execute(`${ID}:count`);
    expect(await rejection(kernel.plugins.rollback(ID))).toMatchObject({
      code: 'plugin/activation-failed',
    });
    expect([
      versionsOf(kernel),
      await answer(kernel),
      await kernel.commands.execute(`${ID}:count`),
    ]).toEqual([['2.0.0 active'], '2.0.0', 2]);
    await kernel.stop();
    expect(versionsOf(await startKernel(setting, [old], { storage: await open() }))).toEqual([
      '2.0.0 active',
    ]);
  });

  it('a plugin that was stopped or disabled when it was updated is restored as stopped or disabled', async () => {
    const open = await inMemory();
    const kernel = await startKernel(setting, [version('1.0.0')], { storage: await open() });
    await kernel.plugins.disable(ID);
    await kernel.plugins.update(ID, packed('2.0.0'));
    expect(versionsOf(kernel)).toEqual(['2.0.0 unloaded disabled']);
    await kernel.plugins.rollback(ID);
    expect(versionsOf(kernel)).toEqual(['1.0.0 unloaded disabled']);
    await kernel.stop();
    expect(
      versionsOf(await startKernel(setting, [version('1.0.0')], { storage: await open() })),
    ).toEqual(['1.0.0 resolved disabled']);
  });
});
