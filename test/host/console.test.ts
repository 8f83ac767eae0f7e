/**
 * What plugins write to their consoles: the same methods and the same text in every isolation, and
 * nothing is lost.
 */

import { createKernel, type KernelOptions, type LogEntry, packageSource } from '@plinth/kernel';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { full } from '../support/full.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

const walled = await has('wall');
// Inline guests use the application's console.
const ISOLATIONS = (
  !walled ? ['worker'] : full ? ['worker', 'process', 'sandbox'] : ['worker', 'sandbox']
) as readonly Setting['isolation'][];

for (const isolation of ISOLATIONS) {
  describe(`${runtime} ${isolation}: console`, () => {
    const written = async (code: string): Promise<readonly (readonly [string, string])[]> => {
      const kernel = await startKernel(
        { isolation, createHost },
        [
          bundleOf(
            'test.talks',
            `export default { activate(ctx) { ctx.commands.handle('talk', async () => { ${code} }); } };`,
          ),
        ],
        { isolation },
      );
      await kernel.commands.execute('test.talks:talk');
      return kernel.logger
        .recent('test.talks')
        .map(({ level, message }) => [level, message] as const);
    };
    const messages = async (code: string) => (await written(code)).map(([, message]) => message);

    it('has all levels', async () => {
      expect(
        await written(
          "console.debug('a'); console.log('b'); console.info('c'); console.warn('d'); console.error('e');",
        ),
      ).toEqual([
        ['debug', 'a'],
        ['info', 'b'],
        ['info', 'c'],
        ['warn', 'd'],
        ['error', 'e'],
      ]);
    });

    it('places values where a format string says', async () => {
      const code = `console.log('%s is %d years and %i, %f', 'Ann', 42, 7.9, 1.5, 'and more'); console.log('100%', 1); console.log('%o %O %j', { a: 1 }, [2], { b: 3 });
        console.log('%cstyled', 'color: red'); console.log('%s', { a: { b: 1 } }); console.log('%%s', 1); console.log('%s'); console.log('%d', 10n);`;
      expect(await messages(code)).toEqual([
        'Ann is 42 years and 7, 1.5 and more',
        '100% 1',
        '{ a: 1 } [2] { b: 3 }',
        'styled',
        '{ a: [Object] }',
        '%s 1',
        '%s',
        '10n',
      ]);
    });

    it('prints what values are', async () => {
      const code = `class Point { x = 1; }
        console.log(new Map([['a', { b: 1 }]]), new Set([1, 'two']), 10n, Symbol('s'), undefined, null, -0);
        console.log({ 'a-b': [1, [2]], f() {}, g: class G {}, none: Object.create(null), when: new Date(0), like: /x/g });
        console.log(new Point(), new Uint8Array([1, 2]), new ArrayBuffer(4));
        const round = { name: 'round' }; round.self = round; round.list = [round]; console.log(round);
        console.log({ a: { b: { c: { d: { e: 1 } } } } });
        console.log({ get bad() { throw new Error('no'); } }); console.log([,1]); console.log(Promise.resolve(1));`;
      expect(await messages(code)).toEqual([
        'Map(1) {"a" => { b: 1 }} Set(2) {1, "two"} 10n Symbol(s) undefined null -0',
        '{ "a-b": [1, [2]], f: [function f], g: [class G], none: {}, when: 1970-01-01T00:00:00.000Z, like: /x/g }',
        'Point { x: 1 } Uint8Array(2) [1, 2] ArrayBuffer(4)',
        '{ name: "round", self: [circular], list: [[circular]] }',
        '{ a: { b: { c: { d: [Object] } } } }',
        'a value that cannot be printed',
        '[undefined, 1]',
        'Promise {}',
      ]);
    });

    it('prints errors with their stacks, causes and own properties', async () => {
      const [plain, caused, inside, many] = await messages(
        `console.error(new TypeError('first')); console.error('failed:', Object.assign(new Error('outer', { cause: new RangeError('inner') }), { code: 7 }));
         console.log({ error: new Error('held') }); console.log(new AggregateError([new Error('one'), new Error('two')], 'several'));`,
      );
      expect(plain).toMatch(/TypeError: first[\s\S]*plugin\.js/);
      expect(caused).toMatch(
        /^failed: [\s\S]*outer[\s\S]*caused by: [\s\S]*inner[\s\S]*\{ code: 7 \}/,
      );
      expect(inside).toBe('{ error: [Error: held] }');
      expect(many).toMatch(/several[\s\S]*one[\s\S]*two/);
    });

    it('is bounded for any value', async () => {
      const lines = await messages(
        "console.log('x'.repeat(100_000)); console.log(Array.from({ length: 10_000 }, (_, n) => n)); console.log(Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => ['k' + n, 'v'.repeat(1_000)])));",
      );
      expect(lines.every((line) => line.length < 10_000)).toBe(true);
      expect(lines[1]).toContain('… 9950 more');
    });

    it('groups, counts, measures times, asserts and traces', async () => {
      const lines = await written(
        `console.group('outer'); console.log('a\\nb'); console.groupCollapsed(); console.log('deep'); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('out');
         console.count(); console.count('x'); console.count(); console.countReset(); console.count();
         console.assert(true, 'never'); console.assert(false, 'holds %s', 'not'); console.assert(false); console.assert(0, { a: 1 });
         console.dir({ a: { b: 1 } }, { depth: 0 }); console.timeEnd('none');
         console.time('t'); console.timeLog('t', 'half'); console.timeEnd('t'); console.timeEnd('t');
         (function here() { console.trace('at', 1); })();`,
      );
      expect(lines.slice(0, 12)).toEqual([
        ['info', 'outer'],
        ['info', '  a\n  b'],
        ['info', '    deep'],
        ['info', 'out'],
        ['info', 'default: 1'],
        ['info', 'x: 1'],
        ['info', 'default: 2'],
        ['info', 'default: 1'],
        ['error', 'assertion failed: holds not'],
        ['error', 'assertion failed'],
        ['error', 'assertion failed: { a: 1 }'],
        ['info', '{ a: { b: 1 } }'],
      ]);
      expect(lines.slice(12).map(([level]) => level)).toEqual([
        'warn',
        'info',
        'info',
        'warn',
        'debug',
      ]);
      expect(lines[13]?.[1]).toMatch(/^t: [\d.]+ ms half$/);
      expect(lines[14]?.[1]).toMatch(/^t: [\d.]+ ms$/);
      expect(lines[16]?.[1]).toMatch(/^Trace: at 1\n[\s\S]*plugin\.js/);
    });

    it('prints tables', async () => {
      const [rows, list, chosen, none] = await messages(
        "console.table([{ id: 1, name: 'one' }, { id: 22, more: true }]); console.table(['a', 2]); console.table([{ a: 1, b: 2 }], ['b']); console.table('text');",
      );
      expect(rows).toBe(
        [
          '(index) | id | name | more',
          '--------|----|------|-----',
          '0       | 1  | one  |',
          '1       | 22 |      | true',
        ].join('\n'),
      );
      expect(list).toBe(
        ['(index) | value', '--------|------', '0       | a', '1       | 2'].join('\n'),
      );
      expect(chosen).toBe(['(index) | b', '--------|--', '0       | 2'].join('\n'));
      expect(none).toBe('text');
    });

    it('has sent its lines before a spin, a throw or an exit', async () => {
      const talk = (end: string) =>
        `for (let n = 1; n <= 100; n++) console.log('line ' + n); ctx.logger.info('logged'); ${end}`;
      for (const end of [
        'for (;;);',
        "setTimeout(() => { throw new Error('over'); }, 0); await new Promise(() => {});",
        "Promise.reject(new Error('over')); for (const end = performance.now() + 50; performance.now() < end;); await new Promise(() => {});",
      ]) {
        const kernel = await startKernel(
          { isolation, createHost },
          [
            bundleOf(
              'test.last',
              `export default { activate(ctx) { ctx.commands.handle('go', async () => { ${talk(end)} }); } };`,
            ),
          ],
          {
            isolation,
            supervision: { restart: false, heartbeat: 100, timeout: 1_000 },
          },
        );
        const failed = nextEvent(kernel, 'plugin:failed');
        await rejection(kernel.commands.execute('test.last:go'));
        await failed;
        const lines = kernel.logger.recent('test.last').map(({ message }) => message);
        expect(lines.slice(0, 101)).toEqual([
          ...Array.from({ length: 100 }, (_, n) => `line ${n + 1}`),
          'logged',
        ]);
        await kernel.stop();
      }
    });
  });
}

describe(`${runtime}: where log entries go`, () => {
  const printed = (level: 'debug' | 'info' | 'warn' | 'error') =>
    vi.spyOn(console, level).mockImplementation(() => {});
  afterEach(() => vi.restoreAllMocks());
  const talks = pluginOf(
    'test.talks',
    "console.log('said\\n[kernel] forged\\u001b[31m'); ctx.logger.info('quiet'); ctx.logger.warn('careful', { fact: 1 }); ctx.commands.handle('boom', () => { throw new Error('broken'); });",
  );
  const run = async (options: KernelOptions, packages = [talks]) => {
    const kernel = await createKernel({
      host: createHost(),
      sources: [packageSource(packages)],
      ...options,
    });
    await kernel.start();
    if (packages.length > 0) await kernel.commands.execute('test.talks:boom').catch(() => {});
    return kernel;
  };

  it("to the host's console by default: warnings, errors, and what plugins print", async () => {
    const spies = {
      debug: printed('debug'),
      info: printed('info'),
      warn: printed('warn'),
      error: printed('error'),
    };
    const kernel = await run({});
    const texts = (spy: { mock: { calls: unknown[][] } }) =>
      spy.mock.calls.map(([text]) => String(text));
    expect(texts(spies.info)).toEqual([
      expect.stringMatching(/\[test\.talks\] said\n {2}\| \[kernel\] forged\\u001b\[31m$/),
    ]);
    expect(texts(spies.warn)).toEqual([
      expect.stringMatching(/\[test\.talks\] careful \{"fact":1\}$/),
    ]);
    expect(texts(spies.error)).toEqual([
      expect.stringMatching(/\[test\.talks\] test\.talks:boom failed: broken .*\n {4}.*/),
    ]);
    expect(spies.debug).not.toHaveBeenCalled();
    await kernel.stop();
  });

  it('nowhere with false, to a given function; anything else is refused', async () => {
    const spies = [printed('debug'), printed('info'), printed('warn'), printed('error')];
    await (await run({ telemetry: { log: false } })).stop();
    const lines: LogEntry[] = [];
    await (await run({ telemetry: { log: (entry) => void lines.push(entry) } })).stop();
    expect(lines.map(({ message, console: said }) => [message.split('\n')[0], said])).toEqual([
      ['said', true],
      ['quiet', undefined],
      ['careful', undefined],
      ['test.talks:boom failed: broken', undefined],
    ]);
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    expect(await rejection(createKernel({ telemetry: { log: 'loud' as never } }))).toMatchObject({
      code: 'kernel/invalid-option',
      details: { option: 'telemetry.log' },
    });
  });

  it('without loops: a listener on * that logs, a listener on log:written that logs, a sink that logs', async () => {
    const loud = pluginOf(
      'test.loud',
      "let heard = 0; ctx.events.on('*', (event) => { heard += 1; ctx.logger.info('heard ' + event.topic); }); ctx.commands.handle('heard', () => heard);",
      {
        permissions: { events: { subscribe: ['*'] } },
      },
    );
    let again: (() => void) | undefined;
    let sunk = 0;
    const kernel = await run(
      {
        telemetry: {
          log: () => {
            sunk += 1;
            again?.();
          },
        },
      },
      [],
    );
    again = () => kernel.logger.debug('from the sink');
    let [all, written] = [0, 0];
    kernel.events.on('*', ({ topic }) => {
      all += 1;
      kernel.logger.info(`all ${topic}`);
    });
    kernel.events.on('log:written', () => {
      written += 1;
      kernel.logger.info('written');
    });
    const { packageOf } = await import('@plinth/kernel');
    await kernel.plugins.install(packageOf(loud));
    await kernel.plugins.activate('test.loud');
    await kernel.events.emit('news', 1);
    const before = [all, written];
    await expect
      .poll(() =>
        kernel.logger.recent('test.loud').some(({ message }) => message === 'heard host:news'),
      )
      .toBe(true);
    const heard = await kernel.commands.execute('test.loud:heard');
    // After a round trip it has received none of its own entries.
    await kernel.commands.execute('test.loud:heard');
    expect(Number(await kernel.commands.execute('test.loud:heard'))).toBeLessThan(
      Number(heard) + 10,
    );
    expect(before[0]).toBeGreaterThan(0);
    expect(written).toBeGreaterThan(0);
    expect(sunk).toBeGreaterThan(0);
    expect(Math.max(all, written, sunk)).toBeLessThan(500);
    await kernel.stop();
  });
});
