/** The power `rights`: an extension adds to what manifests ask for, takes rights away, bounds them. */
import { explanationText, type Kernel, type KernelOptions } from '@plinth/kernel';
import {
  type AnyExtension,
  defineExtension,
  type RightsChange,
  type RightsSource,
} from '@plinth/kernel/extension';
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** What may be done with an account, by the plan that is bought. */
const plans = defineExtension({ name: 'plans', uses: ['rights'] }, (source: RightsSource) => ({
  install: (port) => port.rights(source),
}));

const store = pluginOf(
  'test.store',
  `ctx.commands.handle('read', () => 'read'); ctx.commands.handle('write', () => 'written');`,
);
const app = pluginOf(
  'test.app',
  `ctx.commands.handle('run', (id) => ctx.commands.execute(id));
   ctx.commands.handle('log', (text) => { ctx.logger.info(text); return 'told'; });
   ctx.commands.handle('set', (value) => ctx.storage.set('key', value));`,
  {
    permissions: {
      commands: { execute: ['test.store:read'] },
      storage: { read: true, write: true },
    },
  },
);

const start = (extension: AnyExtension, options: KernelOptions = {}, packages = [store, app]) =>
  startKernel({ isolation: 'worker', createHost }, packages, {
    ...options,
    extensions: [extension],
  });
const run = (kernel: Kernel, id: string) => kernel.commands.execute('test.app:run', id);

describe(`${runtime}: the power 'rights'`, () => {
  it('grants what a manifest does not ask for, within policy, to the plugins it names', async () => {
    const granted: RightsChange = {
      granted: {
        commands: { execute: ['test.store:write'] },
        network: { fetch: ['https://a.com'] },
      },
    };
    const kernel = await start(
      plans({ of: ({ id }) => (id === 'test.app' ? granted : undefined) }),
      {
        policy: {
          permissions: { commands: { execute: ['test.store:*'] }, storage: { read: true } },
        },
      },
    );
    expect(await run(kernel, 'test.store:write')).toBe('written');
    expect(kernel.permissions.check('test.app', 'commands.execute', 'test.store:write')).toBe(true);
    expect(kernel.permissions.check('test.store', 'commands.execute', 'test.app:run')).toBe(false);
    expect(kernel.permissions.check('test.app', 'network.fetch', 'https://a.com/x')).toBe(false);
    expect(kernel.permissions.list('test.app').commands?.execute).toEqual([
      'test.store:read',
      'test.store:write',
    ]);
  });

  it('bounds what a manifest asks for, and denials name the extension', async () => {
    const kernel = await start(plans({ of: () => ({ ceiling: { storage: { read: true } } }) }));
    const denied = nextEvent(kernel, 'permission:denied');
    expect(await rejection(run(kernel, 'test.store:read'))).toMatchObject({
      code: 'permission/denied',
      message: expect.stringContaining("the extension 'plans' doesn't allow it"),
    });
    expect(await denied).toMatchObject({ plugin: 'test.app', reason: 'extension' });
    expect(kernel.permissions.list('test.app')).toEqual({ storage: { read: true } });
    const { because, cut } = kernel.plugins.explain('test.app');
    expect(cut?.policy).toBeUndefined();
    expect(cut?.extensions).toMatchObject({ 'commands.execute': ['test.store:read'] });
    expect(because).toContain("an extension doesn't allow all that it may ask for: ");
    // Nor can the application grant more.
    expect(
      await rejection(kernel.permissions.grant('test.app', 'commands.execute', 'test.store:read')),
    ).toMatchObject({
      code: 'permission/denied',
      message: expect.stringContaining("the extension 'plans' doesn't allow it"),
      details: { reason: 'extension' },
    });
    expect(kernel.plugins.explain('test.app').next).toMatch(/have the extension .* allow/);
  });

  it('explains what extensions withhold apart from policy, and nothing that was not asked for', async () => {
    const kernel = await start(
      plans({
        of: () => ({
          ceiling: { commands: { execute: ['*'] }, storage: { read: true } },
          revoked: { commands: { execute: ['test.store:*'] }, network: { fetch: ['*'] } },
        }),
      }),
      { policy: { permissions: { commands: { execute: ['*'] }, storage: { read: true } } } },
    );
    expect(kernel.plugins.explain('test.app').cut).toEqual({
      policy: { 'storage.quota': ['5000000'], 'storage.write': ['*'] },
      extensions: { 'commands.execute': ['test.store:read'] },
    });
    await rejection(run(kernel, 'test.store:read'));
    expect(explanationText(kernel.plugins.explain('test.app'))).not.toContain('undefined');
  });

  it('bounds the quota of a plugin that runs, and tells of each change', async () => {
    let quota = '1kB';
    const kernel = await start(
      plans({
        of: () => ({ ceiling: { storage: { read: true, write: true, quota } } }),
      }),
    );
    const set = (bytes: number) => kernel.commands.execute('test.app:set', 'x'.repeat(bytes));
    expect((await rejection(set(2_000))).code).toBe('storage/quota');
    quota = '10kB';
    const told = nextEvent(kernel, 'permission:changed');
    kernel.extension(plans).changed('test.app');
    expect(await told).toEqual({ extension: 'plans', plugin: 'test.app' });
    await set(2_000);
  });

  it('bounds the open contracts of a plugin, also beside what policy says of them', async () => {
    const Panel = contract('com.acme.panel@1', { show: command({ output: v.string() }) });
    const panel = pluginOf('test.panel', '', {
      provides: ['com.acme.panel@1'],
      permissions: { contracts: { provide: ['com.acme.panel'] } },
    });
    const source: { answer: RightsChange | undefined } = {
      answer: { ceiling: { storage: { read: true } } },
    };
    const kernel = await start(plans({ of: () => source.answer }), { contracts: [Panel] }, [panel]);
    const may = () => kernel.permissions.check('test.panel', 'contracts.provide', 'com.acme.panel');
    expect(may()).toBe(false);
    source.answer = { ceiling: { contracts: { provide: ['com.acme.panel'] } } };
    kernel.extension(plans).changed();
    expect(may()).toBe(true);
    // What policy denies, the ceiling of an extension doesn't allow.
    const strict = await start(
      plans({ of: () => ({ ceiling: { commands: { execute: ['*'] } } }) }),
      {
        contracts: [Panel],
        policy: { trust: () => 'trusted', permissions: { contracts: { provide: [] } } },
      },
      [panel],
    );
    expect(strict.permissions.check('test.panel', 'contracts.provide', 'com.acme.panel')).toBe(
      false,
    );
  });

  it('takes a right away, which a grant of the application does not give back', async () => {
    const kernel = await start(
      plans({ of: () => ({ revoked: { commands: { execute: ['test.store:write'] } } }) }),
    );
    expect(await run(kernel, 'test.store:read')).toBe('read');
    expect(
      await rejection(kernel.permissions.grant('test.app', 'commands.execute', 'test.store:write')),
    ).toMatchObject({ code: 'permission/denied' });
    await kernel.permissions.grant('test.app', 'commands.execute', 'test.store:*');
    expect(await rejection(run(kernel, 'test.store:write'))).toMatchObject({
      code: 'permission/denied',
      message: expect.stringContaining("the extension 'plans' doesn't allow it"),
    });
    expect(await run(kernel, 'test.store:read')).toBe('read');
  });

  it('bounds plugins that policy trusts, too', async () => {
    const kernel = await start(
      plans({ of: () => ({ ceiling: { commands: { execute: ['test.store:read'] } } }) }),
      { policy: { trust: () => 'trusted' } },
    );
    expect(await run(kernel, 'test.store:read')).toBe('read');
    expect((await rejection(run(kernel, 'test.store:write'))).code).toBe('permission/denied');
  });

  it('says when its answer has changed, and running plugins have the new rights at once', async () => {
    let paid = false;
    const asked: string[] = [];
    const kernel = await start(
      plans({
        of({ id }) {
          asked.push(id);
          return paid ? undefined : { ceiling: { storage: { read: true, write: true } } };
        },
      }),
    );
    const { changed } = kernel.extension(plans);
    expect((await rejection(run(kernel, 'test.store:read'))).code).toBe('permission/denied');
    paid = true;
    expect((await rejection(run(kernel, 'test.store:read'))).code).toBe('permission/denied');
    changed('test.app');
    expect(await run(kernel, 'test.store:read')).toBe('read');
    paid = false;
    changed();
    expect((await rejection(run(kernel, 'test.store:read'))).code).toBe('permission/denied');
    // It is asked once a plugin, not at each call.
    const before = asked.length;
    for (let n = 0; n < 10; n++) await rejection(run(kernel, 'test.store:read'));
    expect(asked.length).toBe(before);
  });

  it.for([
    [
      'throws',
      () => {
        throw new Error('the plan is unknown');
      },
      'the plan is unknown',
    ],
    ['names no permission', () => ({ ceiling: { netwerk: { fetch: true } } }), 'netwerk.fetch'],
    ['names no scope', () => ({ revoked: { commands: { execute: ['**x'] } } }), "'**x'"],
    ['answers no object', () => ({ ceiling: 'all' }), "'ceiling' must be an object"],
    ['answers later', async () => ({}), "'of' must answer an object or undefined at once"],
    ['names no part', () => ({ celling: {} }), "'celling' is none of granted, revoked, ceiling"],
    [
      'grants a quota',
      () => ({ granted: { storage: { quota: '5MB' } } }),
      "only 'ceiling' has one",
    ],
  ] as const)(
    'that %s leaves a plugin without rights, says so once, and is asked again',
    async ([, wrong, message]) => {
      let works = false;
      const kernel = await start(
        plans({ of: () => (works ? undefined : (wrong() as unknown as RightsChange)) }),
      );
      expect((await rejection(run(kernel, 'test.store:read'))).code).toBe('permission/denied');
      expect((await rejection(kernel.commands.execute('test.app:set', 1))).code).toBe(
        'permission/denied',
      );
      await kernel.commands.execute('test.app:log', 'from the plugin');
      const told = kernel.logger.recent('extension:plans').map((entry) => entry.message);
      expect(told.filter((one) => one.includes('the rights of test.app'))).toEqual([
        expect.stringContaining(message),
      ]);
      expect(kernel.logger.recent('test.app')).toEqual([]);
      works = true;
      kernel.extension(plans).changed();
      expect(await run(kernel, 'test.store:read')).toBe('read');
    },
  );

  it('that stops answering leaves a plugin the rights that it has', async () => {
    let works = true;
    const kernel = await start(
      plans({
        of() {
          if (!works) throw new Error('the plan is unknown');
          return { revoked: { commands: { execute: ['test.store:write'] } } };
        },
      }),
    );
    works = false;
    kernel.extension(plans).changed();
    expect(await run(kernel, 'test.store:read')).toBe('read');
    expect((await rejection(run(kernel, 'test.store:write'))).code).toBe('permission/denied');
    expect(
      kernel.logger.recent('extension:plans').filter(({ message }) => /test\.app/.test(message)),
    ).toHaveLength(1);
  });

  it('makes a plugin a guard by a right to middleware, and calls wait for it', async () => {
    const guard = pluginOf(
      'test.guard',
      `ctx.middleware.use('command:test.store:write', async (call, next) => 'guarded ' + await next());`,
      { activation: ['event:never'] },
    );
    const kernel = await start(
      plans({
        of: ({ id }) =>
          id === 'test.guard'
            ? { granted: { middleware: { use: ['command:test.store:*'] } } }
            : undefined,
      }),
      {},
      [store, guard],
    );
    expect(kernel.plugins.get('test.guard')?.state).not.toBe('active');
    expect(await kernel.commands.execute('test.store:write')).toBe('guarded written');
  });

  it('can be taken until the kernel has opened', async () => {
    const late = defineExtension({ name: 'late', uses: ['rights'] }, () => ({
      install: (port) => ({ take: () => port.rights({ of: () => undefined }) }),
    }));
    const kernel = await start(late());
    expect(() => kernel.extension(late).take()).toThrow(
      expect.objectContaining({ code: 'extension/late' }),
    );
  });
});

describe(`${runtime}: the log of an extension`, () => {
  it('receives the entries of the tenant, but none of its own making, until it ends that', async () => {
    const seen: string[] = [];
    const ship = defineExtension({ name: 'ship', uses: [] }, () => ({
      install(port) {
        port.log.hide('hunter22');
        const sink = port.log.sink(({ source, message }) => {
          seen.push(`${source}: ${message}`);
          port.log.info('shipped one');
          throw new Error('the collector is away');
        });
        return { stop: () => sink.dispose() };
      },
    }));
    const kernel = await start(ship());
    seen.length = 0;
    await kernel.commands.execute('test.app:log', 'my password is hunter22');
    await expect.poll(() => seen.length).toBe(1);
    expect(seen[0]).toMatch(/^test\.app: my password is (?!.*hunter22)/);
    kernel.extension(ship).stop();
    await kernel.commands.execute('test.app:log', 'second');
    await expect.poll(() => kernel.logger.recent('test.app').length).toBe(2);
    expect(seen.length).toBe(1);
  });
});
