/** Registers handles and listeners with the kernel, and undoes it. */
import type { Registered } from '../../context.js';
import { Op } from '../../contract/operations.js';
import type { Registration, RegistrationKind } from '../../contract/protocol.js';
import { disposable } from '../../contract/scope.js';
import { textIn } from '../arguments.js';
import { tellKernel } from '../kernel-calls.js';
import { createLogger } from '../logger.js';
import type { Handle, Listener } from '../registrations.js';
import type { ContextParts } from './context-parts.js';
import { type About, type Run, type Tell, watchEach, watchMessages } from './long-tasks.js';

/** Registers one handle or listener. */
export type Register = (
  kind: RegistrationKind,
  name: string,
  target: Handle | Listener,
  options?: Pick<
    Registration,
    'timeout' | 'idempotent' | 'reentrant' | 'contract' | 'overflow' | 'queue' | 'place' | 'policy'
  >,
) => Registered;

/**
 * Registers with the kernel under a number that the guest chooses, so the call returns before the
 * kernel has answered.
 */
export function createRegistrar({ link, scope, registrations }: ContextParts): Register {
  let lastHandle = 0;
  const tell: Tell = (took, [kind, name]) => tellKernel(link, Op.longTask, [took, kind, name]);
  let watch = watchEach(tell);
  // A guest in the host's thread gets calls without messages.
  if (!link.direct) ({ watch, walked: registrations.walked } = watchMessages(tell));
  return (kind, name, target, options = {}) => {
    textIn(
      name,
      kind === 'event' ? 'a topic' : `the id of a ${kind}`,
      kind === 'event' ? 'event/invalid' : 'contract/invalid',
      512,
    );
    const handle = ++lastHandle;
    const table = (kind === 'event' ? registrations.listeners : registrations.handles) as Map<
      number,
      Handle | Listener
    >;
    const forget = scope.add(() => registered.dispose());
    const about: About = [kind, name];
    table.set(handle, Object.assign(watch(target as Run, about) as Handle, { about }));
    const confirmed = link.call('register', { handle, kind, name, ...options });
    registrations.unconfirmed.add(confirmed);
    const registered = disposable(() => {
      forget();
      table.delete(handle);
      // The kernel forgets a refused registration, and everything of an ended guest.
      link.call('unregister', handle).catch(() => {});
    });
    confirmed.catch((error: Error) => {
      createLogger(link).error(`the kernel refused a registration: ${error.message}`, {
        kind,
        name,
      });
      forget();
      table.delete(handle);
    });
    return registered;
  };
}
