/** Names of options. */
import { checkOptionNames } from '@plinth/sdk/contract';
import { expect, it } from 'vitest';

const check = (given: unknown) =>
  checkOptionNames('nodeHost()', given as object, ['spares', 'debug']);

it('known options, and none, are accepted', () => {
  expect(() => check({ spares: 1 })).not.toThrow();
  expect(() => check(undefined)).not.toThrow();
});

it('an unknown option is refused with the nearest known one', () => {
  expect(() => check({ spare: 1 })).toThrow(
    expect.objectContaining({
      code: 'kernel/invalid-option',
      message: "nodeHost() has no option 'spare' (did you mean 'spares'?)",
      details: { option: 'spare' },
    }),
  );
});

it.each([null, 5, 'fast'])('%j in place of options is refused', (given) => {
  expect(() => check(given)).toThrow(`takes an object of options, not ${given}`);
});
