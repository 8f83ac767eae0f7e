/** `ctx.provide`: registers a handler for each member of a contract. */
import type { LooseHandler, PluginContext } from '../../context.js';
import { type AnyContract, type Command, membersOf } from '../../contract/contract.js';
import { createSharedError } from '../../contract/errors.js';
import { policyOf } from '../../contract/policy.js';
import { disposable } from '../../contract/scope.js';
import { contractIn } from '../arguments.js';
import type { ContextParts } from './context-parts.js';
import { type Handled, schemaHandle } from './handles.js';
import { limitOf } from './hooks.js';
import type { Register } from './registrar.js';

/** Creates `provide` for one activation. */
export function createProvide(parts: ContextParts, register: Register): PluginContext['provide'] {
  return (contract: AnyContract, handlers: Readonly<Record<string, unknown>>) => {
    const members = membersOf(contractIn(contract)).filter(([, member]) => member.kind !== 'event');
    const missing = members
      .filter(([name]) => typeof handlers?.[name] !== 'function')
      .map(([name]) => name);
    if (missing.length > 0) {
      throw createSharedError(
        'contract/invalid',
        `${parts.manifest.id} provides '${contract.$id}' without a handler for ${missing.join(', ')}`,
        {
          plugin: parts.manifest.id,
          details: { missing },
        },
      );
    }
    const registered = members.map(([name, member]) => {
      const handler = (handlers[name] as LooseHandler).bind(handlers);
      const handle = schemaHandle(parts, member as Handled, handler);
      if (member.kind === 'hook')
        return register('hook', member.id, handle, { contract: contract.$id, ...limitOf(member) });
      const { timeout, idempotent, reentrant } = member as Command;
      const policy = policyOf(member as Command);
      return register('command', member.id, handle, {
        contract: contract.$id,
        idempotent,
        ...(timeout !== undefined && { timeout }),
        ...(reentrant === true && { reentrant }),
        ...(policy && { policy }),
      });
    });
    return disposable(() => {
      for (const one of registered.reverse()) one.dispose();
    });
  };
}
