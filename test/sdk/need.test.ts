/** A need: a contract, and the versions of it that will do. */
import { parseNeed } from '@plinth/sdk/contract';
import { expect, it } from 'vitest';

it.each([
  ['com.example.search@^1', { base: 'com.example.search', range: '^1' }],
  ['plinth.data-provider@1 || 2', { base: 'plinth.data-provider', range: '1 || 2' }],
  ['com.example.search', undefined],
  ['com.example.search@', undefined],
  ['com.example.search@latest', undefined],
  ['@1', undefined],
  ['kernel.search@1', undefined],
])('parseNeed(%j)', (text, expected) => {
  expect(parseNeed(text)).toEqual(expected);
});
