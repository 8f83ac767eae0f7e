/** What an update gains over the version before. */
import { type Isolation, type Permissions, parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { type Footprint, growthOf, rightsBeyond } from '../../kernel/src/permissions/growth.ts';

const version = (
  permissions: Permissions,
  { isolation, ...more }: { isolation?: Isolation } & Record<string, unknown> = {},
): Footprint => ({
  permissions,
  manifest: parseManifest({
    id: 'test.a',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    ...more,
  }),
  isolation,
});
const NOTHING = version({});

describe('rightsBeyond()', () => {
  it('lists scopes that no earlier scope covers', () => {
    const before = { fs: { read: ['notes/*'] } };
    const after = { fs: { read: ['notes/a', 'mail/*'] }, wasm: true as const };
    expect(rightsBeyond(before, after)).toEqual({ 'fs.read': ['mail/*'], wasm: ['*'] });
  });

  it('is empty where the earlier rights are wider', () => {
    expect(rightsBeyond({ fs: { read: ['*'] } }, { fs: { read: ['notes/a'] } })).toEqual({});
  });

  it('counts a larger quota, and the default quota where none is given', () => {
    const quota = (size?: string): Permissions => ({
      storage: { read: true, write: true, ...(size !== undefined && { quota: size }) },
    });
    expect(rightsBeyond(quota('1MB'), quota('2MB'))).toEqual({ 'storage.quota': ['2000000'] });
    expect(rightsBeyond(quota('2MB'), quota('1MB'))).toEqual({});
    expect(rightsBeyond(quota('1MB'), quota())).toHaveProperty(['storage.quota']);
  });
});

describe('growthOf()', () => {
  it('is undefined when the later version gains nothing', () => {
    expect(growthOf(NOTHING, NOTHING)).toBeUndefined();
  });

  it('names a weaker isolation, and neither a stronger nor an unknown one', () => {
    const inIsolation = (isolation?: Isolation) => version({}, isolation && { isolation });
    const [worker, wall] = [inIsolation('worker'), inIsolation('sandbox')];
    expect(growthOf(wall, worker)).toEqual({ isolation: ['worker'] });
    expect(growthOf(worker, wall)).toBeUndefined();
    expect(growthOf(wall, inIsolation())).toBeUndefined();
  });

  it('names a resource that has grown or has no limit any more', () => {
    const small = version({}, { resources: { concurrency: 2 } });
    const large = version({}, { resources: { concurrency: 4 } });
    expect(growthOf(small, large)).toEqual({ 'resources.concurrency': ['4'] });
    expect(growthOf(large, NOTHING)).toEqual({ 'resources.concurrency': ['unlimited'] });
    expect(growthOf(NOTHING, small)).toBeUndefined();
  });

  it('names new contracts and activation events, and not those that are gone', () => {
    const more = version({}, { provides: ['test.a@1'], activation: ['startup', 'event:app:x'] });
    const less = version({}, { provides: ['test.a@1'], activation: ['startup'] });
    expect(growthOf(less, more)).toEqual({ activation: ['event:app:x'] });
    expect(growthOf(NOTHING, less)).toEqual({ provides: ['test.a@1'] });
    expect(growthOf(more, less)).toBeUndefined();
  });

  it('names what extensions count, and not what is gone', () => {
    const before = { ...NOTHING, reach: { 'ui.slots': ['a', 'b'], 'ui.keys': ['f2'] } };
    const after = { ...NOTHING, reach: { 'ui.slots': ['b', 'c'], 'ui.menus': ['m'] } };
    expect(growthOf(before, after)).toEqual({ 'ui.slots': ['c'], 'ui.menus': ['m'] });
    expect(growthOf(before, NOTHING)).toBeUndefined();
    expect(growthOf(NOTHING, before)).toEqual(before.reach);
  });

  it('names a guard that the later version drops', () => {
    const guards = version(
      {},
      {
        permissions: { middleware: { use: ['command:test.b:*'] } },
        contributes: { middleware: [{ target: 'command:test.b:*' }] },
      },
    );
    expect(growthOf(guards, NOTHING)).toEqual({ 'middleware.dropped': ['command:test.b:*'] });
  });

  it('names a command that no longer requires a user', () => {
    const command = (requiresAuth: boolean) =>
      version({}, { contributes: { commands: [{ id: 'pay', title: 'Pay', requiresAuth }] } });
    expect(growthOf(command(true), command(false))).toEqual({ 'requiresAuth.dropped': ['pay'] });
    expect(growthOf(command(false), command(true))).toBeUndefined();
  });
});
