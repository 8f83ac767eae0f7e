/**
 * Wrong arguments to context methods: the author gets an error that names the mistake, and nothing
 * else happens.
 */

import type { Kernel } from '@plinth/kernel';
import { expect, it } from 'vitest';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const everything = {
  storage: { read: true, write: true },
  commands: { execute: ['*'] },
  events: { subscribe: ['*'], emit: ['*'] },
  hooks: { call: ['*'], handle: ['*'] },
  middleware: { use: ['command:*'] },
  messaging: { send: ['*'] },
  secrets: { read: ['*'] },
  env: { read: ['*'] },
  fs: { read: ['*'], write: ['*'] },
  network: { fetch: ['*'] },
  config: { read: ['*'], write: ['*'] },
};

/**
 * Each method of `ctx` with a wrong value in place of a text, a function, a contract or options.
 */
const METHODS: readonly [method: string, call: string][] = [
  ['commands.execute', 'ctx.commands.execute(value)'],
  [
    'commands.execute, options',
    "value === undefined ? fail : ctx.commands.execute('test.other:hi', 1, value)",
  ],
  [
    'commands.execute, signal',
    "value === undefined ? fail : ctx.commands.execute('test.other:hi', 1, { signal: value })",
  ],
  [
    'commands.execute, timeout',
    "value === undefined ? fail : ctx.commands.execute('test.other:hi', 1, { timeout: value })",
  ],
  [
    'hooks.collect, options',
    "value === undefined ? fail : ctx.hooks.collect('test.other:h', 1, value)",
  ],
  [
    'messaging.send, signal',
    "value === undefined ? fail : ctx.messaging.send('test.other', 1, { signal: value })",
  ],
  ['commands.handle', 'ctx.commands.handle(value, () => 1)'],
  ['commands.handle, handler', "ctx.commands.handle('x', value)"],
  ['events.on', 'ctx.events.on(value, () => 1)'],
  ['events.on, listener', "ctx.events.on('a:b', value)"],
  ['events.once', 'ctx.events.once(value, () => 1)'],
  ['events.emit', 'ctx.events.emit(value)'],
  ['hooks.handle', 'ctx.hooks.handle(value, () => 1)'],
  ['hooks.handle, handler', "ctx.hooks.handle('x', value)"],
  ['hooks.collect', 'ctx.hooks.collect(value)'],
  ['hooks.first', 'ctx.hooks.first(value)'],
  ['hooks.waterfall', 'ctx.hooks.waterfall(value)'],
  ['hooks.parallel', 'ctx.hooks.parallel(value)'],
  ['middleware.use', 'ctx.middleware.use(value, () => 1)'],
  ['middleware.use, middleware', "ctx.middleware.use('command:a:b', value)"],
  ['messaging.send', 'ctx.messaging.send(value, 1)'],
  ['messaging.on', 'ctx.messaging.on(value)'],
  ['services.get', 'ctx.services.get(value)'],
  ['services.provide', 'ctx.services.provide(value, {})'],
  ['provide', 'ctx.provide(value, {})'],
  ['storage.get', 'ctx.storage.get(value)'],
  ['storage.set', 'ctx.storage.set(value, 1)'],
  ['storage.delete', 'ctx.storage.delete(value)'],
  ['storage.has', 'ctx.storage.has(value)'],
  ['storage.keys', 'value === undefined ? fail : ctx.storage.keys(value)'],
  ['storage.update', 'ctx.storage.update(value, () => 1)'],
  ['storage.update, change', "ctx.storage.update('x', value)"],
  ['settings.get', 'value === undefined ? fail : ctx.settings.get(value)'],
  ['settings.set', 'ctx.settings.set(value, {})'],
  ['settings.set, settings', "ctx.settings.set('test.author', value)"],
  ['secrets.get', 'ctx.secrets.get(value)'],
  ['env.get', 'ctx.env.get(value)'],
  ['fs.read', 'ctx.fs.read(value)'],
  ['fs.readText', 'ctx.fs.readText(value)'],
  ['fs.write', "ctx.fs.write(value, 'x')"],
  ['fs.write, data', "ctx.fs.write('/x', value)"],
  ['fs.list', 'ctx.fs.list(value)'],
  ['fs.stat', 'ctx.fs.stat(value)'],
  ['fs.remove', 'ctx.fs.remove(value)'],
  ['fetch', 'ctx.fetch(value)'],
  ['fetch, options', "value === undefined ? fail : ctx.fetch('https://example.com', value)"],
  [
    'fetch, headers',
    "value === undefined ? fail : ctx.fetch('https://example.com', { headers: value, method: value })",
  ],
  ['permissions.has', 'ctx.permissions.has(value)'],
  [
    'permissions.has, scope',
    "value === undefined ? fail : ctx.permissions.has('commands.execute', value)",
  ],
  ['permissions.request', 'ctx.permissions.request(value)'],
  [
    'permissions.request, time',
    "value === undefined ? fail : ctx.permissions.request('wasm', '*', { for: value })",
  ],
  ['own', 'ctx.own(value)'],
  ['defer', 'ctx.defer(value)'],
];
const VALUES: readonly string[] = [
  '5',
  'null',
  'undefined',
  '{}',
  '[]',
  'Symbol.iterator',
  '10n',
  'true',
  'NaN',
  'new Date(0)',
  "{ toString() { throw new Error('no'); } }",
  'new Proxy({}, {})',
];
/** Combinations where a value of the list is valid or ignored. */
const RIGHT: readonly string[] = [
  'commands.execute, options {}',
  'commands.execute, options []',
  'commands.execute, options new Date(0)',
  'commands.execute, options new Proxy({}, {})',
].concat(
  [
    "commands.execute, options { toString() { throw new Error('no'); } }",
    'fetch, options {}',
    'fetch, options []',
    'fetch, options new Date(0)',
    'fetch, options new Proxy({}, {})',
  ],
  [
    "fetch, options { toString() { throw new Error('no'); } }",
    'permissions.request, time 5',
    'commands.execute, timeout 5',
  ],
  [
    'settings.set, settings {}',
    'settings.set, settings new Date(0)',
    'settings.set, settings new Proxy({}, {})',
  ],
  ['{}', '[]', 'new Date(0)', 'new Proxy({}, {})', "{ toString() { throw new Error('no'); } }"].map(
    (text) => `hooks.collect, options ${text}`,
  ),
);
const TYPED = /^(contract|call|config|event|storage|fs|network|permission|value)\/invalid/;

const tester = `const fail = Promise.reject(Object.assign(new Error('skipped'), { code: 'contract/invalid' })); fail.catch(() => {});
  const all = { ${METHODS.map(([method, call]) => `${JSON.stringify(method)}: async (value) => { await (${call}); }`).join(', ')} };
  const values = { ${VALUES.map((text) => `${JSON.stringify(text)}: () => ${text.startsWith('{') ? `(${text})` : text}`).join(', ')} };
  const told = (error) => error === undefined ? 'nothing' : String(error?.code ?? error);
  ctx.commands.handle('try', async () => {
    const found = [];
    for (const [method, run] of Object.entries(all)) for (const [text, make] of Object.entries(values)) {
      let error;
      try { await run(make()); } catch (thrown) { error = thrown ?? 'nothing'; }
      found.push([method + ' ' + text, told(error), String(error?.message)]);
    }
    return found;
  });`;

const start = (isolation: 'worker' | 'inline'): Promise<Kernel> =>
  startKernel(isolation === 'inline' ? { isolation } : { isolation, createHost }, [
    pluginOf('test.author', tester, { permissions: everything }),
    pluginOf('test.other', "ctx.commands.handle('hi', () => 'hi');"),
  ]);

it.each(['worker', 'inline'] as const)(
  'every method reports a wrong argument to its author, and no guest ends: %s',
  async (isolation) => {
    const kernel = await start(isolation);
    const { connection: _, ...before } = {
      connection: 0,
      since: kernel.plugins.get('test.author'),
    };
    const found = (await kernel.commands.execute('test.author:try')) as [
      what: string,
      code: string,
      message: string,
    ][];
    expect(found).toHaveLength(METHODS.length * VALUES.length);
    const untyped = found.filter(([what, code]) => !TYPED.test(code) && !RIGHT.includes(what));
    expect(untyped).toEqual([]);
    expect(kernel.plugins.get('test.author')).toMatchObject({ state: 'active' });
    expect(before.since?.state).toBe('active');
    // The same guest, not a restarted one.
    expect((await kernel.health()).plugins.find(({ id }) => id === 'test.author')).toMatchObject({
      status: 'healthy',
      refused: 0,
    });
    expect(await kernel.commands.execute('test.other:hi')).toBe('hi');
  },
);
