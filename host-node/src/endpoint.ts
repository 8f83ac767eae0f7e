/** Adapts worker_threads ports and workers for links. Both sides of a worker guest import this. */
import type { Endpoint, MessageEventLike } from '@plinth/sdk/rpc';

/** The part of a Worker or a MessagePort that carries messages. */
export interface NodePort {
  postMessage(message: unknown, transfer?: never): void;
  on(event: 'message', listener: (data: unknown) => void): unknown;
  off(event: 'message', listener: (data: unknown) => void): unknown;
}

/**
 * Adapts a port. Uses Node's own listeners, because an event object per message would be costly.
 */
export function endpointOf(port: NodePort): Endpoint {
  const listeners = new Map<(event: MessageEventLike) => void, (data: unknown) => void>();
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer as never),
    addEventListener(_type, listener) {
      const onMessage = (data: unknown) => listener({ data });
      listeners.set(listener, onMessage);
      port.on('message', onMessage);
    },
    removeEventListener(_type, listener) {
      const onMessage = listeners.get(listener);
      listeners.delete(listener);
      if (onMessage !== undefined) port.off('message', onMessage);
    },
  };
}
