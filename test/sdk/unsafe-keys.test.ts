/** Keys that reach an object's prototype, and values that are nested too deep. */
import { describe, expect, it } from 'vitest';
import { MAX_DEPTH, unsafeKeys } from '../../sdk/src/contract/unsafe-keys.ts';

describe('unsafeKeys()', () => {
  it('finds __proto__ at any depth, and its relatives near the top', () => {
    const value: unknown = JSON.parse(
      '{"a": {"b": {"__proto__": 1, "prototype": 1}}, "constructor": 1}',
    );
    expect(
      unsafeKeys(value)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['a.b.__proto__', 'constructor']);
  });

  it('refuses a value that is nested too deep', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < MAX_DEPTH + 3; depth++) value = { a: value };
    expect(unsafeKeys(value)).toEqual([expect.objectContaining({ path: 'a.a.a.a' })]);
  });
});
