/** The known word that was probably meant. */
import { didYouMean } from '@plinth/sdk/contract';
import { expect, it } from 'vitest';

const KNOWN = ['main', 'name', 'version', 'permissions'];

it.each([
  ['mian', [], " (did you mean 'main'?)"],
  ['VERSION', [], " (did you mean 'version'?)"],
  ['permision', [], " (did you mean 'permissions'?)"],
  ['unrelated', [], ''],
  ['x'.repeat(100), [], ''],
] as const)('%s: %j used, says %j', (word, used, expected) => {
  expect(didYouMean(word, KNOWN, used)).toBe(expected);
});

it('suggests no word that is used already, unless only the case differs', () => {
  expect(didYouMean('mian', KNOWN, ['main'])).not.toContain('main');
  expect(didYouMean('Main', KNOWN, ['main'])).toContain('main');
});
