import { expect, test } from 'vitest';
import { plainText, showValue, summarise } from './show-value.ts';

test('values are written like JSON, with a notation for what JSON lacks', () => {
  expect(summarise({ a: [1, 'b', null, undefined], c: 10n, d: Number.NaN })).toBe(
    '{"a": [1, "b", null, undefined], "c": 10n, "d": NaN}',
  );
  expect(showValue({ a: { b: 1.23456 } })).toBe('{\n  "a": {\n    "b": 1.23456\n  }\n}');
  expect(summarise(new Map([['k', new Set([1])]]))).toBe('Map {"k": Set [1]}');
  expect(summarise([0.004, 1e307])).toBe('[0.004, 1e+307]');
  expect(summarise(new Uint8Array(7))).toBe('7 bytes');
  expect(showValue(undefined)).toBe('undefined');
});

test('marks that change the direction of writing are escaped', () => {
  expect(plainText('\u202Egnp.exe\u0000')).toBe('\\u202egnp.exe\\u0000');
  expect(showValue({ '\u202Ekey': '\u2066' })).toContain('\\u202e');
});

test.each([
  ['a text of 50 MB', () => 'x'.repeat(50_000_000)],
  ['a list of 5,000,000', () => new Array(5_000_000).fill(1)],
  [
    'an object of 100,000 keys',
    () => {
      const wide: Record<string, number> = {};
      for (let index = 0; index < 100_000; index++) wide[`key ${index}`] = index;
      return wide;
    },
  ],
  [
    'a value 10,000 deep',
    () => {
      let deep: unknown = 1;
      for (let index = 0; index < 10_000; index++) deep = [deep];
      return deep;
    },
  ],
])('%s is cut in at most 200 ms of the processor', (_name, make) => {
  const value = make();
  showValue('warm');
  const before = process.cpuUsage();
  const text = showValue(value);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(200);
  expect(text.length).toBeLessThan(40_000);
  expect(text).toContain('…');
});
