/** Which versions of a plugin a call may go to. */
import { describe, expect, it } from 'vitest';
import { leadsTo, routeKey } from '../../kernel/src/calls/route.ts';

const version = (text: string, ...provides: string[]) => ({
  version: text,
  provides,
});

describe('leadsTo()', () => {
  it('suits every version when the caller means none', () => {
    expect(leadsTo({}, version('1.0.0'))).toBe(true);
    expect(leadsTo({}, version('2.0.0-beta.1'))).toBe(true);
  });

  it('follows a range, and enters a pre-release only when the range names one', () => {
    const to = (range: string, of: string) => leadsTo({ range }, version(of));
    expect(to('^1.2.0', '1.2.0')).toBe(true);
    expect(to('^1.2.0', '1.1.9')).toBe(false);
    expect(to('^1.2.0', '2.0.0')).toBe(false);
    expect(to('*', '2.0.0-beta.1')).toBe(false);
    expect(to('>=2.0.0-beta', '2.0.0-beta.1')).toBe(true);
  });

  it('leads to the commands of the host for every caller', () => {
    expect(leadsTo({ range: '^9.0.0', contract: 'host@9' }, {})).toBe(true);
  });

  it('chooses by the major version of the contract, not of the plugin', () => {
    const both = version('7.1.0', 'test.a@1', 'test.a@2');
    expect(leadsTo({ contract: 'test.a@2' }, both)).toBe(true);
    expect(leadsTo({ contract: 'test.a@^1.0.0' }, both)).toBe(true);
    expect(leadsTo({ contract: 'test.a@3' }, both)).toBe(false);
    expect(leadsTo({ contract: 'test.a@7' }, both)).toBe(false);
  });

  it('needs range and contract where the caller states both', () => {
    const one = version('1.0.0', 'test.a@1');
    expect(leadsTo({ range: '^1.0.0', contract: 'test.a@1' }, one)).toBe(true);
    expect(leadsTo({ range: '^2.0.0', contract: 'test.a@1' }, one)).toBe(false);
    expect(leadsTo({ range: '^1.0.0', contract: 'test.a@2' }, one)).toBe(false);
  });

  it('is not narrowed by a contract of another plugin, by one that is not declared, or by none', () => {
    expect(leadsTo({ contract: 'test.b@2' }, version('1.0.0', 'test.a@1'))).toBe(true);
    expect(leadsTo({ contract: 'test.a@2' }, version('1.0.0'))).toBe(true);
    expect(leadsTo({ contract: 'test.a@2' }, version('1.0.0', 'test.b@1'))).toBe(true);
    expect(leadsTo({ contract: 'no contract' }, version('1.0.0', 'test.a@1'))).toBe(true);
  });
});

describe('routeKey()', () => {
  it('is equal for equal routes only', () => {
    expect(routeKey(undefined)).toBe('');
    expect(routeKey({ range: '^1.0.0' })).toBe(routeKey({ range: '^1.0.0', contract: undefined }));
    const keys = [
      undefined,
      { range: '^1.0.0' },
      { contract: '^1.0.0' },
      { range: '^1.0.0', contract: 'test.a@1' },
      { range: '^1.0.0', contract: 'test.a@2' },
    ].map(routeKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
