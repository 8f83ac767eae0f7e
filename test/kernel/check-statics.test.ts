/** What a guest says of its plugin, checked against the manifest. */
import { isOpen, type Statics } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { checkStatics } from '../../kernel/dist/lifecycle/check-statics.js';
import { resolved } from './records.ts';

type Log = Parameters<typeof checkStatics>[3];
const NOTHING: Statics = { provides: [], needs: [], hooks: [] };

const check = (statics: Partial<Statics> | unknown, manifest: object = {}) => {
  const lines: string[] = [];
  const log = { write: (_: string, __: string, line: string) => lines.push(line) };
  const whole = typeof statics === 'object' ? { ...NOTHING, ...statics } : statics;
  const answer = checkStatics(
    whole as Statics,
    resolved('test.a', { manifest }).manifest,
    isOpen,
    log as unknown as Log,
  );
  return { answer, lines };
};
const need = { name: 'search', contract: 'test.search@1', optional: false };

describe('checkStatics()', () => {
  it('answers the known parts alone', () => {
    const { answer, lines } = check(
      { needs: [{ ...need, secret: 1 }], extra: 1 },
      { needs: ['test.search@^1'] },
    );
    expect(answer).toEqual({ ...NOTHING, needs: [need] });
    expect(lines).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['no object', undefined],
    ['provides no list', { provides: 'test.a@1' }],
    ['hooks of another type', { hooks: [1] }],
    ['a need without a name', { needs: [{ ...need, name: undefined }] }],
    ['a text that is too long', { provides: ['x'.repeat(513)] }],
    ['too many', { provides: Array(1_025).fill('test.a@1') }],
  ])('refuses %s', (_, statics) => {
    expect(() => check(statics)).toThrow(
      expect.objectContaining({ code: 'plugin/load-failed', plugin: 'test.a' }),
    );
  });

  it('refuses a contract that is not under its own id, unless it is open', () => {
    expect(() => check({ provides: ['test.b@1'] })).toThrow(/not under its own id/);
    expect(check({ provides: ['plinth.data-provider@1'] }).lines).toEqual([]);
  });

  it('refuses code that provides another version than its manifest', () => {
    expect(() => check({ provides: ['test.a@2'] }, { provides: ['test.a@1'] })).toThrow(
      expect.objectContaining({ details: { contract: 'test.a@2', expected: 'test.a@1' } }),
    );
  });

  it('warns of what the manifest does not list', () => {
    const { lines } = check(
      { provides: ['test.a@1', 'test.a@2'], needs: [need] },
      { provides: ['test.a@1'] },
    );
    expect(lines).toEqual([
      expect.stringContaining("provides 'test.a@2'"),
      expect.stringContaining("needs 'test.search@1'"),
    ]);
  });
});
