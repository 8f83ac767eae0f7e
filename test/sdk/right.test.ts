/** The grammar of rights: methods, scope, rate. */
import {
  intersectScopes,
  type PermissionName,
  parseRight,
  scopeCovers,
} from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';

describe('a right', () => {
  it.each<readonly [PermissionName, string, unknown]>([
    ['events.emit', 'app:*', { scope: 'app:*' }],
    ['events.emit', 'app:* 10/s', { scope: 'app:*', rate: { count: 10, per: 1_000 } }],
    ['fs.read', '/home/a b/* 5/min', { scope: '/home/a b/*', rate: { count: 5, per: 60_000 } }],
    [
      'network.fetch',
      'GET,HEAD https://a.test/v1/* 100/h',
      {
        scope: 'https://a.test/v1/*',
        methods: ['GET', 'HEAD'],
        rate: { count: 100, per: 3_600_000 },
      },
    ],
    ['events.emit', 'GET app:*', { scope: 'GET app:*' }],
    ['events.emit', 'app:* 0/s', undefined],
    ['events.emit', 'app:*:x', undefined],
    ['events.emit', '', undefined],
    ['network.fetch', 'GET nonsense', undefined],
    ['network.fetch', 'get https://a.test', undefined],
  ])('of %s, written as %j', (permission, text, expected) => {
    expect(parseRight(permission, text)).toEqual(expected);
  });

  it.each<readonly [PermissionName, string, string, boolean]>([
    ['events.emit', 'app:*', 'app:x 10/s', true],
    ['events.emit', 'app:* 10/s', 'app:x', false],
    ['events.emit', 'app:* 10/s', 'app:x 10/s', true],
    ['events.emit', 'app:* 10/s', 'app:x 10/min', true],
    ['events.emit', 'app:* 600/min', 'app:x 10/s', true],
    ['events.emit', 'app:* 600/min', 'app:x 11/s', false],
    ['events.emit', 'app:* 10/s', 'app:x 600/min', false],
    ['network.fetch', 'https://a.test', 'GET https://a.test/x', true],
    ['network.fetch', 'GET https://a.test', 'https://a.test/x', false],
    ['network.fetch', 'GET,POST https://a.test', 'GET https://a.test/x', true],
    ['network.fetch', 'GET https://a.test', 'GET,POST https://a.test/x', false],
  ])('of %s: %j covers %j: %s', (permission, wide, narrow, expected) => {
    expect(scopeCovers(permission, wide, narrow)).toBe(expected);
  });

  it.each<readonly [PermissionName, string[], string[], string[]]>([
    ['events.emit', ['app:* 10/s'], ['app:menu:*'], ['app:menu:* 10/s']],
    ['events.emit', ['app:* 10/s'], ['app:* 1/s'], ['app:* 1/s']],
    ['events.emit', ['app:* 10/s'], ['app:* 600/min'], ['app:* 10/s']],
    [
      'network.fetch',
      ['GET,POST https://a.test'],
      ['GET,PUT https://a.test/v1/*'],
      ['GET https://a.test/v1/*'],
    ],
    ['network.fetch', ['GET https://a.test'], ['POST https://a.test'], []],
    ['storage.read', ['settings:*'], ['*'], ['settings:*']],
  ])('of %s: %j and %j have %j in common', (permission, a, b, expected) => {
    expect([intersectScopes(permission, a, b), intersectScopes(permission, b, a)]).toEqual([
      expected,
      expected,
    ]);
  });
});
