/** Scopes of the network: hosts are compared as a whole. */
import { coversUrl, intersectScopes } from '@plinth/sdk/contract';
import { expect, it } from 'vitest';

it.each([
  ['https://a.test', 'https://a.test/x?y', true],
  ['https://a.test/', 'https://a.test', true],
  ['https://a.test', 'http://a.test/', false],
  ['https://a.test', 'https://a.test:444/', false],
  ['https://a.test', 'https://a.test.evil.test/', false],
  ['https://a.test*', 'https://a.test.evil.test/', false],
  ['https://a.test*', 'https://a.test/', false],
  ['https://a.test/*', 'https://a.test/x', true],
  ['https://a.test/v1/*', 'https://a.test/v1/x', true],
  ['https://a.test/v1/*', 'https://a.test/v1/../v2', false],
  ['https://a.test/v1/*', 'https://a.test/v1', false],
  ['https://a.test/v1', 'https://a.test/v1/x', false],
  ['https://a.test/v1', 'https://a.test/v1', true],
  ['https://A.test', 'https://a.test/', true],
  ['https://ä.test', 'https://xn--4ca.test/', true],
  ['*', 'https://a.test/', true],
  ['https://u@a.test', 'https://a.test/', false],
  ['nonsense', 'https://a.test/', false],
  ['https://a.test', 'javascript:alert(1)', false],
  ['https://a.test/v1/*', 'https://a.test/v1/x/*', true],
  ['https://a.test/v1/x', 'https://a.test/v1/*', false],
  ['https://a.test', '*', false],
] as const)('%s covers %s: %s', (scope, url, expected) => {
  expect(coversUrl(scope, url)).toBe(expected);
});

it('of manifest and policy combine to the narrower one', () => {
  expect(
    intersectScopes(
      'network.fetch',
      ['https://a.test', 'https://b.test'],
      ['https://a.test/v1/*', 'https://c.test'],
    ),
  ).toEqual(['https://a.test/v1/*']);
});
