/**
 * Storage of other plugins, through keys that a plugin chooses. The witness is the adapter: no key
 * outside the plugin's own namespace may reach it.
 */

import { memoryStorage, type StorageAdapter } from '@plinth/kernel';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import {
  type Attack,
  type AttackClass,
  attack,
  disturbed,
  type Isolation,
  SECRET,
  startScene,
} from './attack.ts';

const OWN = 'tenant-0\0test.attacker\0';
/** The kernel writes it by itself, shortly after a plugin was found. */
const TIMES = 'tenant-0\0plinth\0times';

/** An adapter that records keys of other plugins. */
function observed(): { readonly storage: StorageAdapter; readonly foreign: string[] } {
  const inner = memoryStorage();
  const foreign: string[] = [];
  const note = (key: string) => {
    if (!key.startsWith(OWN) && key !== TIMES) foreign.push(key);
  };
  const storage = new Proxy(inner, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (key: unknown, ...more: unknown[]) => {
        if (typeof key === 'string') note(key);
        return Reflect.apply(method, target, [key, ...more]);
      };
    },
  });
  return { storage, foreign };
}

const permissions = { storage: { read: true, write: true } };

/** The control runs the same as the neighbour, which owns those keys. */
function reachingFor(name: string, code: string): Attack {
  const body = `const got = []; const tell = async (run) => { try { got.push(JSON.stringify(await run()) ?? ''); } catch {} }; ${code} return got.join();`;
  return {
    name,
    also: ['worker'],
    async attempt(isolation: Isolation) {
      const { storage, foreign } = observed();
      const kernel = await startScene(isolation, body, {
        manifest: { permissions },
        options: { storage },
      });
      foreign.length = 0;
      const said = await attack(kernel);
      if (foreign.length > 0) return foreign[0];
      return String(said).includes(SECRET) ? said : await disturbed(kernel);
    },
    async control() {
      const { storage, foreign } = observed();
      const kernel = await startKernel(
        { isolation: 'worker', createHost },
        [
          pluginOf('test.neighbour', `ctx.commands.handle('go', async () => { ${body} });`, {
            permissions,
          }),
        ],
        {
          storage,
        },
      );
      await kernel.commands.execute('test.neighbour:go');
      return foreign[0];
    },
  };
}

/** Every verb with a key. */
const verbs = (key: string) => `const key = ${key}; await tell(() => ctx.storage.set('own', 1));
  for (const run of [() => ctx.storage.get(key), () => ctx.storage.has(key), () => ctx.storage.keys(key), () => ctx.storage.set(key, 'spoiled'), () => ctx.storage.update(key, () => 'spoiled'), () => ctx.storage.delete(key)]) await tell(run);`;

export const storage: AttackClass = [
  'storage of others',
  [
    reachingFor('the namespace of a neighbour as a path above', verbs("'../test.neighbour/key'")),
    reachingFor(
      'the separator of namespaces in a key',
      verbs("'\\0tenant-0\\0test.neighbour\\0key'"),
    ),
    reachingFor('the whole key of a neighbour', verbs("'tenant-0\\0test.neighbour\\0key'")),
    reachingFor(
      'an absolute path, a drive, a device and a URL',
      ["'/etc/passwd'", "'C:\\\\x'", "'CON'", "'file:///etc/passwd'"]
        .map((key) => `{ ${verbs(key)} }`)
        .join('\n'),
    ),
    reachingFor(
      'letters that are the same to a file system',
      ["'KEY'", "'ke\\u0301y'", "'key.'", "'key '", "'\\ud800'", "'%2e%2e%2fkey'"]
        .map((key) => `{ ${verbs(key)} }`)
        .join('\n'),
    ),
    reachingFor(
      'keys that are no texts',
      ["['own']", "{ toString: () => '../x' }", 'undefined', 'null', '0', 'new Proxy({}, {})']
        .map((key) => `{ ${verbs(key)} }`)
        .join('\n'),
    ),
    reachingFor(
      'a key without end, and none',
      [`'x'.repeat(100_000)`, "''"].map((key) => `{ ${verbs(key)} }`).join('\n'),
    ),
    reachingFor(
      'everything, by listing and clearing with an empty prefix',
      "await tell(() => ctx.storage.keys()); await tell(() => ctx.storage.keys('')); await tell(() => ctx.storage.clear()); await tell(() => ctx.storage.clear('tenant-0'));",
    ),
    reachingFor(
      'keys of a plugin whose name begins with its own',
      "await tell(() => ctx.storage.set('own', 1)); await tell(() => ctx.storage.keys('\\u0000')); await tell(() => ctx.storage.get('2\\0key'));",
    ),
    {
      name: 'more than its quota, by many writes at once',
      also: ['worker'],
      attempt: (isolation) => quota(isolation, '10kb'),
      control: () => quota('worker', '10mb'),
    },
    {
      name: 'reading and writing without the right to',
      also: ['worker'],
      attempt: (isolation) => unpermitted(isolation, {}),
      control: () => unpermitted('worker', permissions),
    },
  ],
];

/** What is stored of a plugin that writes 64 kB in pieces, when it is more than its quota. */
async function quota(isolation: Isolation, size: string): Promise<unknown> {
  const adapter = memoryStorage();
  const kernel = await startScene(
    isolation,
    "await Promise.allSettled(Array.from({ length: 64 }, (_, n) => ctx.storage.set('k' + n, 'x'.repeat(1_000))));",
    {
      manifest: { permissions: { storage: { ...permissions.storage, quota: size } } },
      options: { storage: adapter },
    },
  );
  await attack(kernel);
  const kept = (await adapter.keys(OWN)).length;
  return kept > 10 ? `${kept} kB kept` : undefined;
}

async function unpermitted(
  isolation: Isolation,
  rights: typeof permissions | Record<string, never>,
): Promise<unknown> {
  const { storage: adapter } = observed();
  const kernel = await startScene(
    isolation,
    "await ctx.storage.set('k', 1).catch(() => {}); return ctx.storage.get('k').catch(() => undefined);",
    {
      manifest: { permissions: rights },
      options: { storage: adapter },
    },
  );
  const said = await attack(kernel);
  return said === 1 || (await adapter.keys(OWN)).length > 0 ? 'it wrote' : undefined;
}
