/** The locks of files in a page, which SQLite's own file systems take from the operating system. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FileLocks, LEVEL } from '../../extensions/sql/dist/browser/file-locks.js';

let locks: FileLocks;
beforeEach(() => {
  locks = new FileLocks();
  for (const connection of [1, 2, 3]) locks.enter(connection);
});

describe('a lock on a file', () => {
  it('lets many read and one write, and the one that writes waits for those that read', () => {
    expect([1, 2, 3].map((one) => locks.lock(one, LEVEL.shared))).toEqual([true, true, true]);
    expect(locks.lock(1, LEVEL.reserved)).toBe(true);
    expect(locks.reserved).toBe(true);
    expect(locks.lock(2, LEVEL.reserved)).toBe(false);
    expect(locks.lock(1, LEVEL.exclusive)).toBe(false);
    for (const one of [2, 3]) locks.unlock(one, LEVEL.none);
    expect(locks.lock(1, LEVEL.exclusive)).toBe(true);
    expect(locks.lock(2, LEVEL.shared)).toBe(false);
  });

  it('that waits for readers lets no new ones in, and is lowered step by step', () => {
    for (const one of [1, 2]) locks.lock(one, LEVEL.shared);
    locks.lock(1, LEVEL.reserved);
    locks.lock(1, LEVEL.exclusive);
    expect(locks.lock(3, LEVEL.shared)).toBe(false);
    locks.unlock(1, LEVEL.shared);
    expect(locks.lock(3, LEVEL.shared)).toBe(true);
    expect(locks.reserved).toBe(false);
  });

  it('is free when its connection is gone', () => {
    locks.lock(1, LEVEL.shared);
    locks.lock(1, LEVEL.exclusive);
    locks.leave(1);
    expect(locks.lock(2, LEVEL.exclusive)).toBe(true);
  });
});

describe('the shared memory', () => {
  it('has locks for one, and locks for many', () => {
    expect(locks.lockMemory(1, 0b110, false)).toBe(true);
    expect(locks.lockMemory(2, 0b010, false)).toBe(true);
    expect(locks.lockMemory(3, 0b010, true)).toBe(false);
    expect(locks.lockMemory(3, 0b001, true)).toBe(true);
    expect(locks.lockMemory(1, 0b001, false)).toBe(false);
    locks.unlockMemory(1, 0b110);
    locks.unlockMemory(2, 0b010);
    expect(locks.lockMemory(3, 0b110, true)).toBe(true);
  });

  it('is the same for all, and is given back when the last connection leaves it', () => {
    let made = 0;
    const make = () => {
      made += 1;
      return made * 100;
    };
    expect(locks.map(1, 0, undefined)).toBe(0);
    expect(locks.map(1, 1, make)).toBe(200);
    expect(locks.map(2, 0, make)).toBe(100);
    const freed: number[] = [];
    locks.lockMemory(1, 1, true);
    locks.unmap(1, (address) => freed.push(address));
    expect(freed).toEqual([]);
    expect(locks.lockMemory(2, 1, true)).toBe(true);
    locks.unmap(2, (address) => freed.push(address));
    expect(freed).toEqual([100, 200]);
    expect(locks.map(3, 0, undefined)).toBe(0);
  });
});
