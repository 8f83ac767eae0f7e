/** Answers of a hook, as the caller asked for them. */
import { hook } from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { foldAnswers, type HookOutcome } from '../../sdk/dist/contract/hook-answers.js';

const yes = (plugin: string, value: unknown): HookOutcome => ({ plugin, ok: true, value });
const no = (plugin: string): HookOutcome => ({ plugin, ok: false, error: new Error('no') });
const ID = 'test.a:menu';
const fold = (mode: Parameters<typeof foldAnswers>[1], outcomes: readonly HookOutcome[]) =>
  foldAnswers(ID, mode, 'input', outcomes, () => {});

describe('foldAnswers()', () => {
  it('collects the values of the handlers that succeeded', async () => {
    expect(await fold('collect', [yes('a', 1), no('b'), yes('c', 3)])).toEqual([1, 3]);
  });

  it('gives every outcome to a caller that asked in parallel', async () => {
    const outcomes = [yes('a', 1), no('b')];
    expect(await fold('parallel', outcomes)).toEqual(outcomes);
  });

  it('gives the first answer, and undefined without a handler', async () => {
    expect(await fold('first', [yes('a', 1)])).toBe(1);
    expect(await fold('first', [])).toBeUndefined();
  });

  it('gives the input back when a waterfall has no handler', async () => {
    expect(await fold('waterfall', [])).toBe('input');
  });

  it('throws the failure of a single answer', async () => {
    await expect(fold('waterfall', [no('a')])).rejects.toThrow('no');
  });

  it('takes an answer that the schema refuses for a failure, and reports its plugin', async () => {
    const menu = { ...hook({ input: v.string(), output: v.number() }), id: ID };
    const reported: string[] = [];
    const answers = await foldAnswers(
      menu,
      'collect',
      '',
      [yes('test.b', 'text'), yes('test.c', 2)],
      (plugin, { message }) => reported.push(`${plugin}: ${message}`),
    );
    expect(answers).toEqual([2]);
    expect(reported).toEqual([expect.stringMatching(/^test\.b: .*test\.b is at fault/)]);
  });
});
