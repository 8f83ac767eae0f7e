/** Inline guests: a trusted plugin in the application's own thread, behind the same link as every other. */
import { endpointPair } from '@plinth/sdk/rpc';
import type { ExitReason, Host } from '../host.js';

/**
 * Runs plugins in this thread: error trapping and cleanup, but no isolation at all. Values are copied as on any wire.
 * An error that a plugin's own timers throw belongs to the application, as any other code's.
 */
export function inlineHost(): Host {
  return {
    isolations: ['inline'],
    async launch(request) {
      // Most applications have none: a page need not load what runs them.
      const { bootGuest, importModule } = await import('@plinth/sdk/guest');
      const [kernelSide, guestSide] = endpointPair({ direct: true });
      const guest = bootGuest(guestSide, { evaluate: importModule, exported: request.exported, generation: request.generation });
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
