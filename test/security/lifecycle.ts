/**
 * Plugins that abuse lifecycle stages: the kernel never waits longer than its limits, and an ended
 * plugin stays ended.
 */

import type { Kernel, KernelOptions, PackageInput } from '@plinth/kernel';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';
import {
  type Attack,
  type AttackClass,
  disturbed,
  type Isolation,
  neighbour,
  watchHost,
} from './attack.ts';

const SHORT: KernelOptions['limits'] = {
  activate: 250,
  deactivate: 250,
  hook: 250,
  load: 400,
  swap: 250,
};
const LONG: KernelOptions['limits'] = {
  activate: 1_800,
  deactivate: 1_800,
  hook: 1_800,
  load: 1_800,
  swap: 1_800,
};

const start = (isolation: Isolation, plugin: PackageInput, options: KernelOptions = {}) =>
  startKernel({ isolation, createHost }, [neighbour, plugin], {
    isolation: ({ id }) => (id === 'test.attacker' ? isolation : 'worker'),
    supervision: { restart: false },
    ...options,
  });

const NEVER = 'new Promise(() => {})';

/** A step that must end, and doesn't when the limits are far away. */
function waiting(
  name: string,
  plugin: PackageInput,
  run?: (kernel: Kernel) => Promise<unknown>,
): Attack {
  const attempt = async (
    isolation: Isolation,
    limits: KernelOptions['limits'],
    patience: number,
  ) => {
    const over = (async () => {
      const kernel = await start(isolation, plugin, { limits });
      // Only the step itself must not wait; it may fail.
      await run?.(kernel).catch(() => {});
      return disturbed(kernel);
    })();
    void over.catch(() => {});
    return Promise.race([
      over,
      new Promise((resolve) =>
        setTimeout(resolve, patience, `the kernel still waits after ${patience} ms`),
      ),
    ]);
  };
  return {
    name,
    also: ['worker'],
    attempt: (isolation) => attempt(isolation, SHORT, 6_000),
    control: () => attempt('inline', LONG, 900),
  };
}

const attackerOf = (activate: string, members = '') =>
  pluginOf('test.attacker', activate, { activation: ['startup'] }, members);

/** A plugin object that is dangerous to inspect. The control inspects it without care. */
function odd(name: string, exported: string): Attack {
  return {
    name,
    also: ['worker'],
    async attempt(isolation) {
      const host = watchHost();
      const kernel = await start(
        isolation,
        bundleOf('test.attacker', `export default ${exported};`),
        { limits: SHORT },
      );
      const state = kernel.plugins.get('test.attacker')?.state;
      if (state === undefined) return 'the kernel has lost it';
      await kernel.plugins.health('test.attacker').catch(() => {});
      await kernel.plugins.deactivate('test.attacker').catch(() => {});
      return host.changed() ?? (await disturbed(kernel));
    },
    async control() {
      const plugin = new Function(`return ${exported}`)() as Record<string, unknown>;
      try {
        for (const key of [
          'provides',
          'needs',
          'activate',
          'healthCheck',
          'getState',
          'deactivate',
        ]) {
          const [first, second] = [plugin[key], plugin[key]];
          if (
            first !== second ||
            (first !== undefined && typeof first !== 'function' && typeof first !== 'object')
          )
            return `${key} is not what it was`;
          if (key !== 'activate' && typeof first === 'function') await first.call(plugin);
        }
        return Array.isArray(plugin.provides ?? []) ? Object.keys(plugin).length === 0 : 'odd';
      } catch (error) {
        return error ?? 'threw nothing';
      }
    },
  };
}

/**
 * Whether anything of the attacker is still received, after it was ended unless it may continue.
 */
function afterwards(
  name: string,
  activate: string,
  heard: (kernel: Kernel, events: readonly string[]) => unknown,
): Attack {
  const run = async (isolation: Isolation, end: boolean) => {
    const events: string[] = [];
    const kernel = await start(
      isolation,
      pluginOf('test.attacker', activate, {
        permissions: {
          events: { emit: ['*'] },
          storage: { read: true, write: true },
          commands: { execute: ['*'] },
        },
      }),
      { limits: SHORT },
    );
    if (end) await kernel.plugins.deactivate('test.attacker').catch(() => {});
    kernel.events.on('test.attacker:*', ({ topic }) => void events.push(topic));
    await new Promise((resolve) => setTimeout(resolve, 150));
    return (await heard(kernel, events)) || (await disturbed(kernel));
  };
  return {
    name,
    also: ['worker'],
    attempt: (isolation) => run(isolation, true),
    control: () => run('worker', false),
  };
}

const reload = (kernel: Kernel) => kernel.plugins.reload('test.attacker');

export const lifecycle: AttackClass = [
  'lifecycle',
  [
    waiting(
      'loading that never ends',
      bundleOf('test.attacker', `await ${NEVER}; export default { activate() {} };`),
    ),
    waiting('an activation that never ends', attackerOf(`await ${NEVER};`)),
    waiting(
      'an activation that answers a thenable which never calls back',
      bundleOf('test.attacker', 'export default { activate() { return { then() {} }; } };'),
    ),
    waiting(
      'a deactivation that never ends',
      attackerOf('', `deactivate() { return ${NEVER}; },`),
      (kernel) => kernel.plugins.deactivate('test.attacker'),
    ),
    waiting('a disposable that never ends', attackerOf(`ctx.defer(() => ${NEVER});`), (kernel) =>
      kernel.plugins.deactivate('test.attacker'),
    ),
    waiting('a configuration that never ends', attackerOf('', `configure() { return ${NEVER}; },`)),
    waiting('a state that never comes', attackerOf('', `getState() { return ${NEVER}; },`), reload),
    waiting(
      'a health check that never ends',
      attackerOf('', `healthCheck() { return ${NEVER}; },`),
      (kernel) => kernel.plugins.health('test.attacker'),
    ),
    odd(
      'getters that throw',
      `{ get activate() { throw new Error('no'); }, get provides() { throw null; }, get needs() { throw undefined; } }`,
    ),
    odd(
      'getters that answer something else each time',
      `{ n: 0, get provides() { this.n += 1; return this.n > 1 ? [{ $id: 'test.neighbour@1' }] : []; }, get activate() { this.n += 1; return this.n > 3 ? 5 : () => {}; } }`,
    ),
    odd(
      'a proxy that answers everything',
      'new Proxy({}, { get: (target, key) => (key === "then" ? undefined : () => { throw new Error(String(key)); }), has: () => true, ownKeys() { throw new Error("keys"); } })',
    ),
    odd('lists that are none', '{ activate() {}, provides: { length: 4_294_967_295 }, needs: [] }'),
    odd(
      'errors that cannot be read',
      '{ activate() { throw new Proxy({}, { get() { throw new Error("get"); }, getPrototypeOf() { throw new Error("proto"); } }); }, healthCheck() { throw null; } }',
    ),
    odd(
      'health that is nonsense',
      '{ activate() {}, healthCheck() { return { status: { toString() { throw 1; } }, details: { self: globalThis, f() {} } }; }, getState() { throw Symbol("x"); } }',
    ),
    afterwards(
      'events from a plugin that is over',
      "setInterval(() => { ctx.events.emit('late', 1).catch(() => {}); }, 5);",
      (_kernel, events) => events[0],
    ),
    afterwards(
      'commands from a plugin that is over',
      "setInterval(() => { try { ctx.commands.handle('c' + Math.floor(Math.random() * 1e9), () => 1); } catch {} }, 5);",
      (kernel) =>
        kernel.commands.list().find(({ id, active }) => id.startsWith('test.attacker:') && active)
          ?.id,
    ),
    afterwards(
      'a command that outlives its plugin',
      "ctx.commands.handle('stay', () => 'still there');",
      (kernel) =>
        // Calling it would start the plugin again, as it should: the old registration must be gone.
        kernel.commands.list().find(({ id, active }) => id === 'test.attacker:stay' && active)?.id,
    ),
    {
      name: 'registrations without end',
      also: ['worker'],
      attempt: (isolation) => registrations(isolation, 10_000, 4_096),
      control: () => registrations('worker', 1_000, 900),
    },
  ],
];

async function registrations(isolation: Isolation, count: number, most: number): Promise<unknown> {
  const plugin = pluginOf(
    'test.attacker',
    `ctx.commands.handle('go', async () => { for (let n = 0; n < ${count}; n++) { try { ctx.commands.handle('c' + n, () => n); } catch {} if (n % 256 === 0) await new Promise((done) => setTimeout(done, 0)); } });`,
  );
  const kernel = await start(isolation, plugin);
  await kernel.commands.execute('test.attacker:go').catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  const found = kernel.commands.list().filter(({ id }) => id.startsWith('test.attacker:c')).length;
  return found > most ? `${found} commands` : disturbed(kernel);
}
