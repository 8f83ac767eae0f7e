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

it.each([[], Promise.resolve({}), new Map(), [Object.create(null)]])(
  '%o has no names that count, and is refused',
  (given) => {
    expect(() => check(given)).toThrow(
      expect.objectContaining({
        code: 'kernel/invalid-option',
        details: { option: 'nodeHost()' },
      }),
    );
  },
);

it('the option that holds others is named with them', () => {
  const at = (given: unknown, holder: string) =>
    checkOptionNames("http(): 'limits'", given as object, ['body'], holder);
  const refused = (option: string) => expect.objectContaining({ details: { option } });
  expect(() => at({ bdy: 1 }, 'limits')).toThrow(refused('limits.bdy'));
  expect(() => at(null, 'limits')).toThrow(refused('limits'));
  expect(() => at({ bdy: 1 }, 'options')).toThrow(refused('bdy'));
  expect(() => at(null, 'options')).toThrow(refused('options'));
});
