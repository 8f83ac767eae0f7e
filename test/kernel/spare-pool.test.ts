/** A pool of guests that are started before a plugin needs them. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Spare, SparePool } from '../../kernel/dist/guests/spare-pool.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Numbered extends Spare {
  readonly number: number;
  readonly kind: number;
}

const poolOf = (size: number) => {
  const started: number[] = [];
  const ended: number[] = [];
  const exits = new Map<number, () => void>();
  let broken = false;
  const pool = new SparePool<Numbered>(size, async (kind) => {
    if (broken) throw new Error('no worker');
    const number = started.push(kind);
    const { promise: exited, resolve } = Promise.withResolvers<void>();
    exits.set(number, resolve);
    return { number, kind, exited, terminate: async () => void ended.push(number) };
  });
  const refill = () => vi.advanceTimersByTimeAsync(20);
  const fill = async () => {
    pool.fill(0);
    await vi.advanceTimersByTimeAsync(0);
  };
  const breakDown = () => {
    broken = true;
  };
  return { pool, started, ended, exits, refill, fill, breakDown };
};

it('a pool is filled to its size, and no further', async () => {
  const { pool, started, fill } = poolOf(2);
  pool.fill(0);
  await fill();
  await fill();
  expect(started).toEqual([0, 0]);
});

it('a spare that is taken is replaced a little later', async () => {
  const { pool, started, fill, refill } = poolOf(1);
  await fill();
  expect(pool.take(0)?.number).toBe(1);
  expect(started).toHaveLength(1);
  await refill();
  expect(pool.take(0)?.number).toBe(2);
});

it('take() answers none while none is ready, and starts one', async () => {
  const { pool, refill } = poolOf(1);
  expect(pool.take(0)).toBeUndefined();
  await refill();
  expect(pool.take(0)).toBeDefined();
});

it('spares of one kind are not given for another', async () => {
  const { pool, fill, refill } = poolOf(1);
  await fill();
  expect(pool.take(1)).toBeUndefined();
  await refill();
  expect(pool.take(1)?.kind).toBe(1);
});

it('a spare that ends by itself is not given', async () => {
  const { pool, fill, exits } = poolOf(1);
  await fill();
  exits.get(1)?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(pool.take(0)).toBeUndefined();
});

it('a start that fails leaves the pool usable', async () => {
  const { pool, fill, breakDown } = poolOf(1);
  breakDown();
  await fill();
  expect(pool.take(0)).toBeUndefined();
  await pool.close();
});

it('close() ends all spares, those that still start included, and starts none after it', async () => {
  const { pool, started, ended, refill } = poolOf(2);
  pool.fill(0);
  await pool.close();
  expect(ended).toEqual([1, 2]);
  expect(pool.take(0)).toBeUndefined();
  await refill();
  expect(started).toHaveLength(2);
});

it('a pool of size 0 starts none', async () => {
  const { pool, started, refill } = poolOf(0);
  expect(pool.take(0)).toBeUndefined();
  await refill();
  expect(started).toEqual([]);
});
