/** What lanes need of the guest. */
import type { Endpoint } from '../../rpc/endpoint.js';
import type { Inbound } from '../../rpc/inbound.js';
import type { Link } from '../../rpc/link.js';
import type { Turn } from '../../rpc/turn.js';
import type { Handle } from '../registrations.js';

/** What lanes need from their guest. */
export interface LaneParts {
  readonly link: Link;
  readonly turn: Turn;
  readonly handles: ReadonlyMap<number, Handle>;
  /** Runs the source of a stream that is part of an answer. */
  around<T>(inbound: Inbound, run: () => T): T;
  /** Receives what a handler threw. */
  onFailed(error: unknown, target: number): void;
  /** See `walked` of the link's options. */
  walked(): void;
  defer(task: () => void): void;
  port(port: unknown): LanePort;
}

/** A port as lanes use it. */
export interface LanePort extends Endpoint {
  close(): void;
}
