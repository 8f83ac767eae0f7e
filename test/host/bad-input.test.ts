/**
 * Mistakes of handlers, schemas, callers and settings: each is a typed error that names the plugin
 * and the member, and nothing else breaks.
 */

import type { Kernel } from '@plinth/kernel';
import { command, contract, hook } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** A handler's text, the error code, and what the message says. */
const HANDLERS: Readonly<Record<string, readonly [handler: string, code: string, says: RegExp]>> = {
  function: ['() => () => 1', 'value/invalid', /function/],
  'a function inside': ['() => ({ list: [() => 1] })', 'value/invalid', /list\.0|list\[0\]/],
  symbol: ['() => Symbol("s")', 'value/invalid', /symbol/],
  cycle: ['() => { const a = {}; a.a = a; return a; }', 'value/invalid', /itself|cycl|twice/],
  'an instance of a class': ['() => new (class Own { #x = 1; })()', 'value/invalid', /Own|class/],
  'a getter that throws': [
    '() => ({ get a() { throw new Error("boo"); } })',
    'value/invalid',
    /cannot be read: boo/,
  ],
  'a proxy that throws': [
    '() => new Proxy({}, { ownKeys() { throw new Error("boo"); } })',
    'value/invalid',
    /cannot be read: boo/,
  ],
  'a thenable that throws': ['() => ({ then() { throw null; } })', 'call/failed', /null/],
  'a thenable whose then throws when it is read': [
    '() => ({ get then() { throw null; } })',
    'call/failed',
    /null/,
  ],
  'a thenable that never settles': ['() => ({ then() {} })', 'call/timeout', /within/],
  'a promise that never settles': ['() => new Promise(() => {})', 'call/timeout', /within/],
  'thrown nothing': ['() => { throw undefined; }', 'call/failed', /undefined/],
  'a thrown symbol': ['() => { throw Symbol("s"); }', 'call/failed', /Symbol\(s\)/],
  'a thrown object without prototype': ['() => { throw Object.create(null); }', 'call/failed', /./],
  'an error with a message that throws': [
    '() => { const e = new Error(); Object.defineProperty(e, "message", { get() { throw 1; } }); throw e; }',
    'call/failed',
    /./,
  ],
};

/** A schema's text. */
const SCHEMAS: Readonly<Record<string, readonly [validate: string, says: RegExp]>> = {
  throws: ['() => { throw new Error("boo"); }', /the schema itself threw: boo/],
  'rejects later': ['async () => { throw new Error("boo"); }', /the schema itself threw: boo/],
  'refuses later': [
    'async () => ({ issues: [{ message: "wrong", path: ["a", { key: "b" }] }] })',
    /a\.b: wrong/,
  ],
  'answers nothing': ['() => undefined', /schema/],
  'answers a text': ['() => "fine"', /schema/],
  'has issues that are none': ['() => ({ issues: 5 })', /schema/],
  'has issues of null': [
    '() => ({ issues: [null, 1, { message: { toString() { throw 1; } } }] })',
    /./,
  ],
  'has a path that throws': [
    '() => ({ issues: [{ message: "wrong", path: [{ get key() { throw new Error("boo"); } }] }] })',
    /./,
  ],
};

const provider = pluginOf(
  'test.bad',
  `const schema = (validate) => ({ '~standard': { version: 1, vendor: 'test', validate } });
   const handlers = { ${Object.entries(HANDLERS)
     .map(([name, [handler]], index) => `h${index}: ${handler} /* ${name} */`)
     .join(',\n')} };
   for (const [name, handler] of Object.entries(handlers)) ctx.commands.handle(name, handler);
   const schemas = { ${Object.entries(SCHEMAS)
     .map(([, [validate]], index) => `s${index}: ${validate}`)
     .join(',\n')} };
   const members = Object.fromEntries(Object.entries(schemas).map(([name, validate]) => [name, { kind: 'command', id: 'test.bad:' + name, input: schema(validate), errors: {}, idempotent: false }]));
   const contract = { $id: 'test.bad@1', ...members, late: { kind: 'command', id: 'test.bad:late', input: schema(async (value) => ({ value: value + 1 })), errors: {}, idempotent: false } };
   const answers = Object.fromEntries(Object.keys(members).map((name) => [name, () => 'reached']));
   ctx.provide(contract, { ...answers, late: (n) => n });
   let resolved = 0;
   ctx.commands.handle('greedy', () => ({ then(resolve, reject) { resolved += 1; resolve(resolved); resolve('again'); reject(new Error('late')); throw new Error('later'); } }));
   ctx.commands.handle('echo', (value) => value);
   ctx.hooks.handle('test:hook', () => Symbol('s'));`,
  { provides: ['test.bad@1'], permissions: { hooks: { handle: ['*'] } } },
);

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: bad input`, () => {
    const start = (options = {}) =>
      startKernel(setting, [provider], { supervision: false, ...options });
    const works = async (kernel: Kernel) =>
      expect(await kernel.commands.execute('test.bad:echo', 1)).toBe(1);

    it.each(
      Object.entries(HANDLERS).map(([name, [, code, says]], index) => ({
        name,
        command: `test.bad:h${index}`,
        code,
        says,
      })),
    )('a handler that answers with $name: $code', async ({ command: id, code, says }) => {
      const kernel = await start();
      const error = await rejection(
        kernel.commands.execute(id, undefined, { timeout: code === 'call/timeout' ? 50 : 5_000 }),
      );
      expect(error).toMatchObject({ code, plugin: 'test.bad', details: { command: id } });
      expect(error.message).toMatch(says);
      await works(kernel);
    });

    it('the then of a thenable is called once, and its first answer counts', async () => {
      const kernel = await start();
      expect([
        await kernel.commands.execute('test.bad:greedy'),
        await kernel.commands.execute('test.bad:greedy'),
      ]).toEqual([1, 2]);
    });

    it.each(
      Object.entries(SCHEMAS).map(([name, [, says]], index) => ({
        name,
        command: `test.bad:s${index}`,
        says,
      })),
    )('a schema that $name', async ({ command: id, says }) => {
      const kernel = await start();
      const error = await rejection(kernel.commands.execute(id, {}));
      expect(error).toMatchObject({
        code: 'call/invalid-input',
        plugin: 'test.bad',
        details: { command: id, side: 'caller' },
      });
      expect(error.message).toMatch(says);
      await works(kernel);
    });

    it('asynchronous schemas are supported', async () => {
      const kernel = await start();
      expect(await kernel.commands.execute('test.bad:late', 1)).toBe(2);
    });

    it('schemas of the host are checked too: outputs, and what the host provides', async () => {
      const kernel = await start();
      for (const [name, [, says]] of Object.entries(SCHEMAS)) {
        const validate = new Function(`return ${SCHEMAS[name]?.[0]}`)() as () => never;
        const schema = { '~standard': { version: 1 as const, vendor: 'test', validate } };
        const output = await rejection(
          kernel.client(contract('test.bad@1', { echo: command({ output: schema }) })).echo(1),
        );
        expect(output, name).toMatchObject({
          code: 'call/invalid-output',
          plugin: 'test.bad',
          details: { command: 'test.bad:echo', side: 'provider' },
        });
        expect(output.message).toMatch(says);
        const Own = contract('test.own@1', { take: command({ input: schema }) });
        const provided = kernel.provide(Own, { take: () => 'reached' });
        expect(await rejection(kernel.client(Own).take(1)), name).toMatchObject({
          code: 'call/invalid-input',
          details: { command: 'test.own:take', side: 'caller' },
        });
        provided.dispose();
        const asked = kernel.hooks.first({ ...hook({ output: schema }), id: 'test:hook' }, 1, {
          strict: true,
        });
        expect((await rejection(asked)).code, name).toMatch(/^(hook|call|value)\//);
      }
      await works(kernel);
    });

    it.each([
      -1,
      0,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      '5' as never,
      {} as never,
      null as never,
    ])('a time-out of %s', async (timeout) => {
      const kernel = await start();
      expect(
        await rejection(kernel.commands.execute('test.bad:echo', 1, { timeout })),
      ).toMatchObject({
        code: 'call/invalid-option',
        message: expect.stringContaining('test.bad:echo'),
      });
      expect(() => hook({ timeout })).not.toThrow();
      await works(kernel);
    });

    it('a time-out beyond the limit is cut, not overflowed', async () => {
      const kernel = await start();
      expect(await kernel.commands.execute('test.bad:echo', 1, { timeout: Number.MAX_VALUE })).toBe(
        1,
      );
      expect(await kernel.commands.execute('test.bad:echo', 1, { timeout: 2 ** 31 })).toBe(1);
    });

    it('values that cannot be sent, also to a command with a cache', async () => {
      const kernel = await start({ resilience: { 'test.bad:echo': { cache: 1_000 } } });
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      for (const value of [cycle, () => 1, { a: Symbol('s') }, new (class Own {})()]) {
        expect(
          await rejection(kernel.commands.execute('test.bad:echo', value)),
          String(value),
        ).toMatchObject({
          code: 'value/invalid',
          message: expect.stringContaining('test.bad:echo'),
        });
      }
      await works(kernel);
    });

    it('events of the host that cannot be sent, and later changes of their payload', async () => {
      const kernel = await startKernel(setting, [
        pluginOf(
          'test.ears',
          `const heard = []; ctx.events.on('host:*', ({ payload }) => heard.push(payload)); ctx.commands.handle('heard', () => heard);`,
          {
            permissions: { events: { subscribe: ['host:*'] } },
          },
        ),
      ]);
      const heard: unknown[] = [];
      kernel.events.on('host:*', ({ payload }) => heard.push(payload));
      for (const middleware of [false, true]) {
        if (middleware)
          kernel.middleware.use('event:host:*', (call, next) =>
            call.id === 'host:changed' ? next({ f() {} }) : next(),
          );
        expect(await rejection(kernel.events.emit('said', { deep: [{ f() {} }] }))).toMatchObject({
          name: 'PluginValidationError',
          code: 'value/invalid',
          message: expect.stringContaining("the payload of host:said cannot be sent: 'deep.0.f'"),
          details: { topic: 'host:said', side: 'emitter', path: 'deep.0.f' },
        });
        const payload = { list: [1] };
        const emitted = kernel.events.emit('said', payload);
        payload.list.push(2);
        await emitted;
      }
      expect((await rejection(kernel.events.emit('changed', 1))).code).toBe('value/invalid');
      const said = [{ list: [1] }, { list: [1] }];
      expect([heard, await kernel.commands.execute('test.ears:heard')]).toEqual([said, said]);
    });

    it('a command id that is not a string', async () => {
      const kernel = await start();
      for (const id of [5, undefined, null, {}, Symbol('s')]) {
        expect(await rejection(kernel.commands.execute(id as never)), String(id)).toMatchObject({
          name: 'PluginValidationError',
          code: 'contract/invalid',
        });
      }
      await works(kernel);
    });

    it('two providers of one service', async () => {
      const kernel = await start();
      kernel.services.provide('test.service', { create: () => 1 });
      expect(() => kernel.services.provide('test.service', { create: () => 2 })).toThrow(
        expect.objectContaining({
          code: 'service/duplicate',
          message: expect.stringContaining('test.service'),
        }),
      );
      expect(() => kernel.commands.handle('test.bad:echo', () => 2)).toThrow(
        expect.objectContaining({
          code: 'call/duplicate',
          message: expect.stringContaining('test.bad:echo'),
          details: expect.objectContaining({ owner: 'test.bad' }),
        }),
      );
      await works(kernel);
    });
  });
}
