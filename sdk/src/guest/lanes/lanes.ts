/**
 * Direct lanes: channels between two guests. The kernel opens them for pairs that call each other
 * often, and may close them at any time. One hop instead of two. Identity, commands and time-outs
 * come from the kernel; the other guest's messages are as untrusted as any guest's are to the
 * kernel.
 *
 * Order holds across the switch: a fence goes the old way before the first call goes the new way.
 */
import type { LaneMessage } from '../../contract/lane-message.js';
import { Deadlines } from '../../rpc/deadlines.js';
import { decodeError } from '../../rpc/value.js';
import { timers } from '../own-timers.js';

import { IncomingLane } from './incoming-lane.js';
import type { LaneParts } from './lane-parts.js';
import { OutgoingLane } from './outgoing-lane.js';

/** Owns every lane of a guest, in both directions. */
export class Lanes {
  readonly #parts: LaneParts;
  readonly #outgoing = new Map<number, OutgoingLane>();
  readonly #incoming = new Map<number, IncomingLane>();
  readonly #routes = new Map<string, OutgoingLane>();
  readonly #deadlines = new Deadlines(timers);

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** The lane for calls of a command, if there is one. */
  routeOf(command: string): OutgoingLane | undefined {
    return this.#routes.get(command);
  }

  /** Processes what the kernel says about a lane. */
  take(lane: number, message: LaneMessage, port: unknown): void {
    switch (message.kind) {
      case 'call': {
        const outgoing = new OutgoingLane(
          lane,
          this.#parts.port(port),
          message,
          this.#parts,
          this.#deadlines,
          () => this.#forget(lane),
        );
        this.#outgoing.set(lane, outgoing);
        for (const [id] of message.commands) this.#routes.set(id, outgoing);
        break;
      }
      case 'serve':
        this.#incoming.set(
          lane,
          new IncomingLane(lane, this.#parts.port(port), message, this.#parts),
        );
        break;
      case 'drain':
        this.#outgoing.get(lane)?.drain();
        break;
      case 'close': {
        const error = decodeError(message.error, undefined);
        this.#outgoing.get(lane)?.close(error);
        this.#incoming.get(lane)?.close(error);
        this.#incoming.delete(lane);
      }
    }
  }

  close(error: Error): void {
    for (const lane of [...this.#outgoing.values(), ...this.#incoming.values()]) lane.close(error);
    this.#incoming.clear();
    this.#deadlines.close();
  }

  #forget(lane: number): void {
    const outgoing = this.#outgoing.get(lane);
    this.#outgoing.delete(lane);
    for (const [id, route] of this.#routes) if (route === outgoing) this.#routes.delete(id);
  }
}
