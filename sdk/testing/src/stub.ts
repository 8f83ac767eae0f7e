/** `stub`: a contract that the test answers itself, in place of the plugin that would. */
import type { HostHandlers } from '@plinth/kernel';
import type { AnyContract } from '@plinth/sdk';
import { createError, membersOf } from '@plinth/sdk/contract';

/** A contract with handlers of the test. */
export interface Stub {
  readonly contract: AnyContract;
  readonly handlers: Readonly<Record<string, unknown>>;
}

/**
 * A contract that the host of a test kernel provides. Commands and hooks without a handler are
 * refused with an error that names them.
 *
 * @example
 * createTestKernel({ plugins: [notes], contracts: [stub(Search, { find: () => [] })] });
 */
export function stub<C extends AnyContract>(
  contract: C,
  handlers: Partial<HostHandlers<NoInfer<C>>>,
): Stub {
  const given = handlers as Readonly<Record<string, unknown>>;
  const members = membersOf(contract).filter(([, { kind }]) => kind !== 'event');
  const names = new Set(members.map(([name]) => name));
  const unknown = Object.keys(given).find((name) => !names.has(name));
  if (unknown !== undefined)
    throw createError(
      'contract/invalid',
      `the stub of '${contract.$id}' has a handler for '${unknown}', which is no command or hook of it: it has ${[...names].join(', ') || 'none'}`,
    );
  const whole = members.map(([name]) => [name, given[name] ?? refusal(contract.$id, name)]);
  return Object.freeze({ contract, handlers: Object.fromEntries(whole) });
}

const refusal = (contract: string, name: string) => () => {
  throw createError(
    'contract/invalid',
    `the stub of '${contract}' has no handler for '${name}': the test has to give one`,
  );
};
