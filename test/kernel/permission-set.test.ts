/** What a plugin may do: its manifest ∩ policy, less what was revoked. */
import { parseManifest } from '@plinth/sdk';
import type { PermissionName, Permissions } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { type Denied, MAX_SCOPE, PermissionSet } from '../../kernel/src/permissions/broker.ts';
import { DEFAULT_QUOTA, grantsOf } from '../../kernel/src/permissions/granted.ts';
import { Metrics } from '../../kernel/src/telemetry/metrics.ts';

const setOf = (
  permissions: Permissions,
  { policy, denied, needs = [] }: { policy?: Permissions; denied?: Denied; needs?: string[] } = {},
) => {
  const manifest = parseManifest({
    id: 'test.a',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions,
    needs,
  });
  const refusals: string[] = [];
  const set = new PermissionSet(
    'test.a',
    grantsOf(manifest, policy),
    new Metrics(),
    (plugin, permission, scope) => refusals.push(`${plugin} ${permission} ${scope}`),
    denied,
  );
  const allowed = (permission: PermissionName, ...scopes: string[]) =>
    scopes.filter((scope) => set.check(permission, scope));
  return { set, refusals, allowed };
};

describe('the rights of a plugin', () => {
  it('cover a prefix that ends in a star, an exact scope alone, and nothing that is absent', () => {
    const { allowed } = setOf({ commands: { execute: ['test.b:*', 'test.c:read'] } });
    const fine = ['test.b:x', 'test.c:read'];
    expect(allowed('commands.execute', ...fine, 'test.bc:x', 'test.c:reads')).toEqual(fine);
    expect(allowed('events.emit', 'test.b:x')).toEqual([]);
  });

  it('are no more than policy allows, whichever of both is wider', () => {
    const { set, allowed } = setOf(
      { fs: { read: ['notes/*'] }, secrets: { read: ['*'] }, wasm: true },
      { policy: { fs: { read: ['*'] }, secrets: { read: ['token'] } } },
    );
    expect(set.grants).toEqual({ fs: { read: ['notes/*'] }, secrets: { read: ['token'] } });
    expect(allowed('fs.read', 'notes/a.md', 'notes', 'other')).toEqual(['notes/a.md']);
    expect(allowed('fs.write', 'notes/a.md')).toEqual([]);
    expect(allowed('secrets.read', 'token', 'other')).toEqual(['token']);
  });

  it('to a host never reach a host that begins alike, another port or another method', () => {
    const { allowed } = setOf({
      network: { fetch: ['https://api.test', 'GET,HEAD https://files.test/v1/*'] },
    });
    const fine = ['POST https://api.test/any?x=1', 'GET https://files.test/v1/a'];
    const foul = [
      'GET https://api.test.evil/',
      'GET https://api.test:8443/',
      'GET http://api.test/',
      'GET https://api.test@evil.test/',
      'PUT https://files.test/v1/a',
      'GET https://files.test/v1/../v2/a',
    ];
    expect(allowed('network.fetch', ...fine, ...foul)).toEqual(fine);
  });

  it('include its own commands without asking, and those of its needs', () => {
    const { allowed } = setOf({}, { needs: ['test.search@^1.0.0'] });
    const own = ['test.a:own', 'test.search:find'];
    expect(allowed('commands.execute', ...own, 'test.ab:other')).toEqual(own);
    expect(allowed('storage.read', 'test.a:own')).toEqual([]);
  });

  it('end where a revoked scope overlaps, but for the part that was granted again', () => {
    const denied: Denied = new Map([['fs.read', [{ scope: 'a/*', except: ['a/open/*'] }]]]);
    const { allowed } = setOf({ fs: { read: ['*', 'a/open/*'] } }, { denied });
    expect(allowed('fs.read', 'b/x', 'a/x', 'a/open/x')).toEqual(['b/x', 'a/open/x']);
  });

  it('change at once when they are replaced, and never cover a scope that is too long', () => {
    const { set, allowed } = setOf({ fs: { read: ['*'] } });
    const [longest, longer] = ['x'.repeat(MAX_SCOPE), 'x'.repeat(MAX_SCOPE + 1)];
    expect(allowed('fs.read', 'a', longest, longer)).toEqual(['a', longest]);
    set.replace({}, new Map(), { ceiling: undefined, rates: new Map() });
    expect(allowed('fs.read', 'a', longest)).toEqual([]);
  });

  it('are refused with an error that names plugin, permission and scope, and are announced', () => {
    const { set, refusals } = setOf({});
    const details = { permission: 'fs.write', scope: 'a.txt' };
    expect(() => set.demand('fs.write', 'a.txt')).toThrow(
      expect.objectContaining({ code: 'permission/denied', plugin: 'test.a', details }),
    );
    expect(refusals).toEqual(['test.a fs.write a.txt']);
  });

  it('with a rate are used up, also when only policy has the rate', () => {
    const policy = { messaging: { send: ['* 2/h'] } };
    const { set } = setOf({ messaging: { send: ['test.b'] } }, { policy });
    expect(set.isFree('messaging.send', 'test.b')).toBe(false);
    expect([1, 2, 3].map(() => set.take('messaging.send', 'test.b'))).toEqual([true, true, false]);
    expect(() => set.demand('messaging.send', 'test.b')).toThrow(
      expect.objectContaining({ code: 'permission/rate' }),
    );
  });

  it('to storage have the lower of both quotas, and a default', () => {
    const of = (quota: string) => ({ storage: { read: true, quota } });
    expect(setOf({ storage: { read: true } }).set.quota).toBe(DEFAULT_QUOTA);
    expect(setOf(of('2KB'), { policy: of('1MB') }).set.quota).toBe(2_000);
    expect(setOf(of('2MB'), { policy: of('1KiB') }).set.quota).toBe(1_024);
  });
});
