/** A difference counts when more rounds agree on it than chance makes. */
import { describe, expect, it } from 'vitest';
import { differenceOf } from './difference.ts';

const verdict = (here: readonly number[], there: readonly number[]) =>
  differenceOf(here, there).verdict;
const BASE = [10, 12, 11, 30, 10, 11, 12];

describe('a difference of two commits', () => {
  it('has both medians, and the ratio of each round with its range', () => {
    expect(differenceOf([5, 12, 6], [10, 12, 8])).toEqual({
      here: 6,
      there: 10,
      ratio: 0.75,
      lowest: 0.5,
      highest: 1,
      verdict: 'too few rounds',
    });
  });

  it('counts when all rounds agree, however noisy they are', () => {
    const half = BASE.map((value) => value / 2);
    expect(verdict(half, BASE)).toBe('smaller');
    expect(verdict(BASE, half)).toBe('larger');
  });

  it('is noise when two of seven rounds disagree', () => {
    expect(verdict([9, 11, 10, 31, 11, 10, 11], BASE)).toBe('noise');
  });

  it('may have one round of nine that disagrees', () => {
    const nine = [...BASE, 10, 10];
    const here = nine.map((value, round) => value * (round === 4 ? 1.1 : 0.9));
    expect(verdict(here, nine)).toBe('smaller');
  });

  it('needs six rounds', () => {
    const half = BASE.map((value) => value / 2);
    expect(verdict(half.slice(0, 5), BASE.slice(0, 5))).toBe('too few rounds');
    expect(verdict(half.slice(0, 6), BASE.slice(0, 6))).toBe('smaller');
  });

  it('is none when the figures are equal, also at zero', () => {
    expect(verdict([0, 0, 0], [0, 0, 0])).toBe('the same');
  });
});
