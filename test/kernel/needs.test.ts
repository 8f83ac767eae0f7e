/** What the code of a plugin requires, and what another plugin named. */
import { createError } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { baseOf, inCycle, mandatory, named } from '../../kernel/dist/lifecycle/needs.js';
import { active, resolved } from './records.ts';

const need = (contract: string) => ({ contract, base: baseOf(contract) });

it('mandatory() lists needs of the code, without wishes and the own contract', () => {
  const record = active('test.a', {
    needs: ['test.base@1', 'test.a@1'],
    wishes: ['test.extra@1'],
  });
  expect(mandatory(record)).toEqual([need('test.base@1')]);
});

describe('named()', () => {
  it('is true for a contract of the manifest, and for one of the code', () => {
    const declares = resolved('test.a', { manifest: { provides: ['plinth.data-provider@1'] } });
    expect(named(declares, need('plinth.data-provider@1'))).toBe(true);
    expect(named(active('test.a', { provides: ['test.a@2'] }), need('test.a@2'))).toBe(true);
  });

  it('is true for any version of the own contract where none is declared', () => {
    expect(named(resolved('test.a'), need('test.a@7'))).toBe(true);
    const declares = resolved('test.a', { manifest: { provides: ['test.a@1'] } });
    expect(named(declares, need('test.a@7'))).toBe(false);
  });

  it('is false for the contract of another plugin', () => {
    expect(named(resolved('test.a'), need('test.b@1'))).toBe(false);
  });
});

describe('inCycle()', () => {
  const error = (code: 'plugin/cycle' | 'plugin/dependency-failed', path: readonly string[]) =>
    createError(code, 'no', { details: { path } });
  const pathFrom = (id: string, from: Error) => inCycle(id, from)?.details?.path;

  it('begins the path of a cycle with the member that is asked about', () => {
    const cycle = error('plugin/cycle', ['test.a', 'test.b', 'test.c', 'test.a']);
    expect(pathFrom('test.b', cycle)).toEqual(['test.b', 'test.c', 'test.a', 'test.b']);
  });

  it('is undefined for a plugin outside of the cycle', () => {
    expect(inCycle('test.d', error('plugin/cycle', ['test.a', 'test.b', 'test.a']))).toBe(
      undefined,
    );
  });

  it('finds a cycle in a chain of failures that reaches the plugin again', () => {
    const chain = error('plugin/dependency-failed', ['test.b', 'test.c', 'test.a']);
    expect(pathFrom('test.a', chain)).toEqual(['test.a', 'test.c', 'test.a']);
  });

  it('is undefined for any other error', () => {
    expect(inCycle('test.a', new Error('no'))).toBeUndefined();
  });
});
