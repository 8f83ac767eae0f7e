import { expect, test } from 'vitest';
import { editableText, editedValue } from './editable.ts';

test.each([[null], [true], [-1.5], ['x'], [[]], [{ a: [{ b: null }] }]])(
  '%j can be edited',
  (value) => {
    expect(editedValue(editableText(value) as string)).toEqual(value);
  },
);

test.each([
  ['undefined', undefined],
  ['a date', new Date(0)],
  ['a map', new Map()],
  ['bytes', new Uint8Array(2)],
  ['NaN', Number.NaN],
  ['minus zero', -0],
  ['a bigint', 1n],
  ['an error', new Error('no')],
  ['undefined in an object', { a: undefined }],
  ['a hole in a list', new Array(3)],
  ['a long text', 'x'.repeat(25_000_000)],
  ['a long list', new Array(5_000_000).fill(1)],
])('%s can not', (_name, value) => {
  const before = process.cpuUsage();
  expect(editableText(value)).toBeUndefined();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(200);
});

test('a text that is no JSON is refused with its place', () => {
  expect(() => editedValue('{')).toThrow('the value is not JSON');
});
