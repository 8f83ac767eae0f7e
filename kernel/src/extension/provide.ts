/** `provide`: an extension provides a contract as the host, or as a provider without a guest. */
import type { AnyContract } from '@plinth/sdk';
import {
  createError,
  disposable,
  isVersion,
  membersOf,
  parseContractId,
} from '@plinth/sdk/contract';
import type { HostHandlers } from '../calls/host-call.js';
import type { IsOpen } from '../calls/open-contracts.js';
import { hostProvider } from '../calls/provider.js';
import type { CommandRegistry } from '../commands/command-registry.js';
import type { HostContracts } from '../commands/host-contracts.js';
import { checkKind, checkShape } from './check-arguments.js';
import type { AnyHandler, ProvideOptions } from './powers.js';

/** What providing needs of the kernel. */
export interface ProvideParts {
  readonly commands: CommandRegistry;
  readonly hostContracts: HostContracts;
  /** Which contracts any number of plugins may provide. */
  readonly isOpen: IsOpen;
  /** The kernel's own `provide`. */
  provide<C extends AnyContract>(
    contract: C,
    handlers: HostHandlers<C>,
  ): Disposable & { dispose(): void };
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkProvided(
  where: string,
  contract: unknown,
  handlers: unknown,
  options: ProvideOptions | undefined,
): void {
  checkKind(where, 'the id of its contract', Object(contract).$id, 'string');
  if (typeof handlers !== 'function') checkKind(where, 'its handlers', handlers, 'object');
  if (options === undefined) return;
  checkShape(where, options, { owner: 'object?' });
  const { owner } = options;
  if (owner === undefined) return;
  checkShape(where, owner, { id: 'string', version: 'string?' });
  if (owner.version !== undefined && !isVersion(owner.version))
    checkKind(where, "'version' of its owner", owner.version, ['a version like 1.2.3']);
}

/** Registers the handlers. Disposing the result removes them. */
export function provide<C extends AnyContract>(
  contract: C,
  handlers: HostHandlers<C> | AnyHandler,
  { owner }: ProvideOptions = {},
  parts: ProvideParts,
): Disposable & { dispose(): void } {
  const { commands, hostContracts, isOpen } = parts;
  const members = membersOf(contract).filter(([, { kind }]) => kind !== 'event');
  const handlerOf = (name: string) =>
    typeof handlers === 'function'
      ? (input: unknown, call: object) => (handlers as AnyHandler)(name, input, call as never)
      : (handlers as Readonly<Record<string, (input: unknown, call: object) => unknown>>)[name];
  if (owner === undefined)
    return parts.provide(
      contract,
      Object.fromEntries(
        members.map(([name]) => [name, handlerOf(name)]),
      ) as unknown as HostHandlers<C>,
    );
  const base = parseContractId(contract.$id)?.base ?? contract.$id;
  if (!isOpen(base) && owner.version === undefined)
    throw createError(
      'contract/invalid',
      `${owner.id} provides '${contract.$id}', which belongs to the plugin ${base}: say which version it is`,
      { details: { contract: contract.$id } },
    );
  const registered: { dispose(): void }[] = [];
  try {
    for (const [name, member] of members) {
      const handler = handlerOf(name);
      if (member.kind !== 'command' || handler === undefined) continue;
      registered.push(
        commands.register(member.id, {
          owner: isOpen(base) ? owner.id : base,
          version: owner.version,
          provides: [contract.$id],
          provider: hostProvider((input, call) => handler(input, call)),
          timeout: (member as { readonly timeout?: number }).timeout,
        }),
      );
    }
  } catch (error) {
    for (const one of registered) one.dispose();
    throw error;
  }
  const available = hostContracts.add(base);
  return disposable(() => {
    for (const one of registered) one.dispose();
    available.dispose();
  });
}
