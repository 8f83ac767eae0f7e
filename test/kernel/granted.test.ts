/** What a manifest asks for, bounded by policy. */
import { type Permissions, parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import {
  askingForAll,
  everything,
  grantsOf,
  intersect,
  membersOf,
} from '../../kernel/src/permissions/granted.ts';

const manifestOf = (permissions: Permissions, more: object = {}) =>
  parseManifest({
    id: 'test.a',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions,
    ...more,
  });

describe('grantsOf()', () => {
  it('grants what the manifest asks for when there is no policy', () => {
    expect(grantsOf(manifestOf({ fs: { read: ['notes/*'] } }), undefined)).toMatchObject({
      fs: { read: ['notes/*'] },
    });
  });

  it('asks a policy that is a function for each manifest', () => {
    const policy = ({ id }: { id: string }) => (id === 'test.a' ? { wasm: true as const } : {});
    expect(grantsOf(manifestOf({ wasm: true, fs: { read: ['*'] } }), policy)).toEqual({
      wasm: true,
    });
  });

  it('grants the members of a contract with the need for it', () => {
    const granted = grantsOf(manifestOf({}, { needs: ['test.search@^1'] }), undefined);
    expect(granted).toMatchObject({
      commands: { execute: ['test.search:*'] },
      events: { subscribe: ['test.search:*'] },
      hooks: { call: ['test.search:*'], handle: ['test.search:*'] },
    });
  });

  it('grants no member of a needed contract that policy does not allow', () => {
    const manifest = manifestOf({}, { needs: ['test.search@^1'] });
    expect(grantsOf(manifest, { commands: { execute: ['test.other:*'] } })).toEqual({});
  });
});

describe('intersect()', () => {
  it('keeps the narrower of two scopes, from either side', () => {
    const [wide, narrow] = [{ fs: { read: ['*'] } }, { fs: { read: ['notes/*'] } }];
    expect(intersect(wide, narrow)).toEqual(narrow);
    expect(intersect(narrow, wide)).toEqual(narrow);
  });

  it('keeps the smaller quota of storage, and none without storage', () => {
    const storage = (quota: number): Permissions => ({ storage: { read: true, quota } });
    expect(intersect(storage(10), storage(20))).toEqual({ storage: { read: true, quota: 10 } });
    expect(intersect(storage(10), {})).toEqual({});
  });

  it('keeps all rights when everything is allowed', () => {
    const asked: Permissions = { secrets: { read: ['token'] }, wasm: true };
    expect(intersect(asked, everything())).toEqual(asked);
  });
});

describe('askingForAll()', () => {
  it('asks for every permission, and keeps the quota of the manifest', () => {
    const { permissions } = askingForAll(manifestOf({ storage: { read: true, quota: '1MB' } }));
    expect(permissions).toMatchObject({
      fs: { read: ['*'], write: ['*'] },
      storage: { read: true, write: true, quota: expect.anything() },
    });
  });
});

it('membersOf() names all members of a contract, and keeps a pattern as it is', () => {
  expect([membersOf('test.search'), membersOf('test.*')]).toEqual(['test.search:*', 'test.*']);
});
