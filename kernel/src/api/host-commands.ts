/** Commands as the embedding application sees them. */
import type { AnyContract, Client, Command, CommandInfo, Hook } from '@plinth/sdk';
import {
  createError,
  describeIssues,
  disposable,
  isPromiseLike,
  isRange,
  type Manifest,
  membersOf,
  ownerOf,
  type Parsed,
  parseContractId,
  parseSchema,
  policyOf,
  policyProblem,
} from '@plinth/sdk/contract';
import { checkCallOptions, type HostCallOptions } from '../calls/call-options.js';
import { type ClientOptions, createClient, type Execute } from '../calls/client.js';
import { contractId } from '../calls/contract-id.js';
import { HostCallView, type HostHandler, type HostHandlers } from '../calls/host-call.js';
import type { KernelCall } from '../calls/kernel-call.js';
import { HOST } from '../calls/kernel-call.js';
import { hostProvider } from '../calls/provider.js';
import type { DeclaredPolicy } from '../commands/command-guards.js';
import type { CommandRegistry } from '../commands/command-registry.js';
import type { HostContracts } from '../commands/host-contracts.js';
import { listCommands } from '../commands/list-commands.js';
import type { HookRegistry } from '../middleware/hooks.js';
import type { HostRegistration } from '../registration.js';
import type { Metrics } from '../telemetry/metrics.js';

/** `kernel.commands`. */
export interface HostCommands {
  /** Answers a command as the host. A bare name registers `host:<name>`. */
  handle(name: string, handler: HostHandler): HostRegistration;
  /**
   * Calls a command by its wire id.
   *
   * @throws PluginUnavailableError `call/unknown-command` when no provider answers it,
   * PluginTimeoutError `call/timeout`, PluginCancelledError `call/cancelled`, PluginCrashedError
   * when the guest ends meanwhile, PluginUnavailableError `kernel/stopped`, or what the handler
   * threw.
   */
  execute(id: string, input?: unknown, options?: HostCallOptions): Promise<unknown>;
  /** Every command, registered or declared in a manifest. */
  list(): readonly CommandInfo[];
  /** Whether a command is listed: registered, or declared in a manifest. */
  has(id: string): boolean;
}

/**
 * Makes the host's views on commands.
 *
 * @param check throws when the kernel has stopped.
 */
export function createHostCommands(
  registry: CommandRegistry,
  hooks: HookRegistry,
  contracts: HostContracts,
  metrics: Metrics,
  check: () => void,
): {
  readonly commands: HostCommands;
  client<C extends AnyContract>(contract: C, options?: ClientOptions): Client<C, HostCallOptions>;
  provide<C extends AnyContract>(contract: C, handlers: HostHandlers<C>): HostRegistration;
} {
  const execute = executing(registry, check);
  const commands: HostCommands = {
    handle(name, handler) {
      if (typeof name !== 'string' || typeof handler !== 'function')
        throw createError('contract/invalid', 'handle() takes a name and a function');
      const id = name.includes(':') ? name : `host:${name}`;
      const command = registry.register(id, {
        owner: 'host',
        provider: hostProvider((input, call) => handler(input, new HostCallView(call, NO_ERRORS))),
      });
      return together([command, contracts.add(ownerOf(id))]);
    },
    execute: (id, input, options) => execute(id, input, options),
    list: () => listCommands(registry),
    has: (id) => registry.has(id) || declares(registry.manifests(), id),
  };
  return {
    commands,
    client: (contract, options) => createClient(contract, execute, metrics, options),
    provide(contract, handlers) {
      contractId(Object(contract));
      const all = Object(handlers) as Readonly<Record<string, HostHandler>>;
      const members = membersOf(contract).flatMap(([name, member]) =>
        member.kind === 'event' ? [] : [[name, member] as const],
      );
      checkProvision(contract.$id, members, all);
      const registered: HostRegistration[] = [];
      try {
        for (const [name, member] of members) {
          const handler = (all[name] as HostHandler).bind(all);
          registered.push(registerMember({ registry, hooks, metrics }, member, handler));
        }
      } catch (error) {
        for (const one of registered) one.dispose();
        throw error;
      }
      return together([
        ...registered,
        contracts.add(parseContractId(contract.$id)?.base ?? contract.$id),
      ]);
    },
  };
}

/** How the host calls commands. @param check throws when the kernel has stopped. */
function executing(registry: CommandRegistry, check: () => void): Execute {
  return (id, input, options, parse, route) => {
    try {
      check();
      checkCallOptions(options);
      if (typeof id !== 'string')
        throw createError(
          'contract/invalid',
          `a command id is a text, not ${id === null ? 'null' : typeof id}`,
        );
    } catch (error) {
      return Promise.reject(error);
    }
    const range = options?.version;
    if (range === undefined) return registry.execute(id, input, HOST, options, parse, route);
    if (typeof range === 'string' && isRange(range))
      return registry.execute(id, input, HOST, options, parse, { ...route, range });
    return Promise.reject(
      createError(
        'call/invalid-option',
        `'${String(range)}' is not a version range: write one like '^1.2.0'`,
        { details: { version: String(range) } },
      ),
    );
  };
}

/** A member of a contract that a provider answers. */
type CallableMember = (Command | Hook) & { readonly id: string };

interface MemberParts {
  readonly registry: CommandRegistry;
  readonly hooks: HookRegistry;
  readonly metrics: Metrics;
}

/** Registers the host's handler of a command or hook. */
function registerMember(
  { registry, hooks, metrics }: MemberParts,
  member: CallableMember,
  handler: HostHandler,
): HostRegistration {
  const provider = hostProvider(parsing(member, handler, metrics));
  if (member.kind === 'hook')
    return hooks.handle(member.id, 'host', provider, { timeout: member.timeout });
  return registry.register(member.id, {
    owner: 'host',
    provider,
    timeout: member.timeout,
    declared: declaredBy(member),
  });
}

/** @throws PluginDefinitionError `contract/invalid` for members without handler, or a senseless policy. */
function checkProvision(
  contract: string,
  members: readonly (readonly [string, CallableMember])[],
  handlers: Readonly<Record<string, HostHandler>>,
): void {
  const missing = members
    .filter(([name]) => typeof handlers[name] !== 'function')
    .map(([name]) => name);
  if (missing.length > 0)
    throw createError(
      'contract/invalid',
      `the host provides '${contract}' without a handler for ${missing.join(', ')}`,
      { details: { missing } },
    );
  for (const [name, member] of members) {
    const problem = policyProblem({ ...policyOf(member as Command) });
    if (problem !== undefined)
      throw createError(
        'contract/invalid',
        `the contract '${contract}' says of '${name}' for '${problem}' what makes no sense`,
        { details: { member: name, policy: problem } },
      );
  }
}

/**
 * Several registrations as one. They are disposed in order. The contract, whose end is announced,
 * comes last.
 */
function together(all: readonly HostRegistration[]): HostRegistration {
  return disposable(() => {
    for (const one of all) one.dispose();
  });
}

/** What a contract says about one of its commands. */
function declaredBy(command: Command): DeclaredPolicy {
  const policy = policyOf(command);
  return { idempotent: command.idempotent, ...(policy && { policies: [policy] }) };
}

const NO_ERRORS = Object.freeze({});

/** What a handler answers: a command, a hook, or a bare id. */
type Handled = Partial<Pick<Command, 'input' | 'errors'>> & { readonly id: string };

/** The receiver parses the value, also when it is the host. */
export function parsing(
  member: Handled,
  handler: HostHandler,
  metrics: Metrics,
): (input: unknown, call: KernelCall) => unknown {
  const { input: schema, errors } = member;
  const run = (input: unknown, call: KernelCall) =>
    handler(input, new HostCallView(call, errors ?? NO_ERRORS));
  if (schema === undefined) return run;
  return (input, call) => {
    metrics.validations += 1;
    const parsed = parseSchema(schema, input);
    const go = (result: Parsed<unknown>) => {
      if (result.ok) return run(result.value, call);
      throw createError(
        'call/invalid-input',
        `the input of ${member.id} is not valid, the caller is at fault: ${describeIssues(result.issues)}`,
        {
          details: { command: member.id, side: 'caller', issues: result.issues },
        },
      );
    };
    return isPromiseLike(parsed) ? parsed.then(go) : go(parsed as Parsed<unknown>);
  };
}

/** Whether a manifest declares a command. */
function declares(manifests: readonly Manifest[], id: string): boolean {
  return manifests.some(({ id: plugin, contributes }) =>
    contributes.commands?.some((command) => `${plugin}:${command.id}` === id),
  );
}
