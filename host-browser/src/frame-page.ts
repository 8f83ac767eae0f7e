/**
 * Runs in the page of a frame: sets the policy, starts one worker, passes it the port, and reports
 * a failure. Built into `plinth-frame.js`, for `plinth-frame.html` and for frames without a file.
 */

/** What the frame posts when it can receive messages. */
export const FRAME = 'plinth:frame';
/** What it posts when its worker has failed; the reason follows. */
export const FRAME_FAILED = 'plinth:frame-failed';

/** The only message to the frame, with the guest's port. */
export interface FrameOrder {
  readonly policy: string;
  /** URL of the worker. */
  readonly worker: string;
}

/** Waits for the one order. Its text must work without imports. */
export function framePage(): void {
  const failed = (reason: unknown) =>
    parent.postMessage(['plinth:frame-failed', String(reason)], '*');
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
