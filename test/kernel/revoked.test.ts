/** The list of plugins that may not run any more. */
import { expect, it } from 'vitest';
import { isRevoked } from '../../kernel/src/lifecycle/revoked.ts';

it.each([
  ['com.acme.notes', true],
  ['com.acme.*', true],
  ['com.acme.notes@<1.2.0', true],
  ['com.acme.*@1.x', true],
  ['com.acme.note', false],
  ['com.other.*', false],
  ['com.acme.notes@>=1.2.0', false],
  ['com.acme.notes@latest', false],
])('the entry %s covers com.acme.notes 1.1.0: %s', (entry, covered) => {
  expect(isRevoked(entry, { id: 'com.acme.notes', version: '1.1.0' })).toBe(covered);
});
