/** Chains of calls: none returns to itself, and none grows for ever. */
import { describe, expect, it } from 'vitest';
import { checkChain, DEEP, underOf } from '../../kernel/src/calls/chain.ts';
import type { CallTarget, KernelCall } from '../../kernel/src/calls/kernel-call.ts';

/** A target as far as a chain looks at it. */
const target = (id: string, more: Partial<CallTarget> = {}) =>
  ({ id, owner: id.slice(0, id.indexOf(':')), ...more }) as CallTarget;
/** A call of each target, made for the one before. The last one is answered. */
const chainOf = (...targets: readonly CallTarget[]): KernelCall =>
  targets.reduce<KernelCall | undefined>(
    (parent, to) => ({ target: to, parent }) as KernelCall,
    undefined,
  ) as KernelCall;

describe('checkChain()', () => {
  it('lets a call pass to a target that its chain has not reached', () => {
    checkChain(target('test.c:x'), chainOf(target('test.a:x'), target('test.b:x')));
  });

  it('refuses a call that returns to a target of its chain, with the path', () => {
    const parent = chainOf(target('test.a:x'), target('test.b:x'));
    expect(() => checkChain(target('test.a:x'), parent)).toThrow(
      expect.objectContaining({
        code: 'call/cycle',
        plugin: 'test.a',
        details: { command: 'test.a:x', path: ['test.a:x', 'test.b:x', 'test.a:x'] },
      }),
    );
  });

  it('lets a call return to the same id of another provider', () => {
    const open = (owner: string) => target('plinth.health-check:check', { owner });
    checkChain(open('test.b'), chainOf(open('test.a')));
  });

  it('lets a call return to a target that says it may', () => {
    checkChain(target('test.a:x', { reentrant: true }), chainOf(target('test.a:x')));
  });

  it('refuses a chain that is too long, and shows its ends', () => {
    const names = Array.from({ length: 40 }, (_, n) => target(`test.p${n}:x`));
    expect(() => checkChain(target('test.last:x'), chainOf(...names))).toThrow(
      /longer than 32 \(test\.p0:x → .* → … → .* → test\.last:x\)/,
    );
  });
});

describe('underOf()', () => {
  /** An open call under a root, this deep. */
  const open = (root: object, depth: number) => ({ under: { root, depth } }) as KernelCall;
  const root = { id: 'test.a:x', over: false };
  const other = { id: 'test.b:x', over: false };

  it('is undefined without an open call', () => {
    expect(underOf([], 'test.a')).toBeUndefined();
  });

  it('is one deeper than the deepest open call of one root', () => {
    expect(underOf([open(root, 1), open(root, 3)], 'test.a')).toEqual({ root, depth: 4 });
  });

  it('is unknown when the open calls have several roots', () => {
    expect(underOf([open(root, 1), open(other, 3)], 'test.a')).toBeUndefined();
  });

  it('is the deepest root from a depth on that only a cycle explains', () => {
    expect(underOf([open(root, 1), open(other, DEEP)], 'test.a')).toEqual({
      root: other,
      depth: DEEP,
    });
  });

  it('refuses a deep call when its root has ended', () => {
    expect(() => underOf([open({ ...root, over: true }, DEEP)], 'test.a')).toThrow(
      expect.objectContaining({ code: 'call/cancelled', plugin: 'test.a' }),
    );
  });

  it('refuses a call under a thousand others', () => {
    expect(() => underOf([open(root, 1_023)], 'test.a')).toThrow(
      expect.objectContaining({ code: 'call/cycle' }),
    );
  });
});
