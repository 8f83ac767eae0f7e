/** Keys that `JSON.parse` hides. */
import { describe, expect, it } from 'vitest';
import { duplicateKeys, hasPlainKeys } from '../../sdk/src/contract/json-text.ts';

describe('duplicateKeys()', () => {
  it('finds a key that is written twice, with its path', () => {
    expect(duplicateKeys('{"a": [{"b": 1, "b": 2}], "c": "b"}')).toEqual([
      { path: 'a.0.b', message: 'is written twice' },
    ]);
  });

  it('finds a key in two spellings', () => {
    expect(duplicateKeys('{"a": 1, "\\u0061": 2}')).toHaveLength(1);
  });

  it('takes texts, and equal keys of different objects, for what they are', () => {
    expect(duplicateKeys('{"a": {"b": 1}, "c": {"b": "{\\"b\\": 1, \\"b\\": 2}"}}')).toEqual([]);
  });
});

it.each([
  ['{"a": {"b": [1, "c:d"]}}', true],
  ['{"a": "x\\\\", "b": "\\": 1"}', true],
  ['{"a": 1, "a": 2}', false],
  ['{"__proto__": 1}', false],
])('hasPlainKeys() of %s is %s', (json, plain) => {
  expect(hasPlainKeys(json, JSON.parse(json))).toBe(plain);
});
