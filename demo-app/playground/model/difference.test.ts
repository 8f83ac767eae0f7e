import { expect, test } from 'vitest';
import { firstDifference } from './difference.ts';

test.each<[string, unknown, unknown]>([
  ['the same text', 'a', 'a'],
  ['no answer', undefined, undefined],
  ['nested values', { a: [1, { b: null }] }, { a: [1, { b: null }] }],
  ['members in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['a member without a value', { a: 1, b: undefined }, { a: 1 }],
  ['a date and its text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ['numbers that JSON lacks', [Number.NaN, Number.POSITIVE_INFINITY, -0], [null, null, 0]],
  ['maps of the same page', new Map([['a', 1]]), new Map([['a', 1]])],
])('firstDifference() finds none in %s', (_name, here, there) => {
  expect(firstDifference(here, there)).toEqual({ equal: true, cut: false });
});

test.each<[string, unknown, unknown, string, string, string]>([
  ['the answers themselves', 1, '1', '$', '1', '"1"'],
  ['no answer and null', undefined, null, '$', 'nothing', 'null'],
  ['a member', { a: 1, b: 2 }, { a: 1, b: 3 }, '$.b', '2', '3'],
  ['a member that is missing here', { a: 1 }, { a: 1, b: 3 }, '$.b', 'nothing', '3'],
  ['an item', { a: [1, 2, { b: 1 }] }, { a: [1, 2, { b: 2 }] }, '$.a[2].b', '1', '2'],
  ['a shorter list', [1, 2], [1], '$[1]', '2', 'nothing'],
  ['a list and an object', { a: [] }, { a: {} }, '$.a', '[]', '{}'],
  ['an odd name', { 'a "b"': 1 }, { 'a "b"': 2 }, '$["a \\"b\\""]', '1', '2'],
  ['a name of the prototype', { toString: 1 }, {}, '$.toString', '1', 'nothing'],
])('firstDifference() names the place of %s', (_name, here, there, path, one, other) => {
  expect(firstDifference(here, there)).toEqual({ equal: false, path, here: one, there: other });
});

test('marks that change the direction of writing are escaped in a path', () => {
  const difference = firstDifference({ '\u202Ea': 1 }, {});
  expect(difference).toMatchObject({ equal: false, path: '$["\\u202ea"]' });
});

test('a comparison of huge, deep or endless answers is bounded, and says so', () => {
  const wide = () => Array.from({ length: 2_000_000 }, () => 1);
  const before = process.cpuUsage();
  expect(firstDifference(wide(), wide())).toEqual({ equal: true, cut: true });
  const deep = () => JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as unknown;
  expect(firstDifference(deep(), deep())).toEqual({ equal: true, cut: true });
  const endless = (): object => {
    const value: Record<string, unknown> = {};
    value.self = value;
    return value;
  };
  expect(firstDifference(endless(), endless())).toEqual({ equal: true, cut: true });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(2_000);
});
