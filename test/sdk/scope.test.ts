/** A stack of undo functions. */
import { disposable, Scope } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';

describe('a scope', () => {
  it('undoes in reverse order, one after the other', async () => {
    const scope = new Scope();
    const seq: string[] = [];
    scope.add(() => seq.push('first'));
    scope.add(async () => {
      await Promise.resolve();
      seq.push('second');
    });
    await scope.dispose();
    expect(seq).toEqual(['second', 'first']);
  });

  it('undoes the rest when one throws, and reports all failures as one', async () => {
    const scope = new Scope();
    const seq: string[] = [];
    scope.add(() => seq.push('first'));
    scope.add(() => Promise.reject(new Error('no')));
    await expect(scope.dispose()).rejects.toMatchObject({ errors: [new Error('no')] });
    expect(seq).toEqual(['first']);
  });

  it('runs no undo function twice', async () => {
    const scope = new Scope();
    let runs = 0;
    scope.add(() => {
      runs += 1;
    });
    await scope.dispose();
    await scope.dispose();
    expect([runs, scope.size, scope.disposed]).toEqual([1, 0, true]);
  });

  it('forgets what is removed, also one of two equal functions', async () => {
    const scope = new Scope();
    let runs = 0;
    const undo = () => {
      runs += 1;
    };
    const remove = scope.add(undo);
    scope.add(undo);
    remove();
    await scope.dispose();
    expect(runs).toBe(1);
  });

  it('refuses what is added after its end', async () => {
    const scope = new Scope();
    await scope.dispose();
    expect(() => scope.add(() => {})).toThrow(expect.objectContaining({ code: 'scope/disposed' }));
  });
});

it('disposable() runs its undo function once, by either way', () => {
  let runs = 0;
  const one = disposable(() => {
    runs += 1;
  });
  one.dispose();
  one[Symbol.dispose]();
  expect(runs).toBe(1);
});
