/**
 * Hooks: how answers are combined, what each handler receives, and which plugin is at fault for a
 * bad one.
 */

import { contract, type HookOutcome, hook } from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const may = { permissions: { hooks: { call: ['*'], handle: ['*'] } } };
const Score = contract('test.scorer@1', {
  score: hook({ input: v.string(), output: v.number(), timeout: 20_000 }),
});
const handler = (id: string, body: string) =>
  pluginOf(id, `ctx.hooks.handle('test.scorer:score', ${body});`, may);
/** Asks as a plugin. Its contract is written out, because it has no bundler. */
const asker = pluginOf(
  'test.asker',
  `const number = { '~standard': { version: 1, vendor: 'test', validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] }) } };
   const score = { kind: 'hook', id: 'test.scorer:score', output: number };
   const plain = (outcomes) => outcomes.map(({ plugin, ok, value, error }) => ({ plugin, ok, value, code: error?.code }));
   ctx.commands.handle('ask', async ({ mode, options, bare }) => {
     const answer = await ctx.hooks[mode](bare ? score.id : score, 'x', options);
     return mode === 'parallel' ? plain(answer) : answer;
   });`,
  may,
);

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: hooks`, () => {
    const good = handler('test.one', '() => 1');
    const broken = handler('test.broken', `() => { throw new TypeError('no idea'); }`);
    const wrong = handler('test.wrong', `() => 'three'`);
    const silent = handler('test.silent', '() => new Promise(() => {})');

    it('parallel returns each outcome in order, and bad answers name their plugin', async () => {
      const kernel = await startKernel(setting, [good, broken, wrong, asker]);
      const expected = [
        { plugin: 'test.one', ok: true, value: 1 },
        { plugin: 'test.broken', ok: false, code: 'hook/failed' },
        { plugin: 'test.wrong', ok: false, code: 'call/invalid-output' },
      ];
      const outcomes: readonly HookOutcome<number>[] = await kernel.hooks.parallel(
        Score.score,
        'x',
      );
      expect(
        outcomes.map((one) => ({
          plugin: one.plugin,
          ok: one.ok,
          ...(one.ok
            ? { value: one.value }
            : { code: (one.error as Error & { code: string }).code }),
        })),
      ).toEqual(expected);
      expect(await kernel.commands.execute('test.asker:ask', { mode: 'parallel' })).toMatchObject(
        expected,
      );
      expect(await kernel.hooks.collect(Score.score, 'x')).toEqual([1]);
      expect(await kernel.commands.execute('test.asker:ask', { mode: 'collect' })).toEqual([1]);
      // Without the contract the format of an answer is unknown.
      expect(
        await kernel.commands.execute('test.asker:ask', { mode: 'collect', bare: true }),
      ).toEqual([1, 'three']);
    });

    it('each handler has a deadline: a slow one is left out, with any number of handlers', async () => {
      const kernel = await startKernel(setting, [
        silent,
        handler('test.silent2', '() => new Promise(() => {})'),
        good,
        asker,
      ]);
      for (const outcomes of [
        await kernel.hooks.parallel('test.scorer:score', 'x', { timeout: 400 }),
        (await kernel.commands.execute('test.asker:ask', {
          mode: 'parallel',
          options: { timeout: 400 },
        })) as readonly HookOutcome[],
      ]) {
        expect(outcomes.map(({ ok }) => ok)).toEqual([false, false, true]);
      }
      expect(await kernel.hooks.waterfall('test.scorer:score', 'x', { timeout: 400 })).toBe(1);
      expect(await kernel.hooks.first('test.scorer:score', 'x', { timeout: 400 })).toBe(1);
    });

    it('strict: the first failure fails the whole hook and is named; a hook without handlers fails too', async () => {
      const kernel = await startKernel(setting, [good, broken, asker]);
      for (const mode of ['collect', 'waterfall', 'parallel'] as const) {
        for (const asked of [
          kernel.hooks[mode](Score.score as unknown as string, 'x', { strict: true }),
          kernel.commands.execute('test.asker:ask', { mode, options: { strict: true } }),
        ]) {
          expect(await rejection(asked)).toMatchObject({
            code: 'hook/failed',
            message: expect.stringContaining(
              'test.broken failed to answer test.scorer:score: no idea',
            ),
          });
        }
      }
      expect(await kernel.hooks.first(Score.score, 'x', { strict: true })).toBe(1);
      expect(
        await rejection(kernel.hooks.collect('test.unknown:asks', 'x', { strict: true })),
      ).toMatchObject({
        code: 'hook/no-handler',
        message: 'no handler answers test.unknown:asks',
      });
      const bad = await startKernel(setting, [wrong, asker]);
      const invalid = {
        code: 'call/invalid-output',
        message: expect.stringContaining('test.wrong is at fault'),
      };
      expect(await rejection(bad.hooks.collect(Score.score, 'x', { strict: true }))).toMatchObject(
        invalid,
      );
      expect(
        await rejection(
          bad.commands.execute('test.asker:ask', { mode: 'collect', options: { strict: true } }),
        ),
      ).toMatchObject(invalid);
      expect(await rejection(bad.hooks.first(Score.score, 'x'))).toMatchObject(invalid);
    });

    it('the time limit of a contract applies to each handler that provides it', async () => {
      const provider = pluginOf(
        'test.scorer',
        `const Score = { $id: 'test.scorer@1', score: { kind: 'hook', id: 'test.scorer:score', timeout: 30 } };
         ctx.provide(Score, { score: () => new Promise(() => {}) });`,
        { ...may, provides: ['test.scorer@1'] },
      );
      const kernel = await startKernel(setting, [provider, good]);
      const [slow, quick] = await kernel.hooks.parallel('test.scorer:score', 'x');
      expect(slow).toMatchObject({
        plugin: 'test.scorer',
        ok: false,
        error: { cause: { code: 'call/timeout', message: expect.stringContaining('30 ms') } },
      });
      expect(quick).toMatchObject({ plugin: 'test.one', ok: true });
    });

    it('the input from the host is checked before any handler is asked, and is captured at the call', async () => {
      const echo = pluginOf('test.echo', `ctx.hooks.handle('test.echo:list', (list) => list);`, {
        ...may,
        activation: ['hook:test.echo:list'],
      });
      const kernel = await startKernel(setting, [echo]);
      for (const mode of ['collect', 'first', 'waterfall', 'parallel'] as const) {
        for (const id of ['test.echo:list', 'test.unknown:asks']) {
          expect(
            await rejection(kernel.hooks[mode](id, { deep: [{ f() {} }] })),
            mode,
          ).toMatchObject({
            name: 'PluginValidationError',
            code: 'value/invalid',
            message: expect.stringContaining(`the input of ${id} cannot be sent: 'deep.0.f'`),
            details: { hook: id, side: 'caller', path: 'deep.0.f' },
          });
        }
      }
      const list = [1];
      const asked = kernel.hooks.collect('test.echo:list', list);
      list.push(2);
      expect(await asked).toEqual([[1]]);
    });

    it('a handler of the host gets the input parsed by the contract, and the same call as any', async () => {
      const kernel = await startKernel(setting, [asker]);
      const Trim = contract('test.trim@1', {
        trim: hook({ input: v.pipe(v.string(), v.trim()), output: v.string() }),
      });
      const callers: string[] = [];
      kernel.hooks.handle(Trim.trim, (text, call) => {
        callers.push(call.caller.id);
        return `<${text}>`;
      });
      expect(await kernel.hooks.collect(Trim.trim, ' a ')).toEqual(['<a>']);
      expect(callers).toEqual(['host']);
      expect(
        await rejection(kernel.hooks.collect(Trim.trim, 5 as never, { strict: true })),
      ).toMatchObject({
        code: 'hook/failed',
        cause: {
          code: 'call/invalid-input',
          details: { command: 'test.trim:trim', side: 'caller' },
        },
      });
      expect(callers).toEqual(['host']);
    });

    it('ten thousand handlers on one hook are all asked, and one more is too many for its guest', async () => {
      const many = [0, 1, 2].map((n) =>
        pluginOf(
          `test.many${n}`,
          `for (let i = 0; i < 3333; i++) ctx.hooks.handle('test.scorer:score', () => i);`,
          may,
        ),
      );
      const kernel = await startKernel(setting, [...many, good]);
      const answers = await kernel.hooks.collect('test.scorer:score', 'x');
      expect(answers).toHaveLength(10_000);
      expect(answers.reduce<number>((sum, one) => sum + (one as number), 0)).toBe(
        3 * ((3_332 * 3_333) / 2) + 1,
      );
      const greedy = pluginOf(
        'test.greedy',
        `for (let i = 0; i < 5000; i++) ctx.hooks.handle('test.scorer:score', () => i);`,
        may,
      );
      const other = await startKernel(setting, [greedy, good]);
      expect(other.plugins.get('test.greedy')?.state).toBe('failed');
      expect(other.plugins.explain('test.greedy').because).toContain(
        'has 4096 registrations already',
      );
      expect(await other.hooks.collect('test.scorer:score', 'x')).toEqual([1]);
    });
  });
}
