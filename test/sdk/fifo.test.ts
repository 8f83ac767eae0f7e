/** A queue that keeps its items in their places. */
import { expect, it } from 'vitest';
import { Fifo } from '../../sdk/src/rpc/fifo.ts';

const fifoOf = (count: number) => {
  const fifo = new Fifo<number>();
  for (let n = 0; n < count; n++) fifo.push(n);
  return fifo;
};

it('items leave in the order in which they came', () => {
  const fifo = fifoOf(2);
  expect([fifo.peek(), fifo.shift(), fifo.shift(), fifo.shift()]).toEqual([0, 0, 1, undefined]);
});

it('thousands of items leave in order while others come', () => {
  const fifo = fifoOf(1_000);
  const left: unknown[] = [];
  for (let n = 1_000; n < 2_000; n++) {
    fifo.push(n);
    left.push(fifo.shift());
  }
  expect(left).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  expect([fifo.size, fifo.peek()]).toEqual([1_000, 1_000]);
});

it('remove() takes the first item that fits, and none that has left', () => {
  const fifo = fifoOf(3);
  fifo.shift();
  expect(fifo.remove((item) => item === 0)).toBe(false);
  expect(fifo.remove((item) => item === 2)).toBe(true);
  expect([fifo.size, fifo.shift()]).toEqual([1, 1]);
});

it('clear() empties it', () => {
  const fifo = fifoOf(3);
  fifo.clear();
  expect([fifo.size, fifo.peek()]).toEqual([0, undefined]);
});
