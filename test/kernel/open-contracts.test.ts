/** Contracts that any number of plugins may provide. */
import { contract } from '@plinth/sdk';
import { expect, it } from 'vitest';
import { openContracts } from '../../kernel/src/calls/open-contracts.ts';

it('the standard contracts are open, and no others', () => {
  const isOpen = openContracts();
  expect([isOpen('plinth.data-provider'), isOpen('test.search')]).toEqual([true, false]);
});

it('a contract of the application is open with all of its members', () => {
  const isOpen = openContracts([contract('test.search@1', {})]);
  expect(isOpen('test.search')).toBe(true);
  expect(isOpen('test.search:find')).toBe(true);
  expect(isOpen('test.searching:find')).toBe(false);
});

it.each([[null], [{}], ['test.search@1']])('%j is refused with its place in the list', (value) => {
  expect(() => openContracts([contract('test.a@1', {}), value as never])).toThrow(
    expect.objectContaining({
      code: 'kernel/invalid-option',
      message: expect.stringContaining("'contracts[1]'"),
    }),
  );
});
