/** A policy that would protect nothing stops the kernel, with the place of the mistake. */
import { describe, expect, it } from 'vitest';
import { checkPolicy } from '../../kernel/src/check-policy.ts';

/** The option that is refused, and the message. */
const problemOf = (policy: unknown): string | undefined => {
  try {
    checkPolicy(policy);
  } catch (error) {
    const { code, message, details } = error as Error & {
      readonly code: string;
      readonly details: { readonly option: string };
    };
    expect(code).toBe('kernel/invalid-option');
    expect(message).toContain(`'${details.option}' `);
    return message;
  }
  return undefined;
};

describe('checkPolicy()', () => {
  it('accepts no policy, an empty one, and one with every option', () => {
    expect(problemOf(undefined)).toBeUndefined();
    expect(problemOf({})).toBeUndefined();
    expect(
      problemOf({
        allow: ['com.acme.*', '*'],
        deny: ['com.acme.old'],
        shared: [],
        revoked: ['com.acme.*', 'com.acme.notes@<1.2.0'],
        permissions: { storage: { read: true, quota: '5MB' }, fs: { read: ['a/*'] }, wasm: false },
        chain: 'strict',
        resources: {},
        updates: { state: 'optional' },
        commands: { requiresAuth: true, rateLimit: 1 },
        trust: [{ level: 'partner', publishers: ['acme'] }, { level: 'untrusted' }],
        signatures: { keys: {}, required: 'all', rollback: 'refuse' },
      }),
    ).toBeUndefined();
  });

  it('refuses what is no object', () => {
    for (const policy of [null, [], 'deny', 1])
      expect(problemOf(policy)).toMatch(/^'policy' must be an object/);
  });

  it('refuses a misspelt option at any depth, and says what is meant', () => {
    expect(problemOf({ permisions: {} })).toContain("did you mean 'permissions'?");
    expect(problemOf({ permissions: { netwrok: {} } })).toContain("did you mean 'network'?");
    expect(problemOf({ commands: { rateLimt: 1 } })).toContain("did you mean 'rateLimit'?");
    expect(problemOf({ permissions: { fs: { reads: [] } } })).toBe(
      "'policy.permissions.fs.reads' is not a permission",
    );
  });

  it('refuses a list of plugins with an entry that matches none', () => {
    expect(problemOf({ allow: 'com.acme.notes' })).toContain("'policy.allow' must be a list");
    for (const entry of ['', 'com.*.notes', 'com acme', 7])
      expect(problemOf({ deny: ['ok.a', entry] }), String(entry)).toMatch(/^'policy\.deny\[1]'/);
  });

  it('refuses an allowed entry all of which is denied, and not one that is denied in part', () => {
    expect(problemOf({ allow: ['a.b', 'a.c.*'], deny: ['a.c*'] })).toMatch(/^'policy\.allow\[1]'/);
    expect(problemOf({ allow: ['a.*'], deny: ['a.b'] })).toBeUndefined();
  });

  it('refuses a revocation that names no plugin, or no range after its @', () => {
    for (const entry of ['com.acme.notes@newest', '@1.0.0', 'com acme@1.0.0', 5])
      expect(problemOf({ revoked: [entry] }), String(entry)).toMatch(/^'policy\.revoked\[0]'/);
  });

  it('refuses a scope that covers nothing, and a kind of value that its permission has not', () => {
    expect(problemOf({ permissions: { network: { fetch: ['https://*'] } } })).toMatch(
      /^'policy\.permissions\.network\.fetch\[0]' is not a scope/,
    );
    expect(problemOf({ permissions: { storage: { quota: 'much' } } })).toContain('a size like');
    expect(problemOf({ permissions: { system: { read: ['*'] } } })).toContain('must be a boolean');
    expect(problemOf({ permissions: { wasm: 1 } })).toContain('must be a boolean');
    expect(problemOf({ permissions: { fs: { read: true } } })).toContain('must be a list');
  });

  it('leaves permissions that a function decides for each plugin to that function', () => {
    expect(problemOf({ permissions: () => ({}), trust: () => 'trusted' })).toBeUndefined();
  });

  it('refuses a rule of trust that can never apply', () => {
    const all = { level: 'partner' };
    expect(problemOf({ trust: [all, { level: 'trusted', plugins: ['a.b'] }] })).toMatch(
      /^'policy\.trust\[1]' can never apply: policy\.trust\[0]/,
    );
    const one = { level: 'trusted', plugins: ['a.b'] };
    expect(problemOf({ trust: [one, { ...one, level: 'partner' }] })).toContain(
      'asks for the same',
    );
    expect(problemOf({ trust: [{ level: 'trusted', keys: ['k'] }] })).toContain(
      'no keys are trusted',
    );
    expect(problemOf({ trust: [{ level: 'full' }] })).toContain('trusted, partner, untrusted');
  });

  it('refuses a rate of no calls, or of half a call', () => {
    for (const rateLimit of [0, 0.5, Number.NaN, '5'])
      expect(problemOf({ commands: { rateLimit } }), String(rateLimit)).toContain('rateLimit');
  });
});
