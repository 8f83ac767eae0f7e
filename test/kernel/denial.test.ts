/** The reason of a denial, and the line that cures it. */
import type { PermissionName } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { type DenialFacts, denialOf, lineOf } from '../../kernel/src/permissions/denial.ts';

const denied = (facts: Partial<DenialFacts>, permission: PermissionName, scope: string) =>
  denialOf(
    { plugin: 'test.a', asked: {}, ceiling: undefined, denied: new Map(), ...facts },
    permission,
    scope,
  );
const READS = { fs: { read: ['notes/*'] } };

describe('denialOf()', () => {
  it('blames the manifest that does not ask, and shows the line to add to it', () => {
    expect(denied({}, 'fs.read', 'notes/a')).toEqual({
      reason: 'manifest',
      line: '"permissions":{"fs":{"read":["notes/a"]}}',
      because: expect.stringMatching(/manifest doesn't ask for it; add to plugin\.json: "perm/),
    });
  });

  it('blames the manifest first, and says that policy is in the way too', () => {
    const { reason, because } = denied({ ceiling: {} }, 'fs.read', 'notes/a');
    expect(reason).toBe('manifest');
    expect(because).toMatch(/policy doesn't allow it either$/);
  });

  it('blames policy where the manifest asks', () => {
    expect(denied({ asked: READS, ceiling: {} }, 'fs.read', 'notes/a')).toMatchObject({
      reason: 'policy',
      because: expect.stringContaining("'policy' option"),
    });
  });

  it('names the call that gives back what was revoked', () => {
    const taken = new Map([['fs.read' as const, [{ scope: 'notes/*' }]]]);
    expect(denied({ asked: READS, denied: taken }, 'fs.read', 'notes/a')).toMatchObject({
      reason: 'revoked',
      line: `kernel.permissions.grant('test.a', 'fs.read', "notes/a")`,
    });
  });

  it('takes a permission without a scope as asked for by any scope of it', () => {
    expect(denied({ asked: READS, ceiling: {} }, 'fs.read', '').reason).toBe('policy');
    expect(denied({}, 'fs.read', '').reason).toBe('manifest');
  });
});

describe('lineOf()', () => {
  it('writes the origin of a URL, a flag as true, and storage without scopes', () => {
    expect(lineOf('network.fetch', 'https://api.test/v1?key=1')).toContain('["https://api.test"]');
    expect(lineOf('wasm', '')).toBe('"permissions":{"wasm":true}');
    expect(lineOf('storage.read', '')).toBe('"permissions":{"storage":{"read":true}}');
  });

  it('cuts a scope that is too long to be shown', () => {
    expect(lineOf('fs.read', 'x'.repeat(10_000)).length).toBeLessThan(400);
  });
});
