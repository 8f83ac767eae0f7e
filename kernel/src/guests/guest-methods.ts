/** Calls the methods by which a guest's life is steered, and waits for their answers. */
import type { GuestIdentity } from './guest-identity.js';
import { answerOf } from './waiting.js';

/** Methods of the guest that the kernel calls over the control plane. */
export type GuestMethod =
  | 'load'
  | 'configure'
  | 'needs'
  | 'restoreState'
  | 'activate'
  | 'suspend'
  | 'resume'
  | 'healthCheck'
  | 'getState'
  | 'deactivate';

/**
 * Calls a method without waiting. What is begun in one turn is one message, and the guest does it
 * in that order.
 *
 * @returns a function that waits for the answer. Its time runs from when it is called.
 */
export function begin(
  { manifest, link, services, view }: GuestIdentity,
  method: GuestMethod,
  args: readonly unknown[],
): (timeout: number) => Promise<unknown> {
  const { calls, bounds } = services;
  const answer = link.call(method, ...args);
  // When an earlier one fails, this one isn't waited for.
  answer.catch(() => {});
  return (timeout) =>
    answerOf(answer, {
      plugin: manifest.id,
      method,
      timeout,
      deadlines: calls.deadlines,
      // A guest at a breakpoint may take any time. It can still be stopped.
      mayWait: () => method !== 'deactivate' && bounds.debugged(),
      show: (error) => view.show(error),
    });
}
