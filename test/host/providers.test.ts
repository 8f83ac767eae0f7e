/** Which plugin serves what another one needs, when several could, and when one of them can't. */
import { type KernelOptions, packageOf } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const Panel = contract('app.panel@1', { go: command({}) });
const PANEL = 'app.panel@1';

interface Facts {
  /** Contracts that it provides, and needs. */
  readonly provides?: string;
  readonly needs?: string;
  readonly version?: string;
  readonly activate?: string;
  readonly members?: string;
  readonly manifest?: object;
}

/** Answers `go` with its id and version, and its command `ask` with what its need answers. */
function plugin(id: string, { provides, needs, ...more }: Facts = {}) {
  const { version = '1.0.0', activate = '', members = '', manifest = {} } = more;
  const made = (one: string) =>
    `{ $id: '${one}', go: { kind: 'command', id: '${one.split('@')[0]}:go', errors: {}, idempotent: false } }`;
  return bundleOf(
    id,
    `export default {
       ${members}
       ${provides ? `provides: [${made(provides)}],` : ''}
       ${needs ? `needs: { it: ${made(needs)} },` : ''}
       async activate(ctx) {
         ${activate}
         ${
           provides
             ? `ctx.provide(${made(provides)}, { go: (what) => {
                  if (what !== 'crash') return '${id}@${version}';
                  setTimeout(() => { throw new Error('gone'); }, 0);
                  return new Promise(() => {});
                } });`
             : ''
         }
         ${needs ? `ctx.commands.handle('ask', (what) => ctx.needs.it.go(what));` : ''}
       },
     };`,
    {
      version,
      ...(provides && { provides: [provides] }),
      ...(needs && { needs: [needs.replace('@', '@^')] }),
      ...(provides?.startsWith('app.') && {
        permissions: { contracts: { provide: ['app.panel'] } },
      }),
      ...manifest,
    } as object,
  );
}
const provider = (id: string, more: Facts = {}) => plugin(id, { provides: PANEL, ...more });
const needer = (more: Facts = {}) => plugin('test.needer', { needs: PANEL, ...more });

const start = (plugins: readonly ReturnType<typeof plugin>[], more: KernelOptions = {}) =>
  startKernel(setting, plugins, {
    contracts: [Panel],
    supervision: { backoff: 200 },
    ...more,
  });
type Kernel = Awaited<ReturnType<typeof start>>;
const ask = (kernel: Kernel, what?: string) => kernel.commands.execute('test.needer:ask', what);
const explain = (kernel: Kernel, id = 'test.needer') => kernel.plugins.explain(id);

describe(`${runtime}: of several providers`, () => {
  it('one that can run is used in the place of one that is disabled', async () => {
    const kernel = await start([provider('test.a'), provider('test.b'), needer()]);
    await kernel.plugins.disable('test.a');
    await kernel.plugins.activate('test.needer');
    expect(await ask(kernel)).toBe('test.b@1.0.0');
    expect(explain(kernel).uses?.plugins.map(({ id }) => id)).toEqual(['test.b']);
  });

  it('one that can run is used in the place of one that has failed', async () => {
    const broken = provider('test.a', { activate: "throw new Error('broken');" });
    const kernel = await start([broken, provider('test.b'), needer()]);
    await kernel.plugins.activate('test.needer');
    expect(await ask(kernel)).toBe('test.b@1.0.0');
  });

  it('one that runs is used in the place of one that was stopped, which stays so', async () => {
    const kernel = await start([provider('test.a'), provider('test.b'), needer()]);
    await kernel.plugins.activate('test.b');
    await kernel.plugins.deactivate('test.a');
    await kernel.plugins.activate('test.needer');
    expect(await ask(kernel)).toBe('test.b@1.0.0');
    expect(kernel.plugins.get('test.a')?.state).toBe('unloaded');
  });

  it('an earlier version in the range is used where the later one is disabled or fails', async () => {
    const on = { dependencies: { 'test.base': '^1.0.0' } };
    const user = plugin('test.user', { manifest: on });
    const later = plugin('test.base', { version: '1.1.0', activate: "throw new Error('no');" });
    const kernel = await start([plugin('test.base'), later, user]);
    await kernel.plugins.activate('test.user');
    expect(kernel.plugins.get('test.base@1.0.0')?.state).toBe('active');
    await kernel.plugins.deactivate('test.user');
    await kernel.plugins.deactivate('test.base@1.0.0');
    await kernel.plugins.disable('test.base@1.1.0');
    await kernel.plugins.activate('test.user');
    expect(kernel.plugins.get('test.user')?.state).toBe('active');
  });

  it('calls wait for the restart of the one in use, whatever the others are', async () => {
    const kernel = await start([provider('test.a'), provider('test.b'), needer()]);
    await kernel.plugins.activate('test.b');
    await kernel.plugins.activate('test.needer');
    await kernel.plugins.deactivate('test.a');
    await rejection(ask(kernel, 'crash'));
    expect(await ask(kernel)).toBe('test.b@1.0.0');
  });

  it('a plugin that could not start is tried again when another one, or the host, provides', async () => {
    const kernel = await start([provider('test.a'), needer()]);
    await kernel.plugins.disable('test.a');
    expect((await rejection(kernel.plugins.activate('test.needer'))).code).toBe(
      'plugin/dependency-failed',
    );
    const back = nextEvent(kernel, 'plugin:activated');
    await kernel.plugins.install(packageOf(provider('test.b')));
    await kernel.plugins.activate('test.b');
    expect(await back).toMatchObject({ id: 'test.b' });
    expect(await ask(kernel)).toBe('test.b@1.0.0');
    const other = await start([needer()]);
    await rejection(other.plugins.activate('test.needer'));
    const again = nextEvent(other, 'plugin:activated');
    other.provide(Panel, { go: () => 'host' });
    expect(await again).toMatchObject({ id: 'test.needer' });
    expect(await ask(other)).toBe('host');
  });

  it('a plugin that could not start finds the version that was installed since', async () => {
    const bad = plugin('test.base', { activate: "throw new Error('no');" });
    const user = plugin('test.user', { manifest: { dependencies: { 'test.base': '^1.0.0' } } });
    const kernel = await start([user]);
    await kernel.plugins.install(packageOf(bad));
    expect((await rejection(kernel.plugins.activate('test.user'))).code).toBe(
      'plugin/dependency-failed',
    );
    await kernel.plugins.update('test.base', packageOf(plugin('test.base', { version: '1.0.1' })));
    await kernel.plugins.activate('test.user');
    expect(kernel.plugins.get('test.base')?.version).toBe('1.0.1');
  });

  it('a plugin that provides what it needs is served by another one, and never by itself', async () => {
    const both = provider('test.needer', { needs: PANEL });
    const kernel = await start([both, provider('test.c')]);
    await kernel.plugins.activate('test.needer');
    expect(await ask(kernel)).toBe('test.c@1.0.0');
    expect(await kernel.client(Panel).go()).toBe('test.needer@1.0.0');
    await kernel.plugins.disable('test.c');
    await expect.poll(() => kernel.plugins.get('test.needer')?.state).toBe('suspended');
  });

  it('one that may not provide any more is no provider, and is one again with its right', async () => {
    const kernel = await start([provider('test.a'), needer()]);
    await kernel.plugins.activate('test.needer');
    await kernel.permissions.revoke('test.a', 'contracts.provide', 'app.panel');
    await expect.poll(() => kernel.plugins.get('test.needer')?.state).toBe('suspended');
    const refused = await rejection(ask(kernel));
    expect(refused.message).toContain('no plugin or host provides app.panel@1');
    await kernel.permissions.grant('test.a', 'contracts.provide', 'app.panel');
    await expect.poll(() => kernel.plugins.get('test.needer')?.state).toBe('active');
    expect(await ask(kernel)).toBe('test.a@1.0.0');
  });
});

describe(`${runtime}: what a plugin needs indirectly`, () => {
  const chain = (suspend = '') => [
    plugin('test.c', { provides: 'test.c@1' }),
    plugin('test.b', { provides: 'test.b@1', needs: 'test.c@1', members: suspend }),
    plugin('test.needer', { needs: 'test.b@1' }),
  ];
  const crash = (kernel: Kernel) => rejection(kernel.commands.execute('test.b:ask', 'crash'));

  it.each([
    ['', 'at once'],
    ['async suspend() { await new Promise((resolve) => setTimeout(resolve, 50)); },', 'slowly'],
  ])('restarts after a crash, and calls wait for it at every moment %#', async (suspend) => {
    const kernel = await start(chain(suspend));
    await kernel.plugins.activate('test.needer');
    const back = nextEvent(kernel, 'plugin:restarted');
    await crash(kernel);
    let over = false;
    void back.then(() => (over = true));
    const calls: Promise<unknown>[] = [];
    while (!over) {
      calls.push(ask(kernel));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['test.b@1.0.0']));
  });

  it('that was in a circle starts once the circle is broken', async () => {
    const link = (id: string, needs?: string) =>
      plugin(id, { provides: `${id}@1`, ...(needs && { needs: `${needs}@1` }) });
    const kernel = await start([
      link('test.x', 'test.y'),
      link('test.y', 'test.z'),
      link('test.z', 'test.x'),
    ]);
    expect((await rejection(kernel.plugins.activate('test.x'))).code).toBe('plugin/cycle');
    const without = plugin('test.z', { provides: 'test.z@1', version: '1.1.0' });
    await kernel.plugins.update('test.z', packageOf(without));
    await kernel.plugins.activate('test.z');
    for (const id of ['test.x', 'test.y'])
      await expect.poll(() => kernel.plugins.get(id)?.state).toBe('active');
  });
});

describe(`${runtime}: the next step`, () => {
  it('is about the version that is lacking', async () => {
    const user = plugin('test.user', { manifest: { dependencies: { 'test.base': '~1.0.0' } } });
    const kernel = await start([
      plugin('test.base'),
      plugin('test.base', { version: '1.1.0' }),
      user,
    ]);
    await kernel.plugins.activate('test.user');
    await kernel.plugins.disable('test.base@1.0.0');
    await expect.poll(() => kernel.plugins.get('test.user')?.state).toBe('suspended');
    expect(explain(kernel, 'test.user').next).toBe("kernel.plugins.enable('test.base@1.0.0')");
    await kernel.plugins.enable('test.base@1.0.0');
    await kernel.plugins.activate('test.user');
    expect(kernel.plugins.get('test.user')?.state).toBe('active');
  });

  it('is to install a version with the contract where only another one has it', async () => {
    const own = (version: string) =>
      plugin('test.c', { provides: `test.c@${version[0]}`, version });
    const kernel = await start([plugin('test.needer', { needs: 'test.c@1' })]);
    await kernel.plugins.install(packageOf(own('1.0.0')));
    await kernel.plugins.activate('test.needer');
    await kernel.plugins.uninstall('test.c');
    await kernel.plugins.install(packageOf(own('2.0.0')));
    expect(explain(kernel).next).toBe('install a version of test.c that provides test.c@1');
  });

  it('of a suspended plugin that lacks something is to bring that back first', async () => {
    const kernel = await start([provider('test.a'), needer()]);
    await kernel.plugins.activate('test.needer');
    await kernel.plugins.suspend('test.needer');
    await kernel.plugins.disable('test.a');
    const told = explain(kernel);
    expect(told.next).toBe("kernel.plugins.enable('test.a')");
    expect(told.because).toContain('test.a was disabled');
    expect(told.path).toEqual(['test.needer', 'test.a']);
    await kernel.plugins.enable('test.a');
    await kernel.plugins.activate('test.a');
    expect(explain(kernel).next).toBe("kernel.plugins.resume('test.needer')");
    await kernel.plugins.resume('test.needer');
    expect(await ask(kernel)).toBe('test.a@1.0.0');
  });
});
