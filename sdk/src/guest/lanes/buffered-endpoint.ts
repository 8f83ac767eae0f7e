/** The port of a lane that isn't open yet. */
import type { Endpoint } from '../../rpc/endpoint.js';
import type { LanePort } from './lane-parts.js';

/** Buffers messages until the lane is open. */
export class BufferedEndpoint implements Endpoint {
  readonly #port: LanePort;
  #kept: unknown[] | undefined = [];

  constructor(port: LanePort) {
    this.#port = port;
  }

  postMessage(message: unknown, transfer?: object[]): void {
    if (this.#kept === undefined) this.#port.postMessage(message, transfer);
    // A buffered message must not change meanwhile, and one that can't cross must fail now.
    else this.#kept.push(structuredClone(message, transfer && { transfer }));
  }

  addEventListener(type: 'message', listener: Parameters<Endpoint['addEventListener']>[1]): void {
    this.#port.addEventListener(type, listener);
  }

  removeEventListener(
    type: 'message',
    listener: Parameters<Endpoint['removeEventListener']>[1],
  ): void {
    this.#port.removeEventListener(type, listener);
  }

  start(): void {
    this.#port.start?.();
  }

  open(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const message of kept) this.#port.postMessage(message);
  }
}
