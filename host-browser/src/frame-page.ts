/**
 * What runs in the page of a frame: it sets the policy, starts one worker, hands it the port, and says when that fails. Built into
 * `plinth-frame.js`, for `plinth-frame.html` and for frames that have no file.
 */

/** What the frame says once it can be spoken to. */
export const FRAME = 'plinth:frame';
/** What it says when its worker has failed; the reason follows. */
export const FRAME_FAILED = 'plinth:frame-failed';

/** The order to the frame, with the port of the guest. */
export interface FrameOrder {
  readonly policy: string;
  /** URL of the worker. */
  readonly worker: string;
}

/** Waits for the one order. As text it stands alone. */
export function framePage(): void {
  const failed = (reason: unknown) => parent.postMessage(['plinth:frame-failed', String(reason)], '*');
  addEventListener('message', function first({ source, data, ports }) {
    if (source !== parent) return;
    removeEventListener('message', first);
    const meta = document.createElement('meta');
    meta.httpEquiv = 'Content-Security-Policy';
    meta.content = data.policy;
    document.head.append(meta);
    try {
      const worker = new Worker(data.worker, { type: 'module' });
      worker.onerror = ({ message }) => failed(message || 'its worker could not be started');
      worker.postMessage(undefined, [ports[0] as MessagePort]);
    } catch (error) {
      failed(error);
    }
  });
  parent.postMessage('plinth:frame', '*');
}
