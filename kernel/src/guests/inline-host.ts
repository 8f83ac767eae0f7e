/**
 * Inline guests: a trusted plugin in the application's own thread, behind the same link as every
 * other.
 */
import { endpointPair } from '@plinth/sdk/rpc';
import type { ExitReason, Host } from '../host.js';

/**
 * Runs plugins in this thread: errors are trapped and resources cleaned up, but there is no
 * isolation. Values are copied as on any wire. An error that a plugin's own timers throw belongs to
 * the application, like that of any other code.
 *
 * @param runtime the host of this runtime, for what it can do for guests in this thread.
 */
export function inlineHost({ context }: Pick<Host, 'context'> = {}): Host {
  return {
    isolations: ['inline'],
    async launch(request) {
      // Most applications have no inline plugins, so a page need not load the code for them.
      const { bootGuest, importModule } = await import('@plinth/sdk/guest');
      const [kernelSide, guestSide] = endpointPair({ direct: true });
      const guest = bootGuest(guestSide, {
        evaluate: importModule,
        exported: request.exported,
        generation: request.generation,
        ...(context && { context }),
      });
      let exit: ((reason: ExitReason) => void) | undefined;
      const exited = new Promise<ExitReason>((resolve) => {
        exit = resolve;
      });
      return {
        endpoint: await announced(kernelSide),
        exited,
        async terminate() {
          guest.close();
          exit?.({ kind: 'terminated' });
        },
      };
    },
  };
}

/** Waits for the guest's first message, so that the kernel's link sees only frames. */
function announced(endpoint: ReturnType<typeof endpointPair>[0]): Promise<typeof endpoint> {
  return new Promise((resolve) => {
    const listener = () => {
      endpoint.removeEventListener('message', listener);
      resolve(endpoint);
    };
    endpoint.addEventListener('message', listener);
  });
}
