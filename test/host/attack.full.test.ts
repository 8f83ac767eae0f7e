/**
 * A guest with access to its raw port: forged messages are refused and counted, and change nothing
 * in the host.
 */

import { Form, headOf, Kind } from '@plinth/sdk/rpc';
import { describe, expect, it } from 'vitest';
import { createBreachedHost, rawPost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost: createBreachedHost };

/** Posts any given text on the raw port. */
const forger = pluginOf(
  'test.forger',
  `const post = ${rawPost};
   ctx.commands.handle('ping', () => 'pong');
   ctx.commands.handle('post', (text) => { for (const message of (0, eval)('(' + text + ')')) post(message); });`,
);
const neighbour = pluginOf('test.neighbour', `ctx.commands.handle('ping', () => 'pong');`);
const start = () => startKernel(setting, [forger, neighbour]);

/** Traces that code in the host's realm would leave. */
const traces = () => [
  (globalThis as { owned?: unknown }).owned,
  (Object.prototype as { owned?: unknown }).owned,
  ({} as { owned?: unknown }).owned,
];

const CODE = `"globalThis.owned = true; Object.prototype.owned = true"`;
/** Comlink requests, bare and wrapped in a control frame (kind 6). */
const forgedRequests: readonly string[] = [
  `{ id: 'a', type: 'CONSTRUCT', path: ['constructor', 'constructor'], argumentList: [{ type: 'RAW', value: ${CODE} }] }`,
  `{ id: 'b', type: 'CONSTRUCT', path: ['register', 'constructor'], argumentList: [{ type: 'RAW', value: ${CODE} }] }`,
  `{ id: 'c', type: 'APPLY', path: ['constructor', 'constructor'], argumentList: [{ type: 'RAW', value: ${CODE} }] }`,
  `{ id: 'd', type: 'APPLY', path: ['constructor'], argumentList: [] }`,
  `{ id: 'e', type: 'APPLY', path: ['__proto__'], argumentList: [] }`,
  `{ id: 'f', type: 'SET', path: ['__proto__', 'owned'], value: { type: 'RAW', value: true } }`,
  `{ id: 'g', type: 'SET', path: ['register'], value: { type: 'RAW', value: null } }`,
  `{ id: 'h', type: 'GET', path: [] }`,
  `{ id: 'i', type: 'GET', path: ['register', 'constructor'] }`,
  `{ id: 'j', type: 'RELEASE', path: [] }`,
  `{ id: 'k', type: 'ENDPOINT', path: [] }`,
  `{ id: 'l', type: 'APPLY', path: ['register'], argumentList: [{ type: 'HANDLER', name: 'proxy', value: null }] }`,
  `{ id: 'm', type: 'APPLY', path: ['register'], argumentList: { length: 1e9 } }`,
  `{ id: 'n', type: 'APPLY', path: 'register', argumentList: [] }`,
  `{ type: 'APPLY', path: ['register'], argumentList: [] }`,
  `{ id: 5, type: 'APPLY' }`,
  `null`,
  `'text'`,
  `new Map()`,
];

describe(`${runtime} worker: forged control messages`, () => {
  for (const [wrapping, wrap] of [
    ['bare', (message: string) => message],
    ['in a control frame', (message: string) => `[6, ${message}]`],
  ] as const) {
    for (const message of forgedRequests) {
      it(`${wrapping}: ${message.slice(0, 76)}`, async () => {
        const kernel = await start();
        const refused = nextEvent<{ plugin: string; count: number }>(kernel, 'wire:refused');
        await kernel.commands.execute('test.forger:post', `[${wrap(message)}]`);
        expect(await refused).toMatchObject({ plugin: 'test.forger', count: 1 });
        expect(traces()).toEqual([undefined, undefined, undefined]);
        expect(await kernel.commands.execute('test.forger:ping')).toBe('pong');
        expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
        expect((await kernel.plugins.health('test.forger')).refused).toBe(1);
        await kernel.plugins.reload('test.forger');
        expect(await kernel.commands.execute('test.forger:ping')).toBe('pong');
      });
    }
  }

  it('a HANDLER reply, which would make Comlink open a port, is refused', async () => {
    const kernel = await start();
    const refused = nextEvent(kernel, 'wire:refused');
    await kernel.commands.execute(
      'test.forger:post',
      `[[7, { id: 'x', type: 'HANDLER', name: 'proxy', value: null }]]`,
    );
    expect(await refused).toMatchObject({ plugin: 'test.forger' });
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
  });

  it('a guest that keeps forging is ended', async () => {
    const kernel = await start();
    const crashed = nextEvent(kernel, 'plugin:crashed');
    await kernel.commands
      .execute(
        'test.forger:post',
        `Array.from({ length: 100 }, (_, n) => ({ id: 'x' + n, type: 'GET', path: [] }))`,
      )
      .catch(() => {});
    expect(await crashed).toMatchObject({ id: 'test.forger', code: 'wire/refused' });
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
  });
});

/** A head as it travels on the wire; see `frames.ts`. */
const head = (sequence: number, kind: keyof typeof Kind, form: keyof typeof Form = 'plain') =>
  headOf(sequence, Kind[kind], Form[form]);
/** A request to execute a command that doesn't exist, with a value of any form. */
const execute = (value: string, form: keyof typeof Form = 'plain') =>
  `${head(5_000, 'request', form)}, 1, [0, 0, 'x:y'], ${value}`;

/** Frames that can't be honest: the guest ends, other plugins are not affected. */
const badFrames: readonly (readonly [string, string])[] = [
  ['a head that is no number', `['x', 1, 2, 3]`],
  ['a head that is NaN', `[NaN, 1, 2, 3]`],
  ['a negative head', `[-64, 1, 2, 3]`],
  ['a head beyond safe integers', `[2 ** 60, 1, 2, 3]`],
  ['a direct lane without a request', `[${head(1, 'lane')}, 1, undefined]`],
  ['a frame cut short', `[${head(1, 'request')}, 1]`],
  ['a packed frame of no known shape', `[${execute('77, 1', 'packed')}]`],
  ['a packed frame whose shape is a text', `[${execute(`'x'`, 'packed')}]`],
  [
    'a packed frame with too few leaves',
    `[${head(1, 'shape')}, ['a', 'b'], ${execute('1, 1', 'packed')}]`,
  ],
  ['a message with a million slots', `new Array(1_000_000).fill(8)`],
  ['a reply to a call never made', `[${head(9_999_999, 'reply')}, 'hi']`],
  [
    'an error for a call never made',
    `[${head(9_999_999, 'error')}, { class: 'Error', message: '' }]`,
  ],
  ['credit for frames never sent', `[${head(9_999_999, 'credit')}]`],
  [
    'more requests than credit',
    `Array.from({ length: 256 }, () => [${head(0, 'note')}, 5, [1, 'x'], undefined]).flat()`,
  ],
  ['a shape out of turn', `[${head(7, 'shape')}, ['a']]`],
  ['a shape with __proto__', `[${head(1, 'shape')}, ['__proto__']]`],
  ['a shape that is no list', `[${head(1, 'shape')}, { length: 1e9 }]`],
  [
    'a shape without end',
    `(() => { let keys = ['a']; for (let n = 0; n < 50; n++) keys = [['a', ...keys]]; return [${head(1, 'shape')}, keys]; })()`,
  ],
  [
    'a shape with a million keys',
    `[${head(1, 'shape')}, Array.from({ length: 1_000_000 }, (_, n) => 'k' + n)]`,
  ],
  ['a shape with a long key', `[${head(1, 'shape')}, ['x'.repeat(200)]]`],
  [
    'shapes whose keys fill a quarter of a million characters',
    `Array.from({ length: 100 }, (_, n) => [n * 64 + ${head(1, 'shape')}, Array.from({ length: 30 }, (_, k) => k + 'x'.repeat(120))]).flat()`,
  ],
  ['a name out of turn', `[${head(9, 'name')}, 'x:y']`],
  ['a name without end', `[${head(1, 'name')}, 'x'.repeat(1_000_000)]`],
  ['a name that is no text', `[${head(1, 'name')}, { toString: 1 }]`],
  ['an item of an unread stream', `[${head(3, 'item')}, 1]`],
  ['a request without a target', `[${head(1, 'request')}, 'execute', [], 1]`],
];

describe(`${runtime} worker: forged frames`, () => {
  for (const [what, frame] of badFrames) {
    it(`${what} ends only its sender`, async () => {
      const kernel = await start();
      const crashed = nextEvent(kernel, 'plugin:crashed');
      const waiting = rejection(
        kernel.commands
          .execute(
            'test.forger:post',
            what.startsWith('more') ? `Array.from({ length: 40 }, () => ${frame})` : `[${frame}]`,
          )
          .then(() => new Promise(() => {})),
      );
      void waiting.catch(() => {});
      expect(await crashed).toMatchObject({ id: 'test.forger', code: 'wire/refused' });
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
      expect(traces()).toEqual([undefined, undefined, undefined]);
      await kernel.plugins.activate('test.forger');
      expect(await kernel.commands.execute('test.forger:ping')).toBe('pong');
    });
  }

  /** Well-formed frames with hostile contents: refused or dropped, and the guest may continue. */
  const hostile: readonly (readonly [string, string])[] = [
    ['an unknown operation', `[${head(5_000, 'request')}, 15, [], 1]`],
    ['a target that is no whole number', `[${head(5_000, 'request')}, 1.5, [], 1]`],
    ['meta that is no list', `[${head(5_000, 'request')}, 1, 'x', 1]`],
    ['an execute without an id', `[${head(5_000, 'request')}, 1, [0, 0, null], 1]`],
    [
      'an execute by a name never defined',
      `[${head(5_000, 'request')}, ${1 + 16 * 99}, undefined, 1]`,
    ],
    ['a log entry of nonsense', `[${head(0, 'note')}, 5, [99, { toString: 1 }], { a: 1 }]`],
    ['storage with a key that is an object', `[${head(5_000, 'request')}, 4, ['get', {}, 1], 1]`],
    ['__proto__ as a key', `[${execute(`JSON.parse('{"__proto__":{"owned":true}}')`)}]`],
    ['a value as text', `[${execute(`'{"__proto__":{"owned":true}}'`, 'text')}]`],
    ['a stream that is no number', `[${execute(`{ '\u0001plinth:stream': {} }`, 'marked')}]`],
    ['a stream in the place of a plain value', `[${execute(`{ '\u0001plinth:stream': 1 }`)}]`],
    [
      'the same stream twice',
      `[${execute(`[{ '\u0001plinth:stream': 1 }, { '\u0001plinth:stream': 1 }]`, 'marked')}]`,
    ],
    ['a cycle', `(() => { const a = {}; a.a = a; return [${execute('a')}]; })()`],
    ['a huge sparse array', `[${execute('new Array(2 ** 32 - 1)')}]`],
    [
      'deep nesting',
      `(() => { let a = 1; for (let n = 0; n < 500; n++) a = [a]; return [${execute('a')}]; })()`,
    ],
    [
      'an error record with nested nonsense',
      `[${execute(`{ '\u0001plinth:error': { class: '__proto__', message: 5 } }`)}]`,
    ],
    ['next for a step never given', `[${head(5_000, 'request')}, 6, [1, 1], 1]`],
    [
      'a packed value with an object as a leaf',
      `[${head(1, 'shape')}, ['a'], ${execute('1, { b: 1 }', 'packed')}]`,
    ],
    [
      'a packed value with a huge text as a leaf',
      `[${head(1, 'shape')}, ['a'], ${execute(`1, 'x'.repeat(20_000_000)`, 'packed')}]`,
    ],
    ['a cancel for nothing', `[${head(5_000, 'cancel')}]`],
    ['a duplicate reply', `[${head(1, 'reply')}, 'again']`],
    [
      'a pull and a stop for streams that are not there',
      `[${head(5, 'pull')}, Infinity, ${head(5, 'stop')}]`,
    ],
    ['the end of a stream that is not there', `[${head(5, 'end')}, { class: 'x' }]`],
  ];
  for (const [what, frame] of hostile) {
    it(`${what} changes nothing`, async () => {
      const kernel = await start();
      await kernel.commands.execute('test.forger:post', `[${frame}]`).catch(() => {});
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
      expect(traces()).toEqual([undefined, undefined, undefined]);
      expect(
        await kernel.commands.execute('test.forger:ping').catch((error) => error.code),
      ).toMatch(/pong|wire\/refused|plugin\/unavailable/);
    });
  }
});

describe(`${runtime} worker: what a guest reports about itself`, () => {
  it('a forged end is only a cause: the plugin has crashed, and the kernel reports it', async () => {
    for (const error of [
      `{ class: 'Error', message: 'x', code: 'guest/boom' }`,
      `{ class: 'PluginError', message: 'x', code: 'wire/boom', details: { reason: { toString: 1, valueOf: 1 } } }`,
    ]) {
      const kernel = await start();
      const crashed = nextEvent(kernel, 'plugin:crashed');
      await kernel.commands
        .execute('test.forger:post', `[[${head(0, 'note')}, 9, [${error}], undefined]]`)
        .catch(() => {});
      expect(await crashed).toMatchObject({ id: 'test.forger', code: 'guest/crashed' });
      expect(kernel.plugins.get('test.forger')?.state).toBe('failed');
      expect(kernel.commands.has('test.forger:ping')).toBe(false);
    }
  });

  it('an error record that would unfold into billions of errors is refused at once', async () => {
    const kernel = await start();
    const bomb = `(() => { let e = { class: 'Error', message: 'leaf' }; for (let n = 0; n < 8; n++) e = { class: 'AggregateError', message: 'm', errors: Array(64).fill(e) }; return e; })()`;
    const started = performance.now();
    await kernel.commands
      .execute(
        'test.forger:post',
        `[[${head(1, 'error')}, ${bomb}], [${execute(`{ '\\u0001plinth:error': ${bomb} }`)}]]`,
      )
      .catch(() => {});
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('registrations of code that fails to load are removed', async () => {
    const { bundleOf } = await import('../support/plugins.ts');
    const register = `{ id: 'r1', type: 'APPLY', path: ['register'], argumentList: [{ type: 'RAW', value: { handle: 9, kind: 'command', name: 'test.early:go' } }] }`;
    const kernel = await startKernel(setting, [
      bundleOf(
        'test.early',
        `const post = ${rawPost}; post([6, ${register}]); throw new Error('no');`,
      ),
      neighbour,
    ]);
    expect(kernel.plugins.explain('test.early').error?.code).toBe('plugin/load-failed');
    expect(kernel.commands.has('test.early:go')).toBe(false);
  });

  it('a flood of control calls is bounded, and a neighbour keeps answering', async () => {
    const kernel = await start();
    const flood = `Array.from({ length: 400 }, (_, m) => Array.from({ length: 510 }, (_, n) => [6, { id: 'u' + m + '.' + n, type: 'APPLY', path: ['unregister'], argumentList: [{ type: 'RAW', value: 1 }] }]).flat())`;
    let over = false;
    const flooding = kernel.commands
      .execute('test.forger:post', flood)
      .catch(() => {})
      .finally(() => {
        over = true;
      });
    let answered = 0;
    while (!over) {
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
      answered += 1;
    }
    await flooding;
    expect(answered).toBeGreaterThan(3);
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
  });

  it('log fields larger than 32 kB are dropped, not remembered', async () => {
    const kernel = await startKernel(setting, [
      pluginOf(
        'test.logs',
        `ctx.logger.info('big', { text: 'x'.repeat(100_000) }); ctx.logger.info('small', { n: 1 });`,
      ),
    ]);
    expect(
      kernel.logger
        .recent('test.logs')
        .map(({ message, fields }) => [message, JSON.stringify(fields).length < 100]),
    ).toEqual([
      ['big', true],
      ['small', true],
    ]);
  });
});

it.each(['host', 'log', 'wire', 'plugin.x', 'kernel'])(
  "the plugin id '%s' is refused, because it would impersonate another sender",
  async (id) => {
    const kernel = await startKernel(setting, [pluginOf(id, ''), neighbour]);
    expect(kernel.plugins.list({ state: 'active' }).map((one) => one.id)).toEqual([
      'test.neighbour',
    ]);
    expect(kernel.plugins.list({ state: 'failed' })[0]?.error?.code).toBe('manifest/invalid');
  },
);
