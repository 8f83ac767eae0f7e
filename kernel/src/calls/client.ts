/** A typed client for the host: one method for each command, with parsed output. */
import type { AnyContract, Client, Command } from '@plinth/sdk';
import {
  checkOptionNames,
  createError,
  describeIssues,
  isPromiseLike,
  isRange,
  membersOf,
  ownerOf,
  type Parsed,
  parseSchema,
} from '@plinth/sdk/contract';
import type { Metrics } from '../telemetry/metrics.js';
import type { HostCallOptions } from './call-options.js';
import { contractId } from './contract-id.js';
import type { Route } from './route.js';

/**
 * Parses a command's output, perhaps with a promise. Throws the error for the caller, which names
 * the provider.
 */
export type Parse = (value: unknown, provider?: string) => unknown;

/** Executes a command for the host. */
export type Execute = (
  id: string,
  input: unknown,
  options: HostCallOptions | undefined,
  parse?: Parse,
  route?: Route,
) => Promise<unknown>;

/** Which provider a client calls. */
export interface ClientOptions {
  /**
   * Range of plugin versions, like `^1.2.0`. The highest stable one that provides the contract when
   * absent.
   */
  readonly version?: string;
  /** Plugin id: which provider of an open contract. */
  readonly provider?: string;
}

/**
 * Creates the client of a contract. The caller parses the output, so the result matches its type.
 */
export function createClient<C extends AnyContract>(
  contract: C,
  execute: Execute,
  metrics: Metrics,
  options: ClientOptions = {},
): Client<C, HostCallOptions> {
  checkOptionNames('client()', options, ['version', 'provider']);
  const { version, provider } = options;
  if (version !== undefined && !isRange(version))
    throw createError(
      'call/invalid-option',
      `'${version}' is not a version range: write one like '^1.2.0'`,
      { details: { version } },
    );
  if (provider !== undefined && (typeof provider !== 'string' || provider === ''))
    throw createError('call/invalid-option', "'provider' is the id of a plugin, or 'host'", {
      details: { option: 'provider' },
    });
  const route: Route = Object.freeze({ contract: contractId(contract), range: version });
  const client = Object.create(null) as Record<
    string,
    (input?: unknown, options?: HostCallOptions) => Promise<unknown>
  >;
  for (const [name, member] of membersOf(contract)) {
    if (member.kind !== 'command') continue;
    const { id: bare, output, timeout } = member as Command & { readonly id: string };
    const id = provider === undefined ? bare : `${bare}@${provider}`;
    const withTimeout = (options: HostCallOptions | undefined) => {
      if (timeout === undefined) return options;
      if (options === undefined) return { timeout };
      // A copy would lose the parts of a call that is given as the options.
      return Object.create(Object(options), {
        timeout: { value: Math.min(options?.timeout ?? timeout, timeout), enumerable: true },
      }) as HostCallOptions;
    };
    const parse =
      output === undefined
        ? undefined
        : (value: unknown, by = ownerOf(id)) => {
            metrics.validations += 1;
            const parsed = parseSchema(output, value);
            return isPromiseLike(parsed)
              ? parsed.then((result) => accept(id, by, result))
              : accept(id, by, parsed as Parsed<unknown>);
          };
    client[name] = (input, options) => execute(id, input, withTimeout(options), parse, route);
  }
  return Object.freeze(client) as Client<C, HostCallOptions>;
}

function accept(id: string, plugin: string, parsed: Parsed<unknown>): unknown {
  if (parsed.ok) return parsed.value;
  throw createError(
    'call/invalid-output',
    `the output of ${id} is not valid, the provider is at fault: ${describeIssues(parsed.issues)}`,
    {
      plugin,
      details: { command: id, side: 'provider', issues: parsed.issues },
    },
  );
}
