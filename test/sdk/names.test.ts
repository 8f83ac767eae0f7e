/** The grammar of names. */
import {
  addressOf,
  byExactness,
  covers,
  coversPattern,
  isMemberName,
  isPattern,
  isTopic,
  MAX_ID,
  ownerOf,
  parseContractId,
  pluginIdProblem,
} from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';

describe('pluginIdProblem()', () => {
  it.each(['com.example.notes', 'notes', 'a.b-c.d2'])('has none for %s', (id) => {
    expect(pluginIdProblem(id)).toBeUndefined();
  });

  it.each(['Notes', 'com..notes', '2d', 'com.example.', 'a_b', ''])('refuses %j', (id) => {
    expect(pluginIdProblem(id)).toContain('lower-case');
  });

  it.each(['host.a', 'plinth.notes', 'kernel', 'plugin-x'])('refuses %s, a reserved name', (id) => {
    expect(pluginIdProblem(id)).toContain('belong to the kernel');
  });

  it('refuses an id that is too long', () => {
    expect(pluginIdProblem('a'.repeat(MAX_ID + 1))).toContain(String(MAX_ID));
  });
});

it.each([
  ['com.example.notes@1', { base: 'com.example.notes', major: 1 }],
  ['notes@0', { base: 'notes', major: 0 }],
  ['notes@01', undefined],
  ['notes@1.0', undefined],
  ['notes', undefined],
])('parseContractId(%j)', (id, expected) => {
  expect(parseContractId(id)).toEqual(expected);
});

it('a wire id has an owner, and may name its provider', () => {
  expect(ownerOf('com.example.notes:add')).toBe('com.example.notes');
  expect(addressOf('plinth.data-provider:query@com.a')).toEqual({
    id: 'plinth.data-provider:query',
    provider: 'com.a',
  });
  expect(addressOf('com.a:go')).toEqual({ id: 'com.a:go', provider: undefined });
});

it('members, topics and patterns have each their own form', () => {
  expect(['add', 'addAll', 'Add', 'add-all'].map(isMemberName)).toEqual([true, true, false, false]);
  expect(['a:b', 'a:b:c:d:e', 'a', 'a:b:c:d:e:f'].map(isTopic)).toEqual([true, true, false, false]);
  expect(['*', 'user:*', 'user:x', '*:x', 'u*r'].map(isPattern)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

describe('patterns', () => {
  it('cover an id exactly, or by a prefix', () => {
    expect(covers('user:*', 'user:x')).toBe(true);
    expect(covers('user', 'user:x')).toBe(false);
  });

  it('cover another pattern only where they are wider', () => {
    expect(coversPattern('user:*', 'user:a*')).toBe(true);
    expect(coversPattern('user:a*', 'user:*')).toBe(false);
    expect(coversPattern('user:a', 'user:a*')).toBe(false);
  });

  it('are sorted from the widest to the id itself', () => {
    expect(['user:a', '*', 'user:a*', 'user:*'].sort(byExactness)).toEqual([
      '*',
      'user:*',
      'user:a*',
      'user:a',
    ]);
  });
});
