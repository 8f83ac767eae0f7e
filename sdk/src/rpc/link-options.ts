/** How a link is connected to its two sides. */
import type { PluginError } from '../contract/errors.js';
import type { ValueBounds } from './bounds.js';
import type { ControlApi } from './control.js';
import type { Endpoint } from './endpoint.js';
import type { Inbound } from './inbound.js';
import type { WatchUnread } from './stream-wire.js';
import type { Turn } from './turn.js';

/** Receives an answer. Settled exactly once, perhaps before the request returns. Must not throw. */
export interface Reply {
  /** Set by the link. Passing it to `Link.cancel` cancels the request. */
  sequence: number;
  settle(ok: boolean, value: unknown): void;
  progress?(value: unknown): void;
  /** The receiver of the answer: its streams count against it. */
  readonly caller?: object;
}

/** How a link is connected to its two sides. */
export interface LinkOptions {
  readonly endpoint: Endpoint;
  /** Set on every error of the other side: the plugin's id in the kernel, undefined in a guest. */
  readonly plugin?: string;
  /**
   * Whether the other side is the kernel. It has checked its values, so they are not checked again.
   */
  readonly trusting?: boolean;
  /** Whether stacks may leave this side. */
  readonly stacks: boolean;
  /** How large a value may be, in either direction; see `Link.bound`. */
  readonly bounds?: ValueBounds;
  /** Decides when turns end. Links of one thread share it. */
  readonly turn?: Turn;
  /** Requests and other work taken in one turn of the loop, so that one guest can't block it. */
  readonly budget?: number;
  /** Answers a request. May throw or reject. `meta` is passed as received, unchecked. */
  serve(target: number, input: unknown, meta: unknown, inbound: Inbound): unknown;
  /** Runs the source of a stream that is part of an answer. */
  around?<T>(inbound: Inbound, run: () => T): T;
  /**
   * Takes a one-way note. What it throws is reported as a refusal. `meta` is passed as received,
   * unchecked.
   */
  note(target: number, payload: unknown, meta: unknown): void;
  /**
   * Checks each value of the other side, except those of notes, before it is used. What it throws
   * becomes the answer.
   */
  admit?(value: unknown): void;
  /**
   * Called for each message of the other side that causes work and reaches none of the handlers
   * above.
   */
  count?(): void;
  /** Methods for the other side's control calls. */
  readonly control: ControlApi;
  /** Takes a direct lane's event and its port. Without this handler it is a breach. */
  lane?(lane: number, what: unknown, port: unknown): void;
  /** The other side broke the protocol and the link can't continue: end it. */
  onBreach(error: PluginError): void;
  /**
   * Called with what a request's handler threw, if the error is still wanted. For the source of a
   * stream, target is 0.
   */
  onFailed?(error: unknown, target: number): void;
  /**
   * Examines an error of the other side before it settles a call. The call waits for a returned
   * promise, which must not reject.
   */
  view?(error: unknown): Promise<void> | undefined;
  /** This side's last pending call has settled, or the last stream has ended. */
  onIdle?(): void;
  /** A note of this side could not be sent. */
  onUnsent?(error: PluginError): void;
  /** A message was refused and the link continues. */
  onRefused?(error: PluginError): void;
  /** Watches streams that are not read yet. */
  readonly watchUnread?: WatchUnread | undefined;
  /**
   * The handlers that a message calls have run: at its end, and before each of its frames that runs
   * something else.
   */
  walked?(): void;
  /** Runs a function after a turn of the event loop. */
  defer(task: () => void): void;
}
