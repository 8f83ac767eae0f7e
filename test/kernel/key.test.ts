/** The key of one version of a plugin. */
import { expect, it } from 'vitest';
import { idOf, keyOf, versionIn } from '../../kernel/src/registry/key.ts';

it('a key gives back the id and the version that it was made of', () => {
  const key = keyOf('test.a', '1.0.0-beta.1');
  expect([idOf(key), versionIn(key)]).toEqual(['test.a', '1.0.0-beta.1']);
});

it('an id without a version is its own id', () => {
  expect([idOf('test.a'), versionIn('test.a')]).toEqual(['test.a', '']);
});

it('an @ at the beginning belongs to the name', () => {
  expect(idOf('@scope/plugin')).toBe('@scope/plugin');
});
