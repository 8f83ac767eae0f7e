/**
 * The type of a check, and helpers to write one. Anything that goes wrong in a check is a violation
 * of its contract.
 */
import { type AnyContract, type Command, membersOf } from '../contract/contract.js';
import type { Client } from '../contract/contract-types.js';
import { createError } from '../contract/error-codes.js';
import { type ErrorDetails, messageOf, type PluginError } from '../contract/errors.js';
import { describeIssues, parseSchema } from '../contract/schema.js';

/** One thing that every implementation of a contract must do. */
export interface Check {
  /** The same for every implementation. */
  readonly name: string;
  /**
   * Resolves when the implementation passes. May run again.
   *
   * @throws PluginProtocolError `contract/violated`; `details` has `contract`, `check` and what was
   * found.
   */
  run(): Promise<void>;
}

/** What checks do, by their names. */
export type Checks = Readonly<Record<string, () => Promise<void>>>;

/**
 * A name that no real thing has, and names that every object has: a careless lookup finds those.
 */
export const NO_SUCH = ['plinth-no-such-name', 'constructor', '__proto__', 'toString'] as const;

/** Makes checks from functions that throw when something is wrong. */
export function checksOf(contract: AnyContract, todo: Checks): readonly Check[] {
  return Object.entries(todo).map(([name, run]) => ({
    name,
    async run() {
      try {
        await run();
      } catch (error) {
        throw violationOf(contract.$id, name, error);
      }
    },
  }));
}

function violationOf(contract: string, check: string, error: unknown): PluginError {
  const found =
    error instanceof Finding
      ? { details: error.details, cause: error.cause }
      : { details: {}, cause: error };
  return createError(
    'contract/violated',
    `${contract} is violated, '${check}' doesn't hold: ${messageOf(error)}`,
    {
      details: { contract, check, ...found.details },
      ...(found.cause !== undefined && { cause: found.cause }),
    },
  );
}

class Finding extends Error {
  readonly details: ErrorDetails;
  constructor(message: string, details: ErrorDetails, cause?: unknown) {
    super(message, { cause });
    this.details = details;
  }
}

/** Fails a check unless the condition holds. */
export function ensure(holds: boolean, message: string, details: ErrorDetails = {}): asserts holds {
  if (!holds) throw new Finding(message, details);
}

/** Fails a check unless two calls give the same answer. */
export async function ensureSteady(call: () => Promise<unknown>, what: string): Promise<void> {
  const first = keyOf(await call());
  const second = keyOf(await call());
  ensure(first === second, `two answers of ${what} differ`, {
    first: first.slice(0, 500),
    second: second.slice(0, 500),
  });
}

/** Fails a check unless every name is unique. */
export function ensureUnique(names: readonly string[], what: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  ensure(twice === undefined, `${what} '${twice}' is listed twice`);
}

/** Fails a check unless a call fails with this declared error and data. */
export async function ensureDeclared(
  call: Promise<unknown>,
  code: string,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const outcome = await call.then(
    (answer) => ({ answer }),
    (error: unknown) => ({
      error: error as { name?: unknown; code?: unknown; data?: unknown } | undefined,
    }),
  );
  const asked = JSON.stringify(data);
  if (!('error' in outcome))
    throw new Finding(`it answered instead of failing with '${code}' for ${asked}`, {
      answer: printable(outcome.answer),
    });
  const { error } = outcome;
  // By name, not by class: the plugin that runs a check may have another copy of the classes than
  // its guest.
  const declared = error?.name === 'PluginDeclaredError' && error.code === code;
  if (!declared)
    throw new Finding(
      `it failed with something else than the declared error '${code}' for ${asked}: ${messageOf(error)}`,
      {},
      error,
    );
  ensure(keyOf(error.data) === keyOf(data), `its error '${code}' should say ${asked}`, {
    data: printable(error.data),
  });
}

/** A client that rejects answers that don't match the contract. */
export function strictClient<C extends AnyContract>(contract: C, client: Client<C>): Client<C> {
  type Method = (input?: unknown, options?: unknown) => Promise<unknown>;
  const methods = client as unknown as Readonly<Record<string, Method>>;
  const strict: Record<string, Method> = {};
  for (const [name, member] of membersOf(contract)) {
    const method = methods[name];
    if (member.kind !== 'command' || method === undefined) continue;
    strict[name] = async (input, options) => parsed(name, member, await method(input, options));
  }
  return strict as unknown as Client<C>;
}

async function parsed(name: string, { output }: Command, answer: unknown): Promise<unknown> {
  if (output === undefined) return answer;
  const result = await parseSchema(output, answer);
  if (!result.ok)
    throw new Finding(
      `${name}() answered what the contract doesn't allow: ${describeIssues(result.issues)}`,
      { issues: result.issues },
    );
  return result.value;
}

/** A text that is equal for equal values, whatever the order of their keys. */
export function keyOf(value: unknown): string {
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object')
    return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'undefined');
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${entries
    .map(([key, one]) => `${JSON.stringify(key)}:${keyOf(one)}`)
    .sort()
    .join()}}`;
}

function printable(value: unknown): string {
  return keyOf(value).slice(0, 500);
}
