/** A guest with the raw port in its hand: forged messages are refused, counted, and change nothing in the host. */
import { createBreachedHost, rawPost, runtime } from '#host';
import { describe, expect, it } from 'vitest';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost: createBreachedHost };

/** Posts whatever it is told to on the raw port. */
const forger = pluginOf(
  'test.forger',
  `const post = ${rawPost};
   ctx.commands.handle('ping', () => 'pong');
   ctx.commands.handle('post', (text) => { for (const message of (0, eval)('(' + text + ')')) post(message); });`,
);
const neighbour = pluginOf('test.neighbour', `ctx.commands.handle('ping', () => 'pong');`);
const start = () => startKernel(setting, [forger, neighbour]);

/** What code in the host's realm would leave behind. */
const traces = () => [(globalThis as { owned?: unknown }).owned, (Object.prototype as { owned?: unknown }).owned, ({} as { owned?: unknown }).owned];

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
    await kernel.commands.execute('test.forger:post', `[[7, { id: 'x', type: 'HANDLER', name: 'proxy', value: null }]]`);
    expect(await refused).toMatchObject({ plugin: 'test.forger' });
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
  });

  it('a guest that keeps forging is ended', async () => {
    const kernel = await start();
    const crashed = nextEvent(kernel, 'plugin:crashed');
    await kernel.commands.execute('test.forger:post', `Array.from({ length: 100 }, (_, n) => ({ id: 'x' + n, type: 'GET', path: [] }))`).catch(() => {});
    expect(await crashed).toMatchObject({ id: 'test.forger', code: 'wire/refused' });
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
  });
});

/** Frames that can't be honest: the guest ends, nobody else notices. */
const badFrames: readonly (readonly [string, string])[] = [
  ['a head that is no number', `['x', 1, 2, 3]`],
  ['a head that is NaN', `[NaN, 1, 2, 3]`],
  ['a negative head', `[-32, 1, 2, 3]`],
  ['a head beyond safe integers', `[2 ** 60, 1, 2, 3]`],
  ['an unknown kind', `[15, 1]`],
  ['a frame cut short', `[32, 1]`],
  ['a message with a million slots', `new Array(1_000_000).fill(8)`],
  ['a reply to a call never made', `[32 * 9_999_999 + 1, 'hi']`],
  ['an error for a call never made', `[32 * 9_999_999 + 2, { class: 'Error', message: '' }]`],
  ['credit for frames never sent', `[32 * 9_999_999 + 8]`],
  ['more requests than credit', `Array.from({ length: 256 }, () => [3, 5, undefined, [1, 'x']]).flat()`],
  ['a shape out of turn', `[32 * 7 + 9, ['a']]`],
  ['a shape with __proto__', `[32 + 9, ['__proto__']]`],
  ['a shape that is no list', `[32 + 9, { length: 1e9 }]`],
  ['a shape without end', `(() => { let keys = ['a']; for (let n = 0; n < 50; n++) keys = [['a', ...keys]]; return [32 + 9, keys]; })()`],
  ['a shape with a million keys', `[32 + 9, Array.from({ length: 1_000_000 }, (_, n) => 'k' + n)]`],
  ['a request without a target', `[32, 'execute', 1, []]`],
];

describe(`${runtime} worker: forged frames`, () => {
  for (const [what, frame] of badFrames) {
    it(`${what} ends its sender and nobody else`, async () => {
      const kernel = await start();
      const crashed = nextEvent(kernel, 'plugin:crashed');
      const waiting = rejection(
        kernel.commands.execute('test.forger:post', what.startsWith('more') ? `Array.from({ length: 40 }, () => ${frame})` : `[${frame}]`).then(() => new Promise(() => {})),
      );
      void waiting.catch(() => {});
      expect(await crashed).toMatchObject({ id: 'test.forger', code: 'wire/refused' });
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
      expect(traces()).toEqual([undefined, undefined, undefined]);
      await kernel.plugins.activate('test.forger');
      expect(await kernel.commands.execute('test.forger:ping')).toBe('pong');
    });
  }

  /** Well-formed frames with hostile contents: answered with a refusal or dropped, the guest may go on. */
  const hostile: readonly (readonly [string, string])[] = [
    ['an unknown operation', `[32 * 5000, 99, 1, []]`],
    ['meta that is no list', `[32 * 5000, 1, 1, 'x']`],
    ['an execute without an id', `[32 * 5000, 1, 1, [null, 0, 0]]`],
    ['a log entry of nonsense', `[3, 5, { a: 1 }, [99, { toString: 1 }]]`],
    ['storage with a key that is an object', `[32 * 5000, 4, 1, ['get', {}, 1]]`],
    ['__proto__ as a key', `[32 * 5000, 1, JSON.parse('{"__proto__":{"owned":true}}'), ['test.neighbour:ping', 0, 0]]`],
    ['a cycle', `(() => { const a = {}; a.a = a; return [32 * 5000, 1, a, ['x:y', 0, 0]]; })()`],
    ['a huge sparse array', `[32 * 5000, 1, new Array(2 ** 32 - 1), ['x:y', 0, 0]]`],
    ['deep nesting', `(() => { let a = 1; for (let n = 0; n < 500; n++) a = [a]; return [32 * 5000, 1, a, ['x:y', 0, 0]]; })()`],
    ['an error record with nested nonsense', `[32 * 5000, 1, { '\\u0001plinth:error': { class: '__proto__', message: 5 } }, ['x:y', 0, 0]]`],
    ['next for a step never given', `[32 * 5000, 6, 1, [1, 1]]`],
    ['a packed value of no known shape', `[32 * 5000 + 16, 1, [77, 1], ['x:y', 0, 0]]`],
    ['a packed value that is no list', `[32 * 5000 + 16, 1, 'x', ['x:y', 0, 0]]`],
    ['a packed value with too few leaves', `[32 * 900 + 9 - 32 * 899, ['a', 'b'], 32 * 5000 + 16, 1, [1, 1], ['x:y', 0, 0]]`],
    ['a packed value with an object as a leaf', `[32 + 9, ['a'], 32 * 5000 + 16, 1, [1, { b: 1 }], ['x:y', 0, 0]]`],
    ['a cancel for nothing', `[32 * 5000 + 4]`],
    ['a duplicate reply', `[32 + 1, 'again']`],
  ];
  for (const [what, frame] of hostile) {
    it(`${what} changes nothing`, async () => {
      const kernel = await start();
      await kernel.commands.execute('test.forger:post', `[${frame}]`).catch(() => {});
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
      expect(traces()).toEqual([undefined, undefined, undefined]);
      expect(await kernel.commands.execute('test.forger:ping').catch((error) => error.code)).toMatch(/pong|wire\/refused|plugin\/unavailable/);
    });
  }
});

describe(`${runtime} worker: what a guest says of itself`, () => {
  it('a forged end is only a cause: the plugin has crashed, and the kernel says so', async () => {
    for (const error of [
      `{ class: 'Error', message: 'x', code: 'guest/boom' }`,
      `{ class: 'PluginError', message: 'x', code: 'wire/boom', details: { reason: { toString: 1, valueOf: 1 } } }`,
    ]) {
      const kernel = await start();
      const crashed = nextEvent(kernel, 'plugin:crashed');
      await kernel.commands.execute('test.forger:post', `[[3, 9, undefined, [${error}]]]`).catch(() => {});
      expect(await crashed).toMatchObject({ id: 'test.forger', code: 'guest/crashed' });
      expect(kernel.plugins.get('test.forger')?.state).toBe('failed');
      expect(kernel.commands.has('test.forger:ping')).toBe(false);
    }
  });

  it('an error record that would unfold into billions of errors is refused at once', async () => {
    const kernel = await start();
    const bomb = `(() => { let e = { class: 'Error', message: 'leaf' }; for (let n = 0; n < 8; n++) e = { class: 'AggregateError', message: 'm', errors: Array(64).fill(e) }; return e; })()`;
    const started = performance.now();
    await kernel.commands.execute('test.forger:post', `[[32 + 2, ${bomb}], [32 * 7000, 1, { '\\u0001plinth:error': ${bomb} }, ['x:y', 0, 0]]]`).catch(() => {});
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('what code registers while it is loaded is gone when loading fails', async () => {
    const { bundleOf } = await import('../support/plugins.ts');
    const register = `{ id: 'r1', type: 'APPLY', path: ['register'], argumentList: [{ type: 'RAW', value: { handle: 9, kind: 'command', name: 'test.early:go' } }] }`;
    const kernel = await startKernel(setting, [bundleOf('test.early', `const post = ${rawPost}; post([6, ${register}]); throw new Error('no');`), neighbour]);
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
    const kernel = await startKernel(setting, [pluginOf('test.logs', `ctx.logger.info('big', { text: 'x'.repeat(100_000) }); ctx.logger.info('small', { n: 1 });`)]);
    expect(kernel.logger.recent('test.logs').map(({ message, fields }) => [message, JSON.stringify(fields).length < 100])).toEqual([
      ['big', true],
      ['small', true],
    ]);
  });
});

it.each(['host', 'log', 'wire', 'plugin.x', 'kernel'])("no plugin may be called '%s': it would speak in another's voice", async (id) => {
  const kernel = await startKernel(setting, [pluginOf(id, ''), neighbour]);
  expect(kernel.plugins.list({ state: 'active' }).map((one) => one.id)).toEqual(['test.neighbour']);
  expect(kernel.plugins.list({ state: 'failed' })[0]?.error?.code).toBe('manifest/invalid');
});
