/** Versions and ranges. */
import { compareVersions, isRange, isStable, isVersion, satisfies } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';

it.each([
  ['1.2.3', true],
  ['2.0.0-beta.1', true],
  ['1.2.3+build', true],
  ['1.2', false],
  ['v1.2.3', false],
  ['', false],
  [`1.0.0-${'x'.repeat(300)}`, false],
])('isVersion(%j) is %s', (text, expected) => {
  expect(isVersion(text)).toBe(expected);
});

it.each([
  ['^1.2.0', true],
  ['>=1 <3', true],
  ['*', true],
  ['latest', false],
  [Array(11).fill('^1').join(' || '), false],
])('isRange(%j) is %s', (text, expected) => {
  expect(isRange(text)).toBe(expected);
});

describe('satisfies()', () => {
  it('answers the same twice', () => {
    for (const _ of [1, 2])
      expect([satisfies('1.4.0', '^1.2.0'), satisfies('2.0.0', '^1.2.0')]).toEqual([true, false]);
  });

  it('lets a pre-release match only a range that names one of the same version', () => {
    expect(satisfies('2.0.0-beta.1', '*')).toBe(false);
    expect(satisfies('2.0.0-beta.2', '>=2.0.0-beta.1')).toBe(true);
  });
});

it('versions are ordered by number, and pre-releases come before their release', () => {
  const versions = ['1.10.0', '1.9.0', '2.0.0', '2.0.0-beta.1'];
  expect(versions.sort(compareVersions)).toEqual(['1.9.0', '1.10.0', '2.0.0-beta.1', '2.0.0']);
  expect(versions.filter(isStable)).not.toContain('2.0.0-beta.1');
});
