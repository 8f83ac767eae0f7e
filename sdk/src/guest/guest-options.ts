/** What a runtime and its guest tell each other. */
import type { ContextPort } from './handler-call.js';
import type { LanePort } from './lanes/lane-parts.js';
import type { Evaluate } from './load-plugin.js';

/** What a runtime tells the guest about itself. */
export interface GuestOptions {
  /**
   * Called once, when the identity is known and before plugin code is loaded: hide globals, bridge
   * the console.
   */
  prepare?(guest: {
    readonly wasm: boolean;
    readonly code: string;
    readonly timers: number | undefined;
    readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  }): void;
  /** Evaluates the text of the plugin's bundle. */
  readonly evaluate?: Evaluate;
  /** A plugin that is already loaded, for inline guests made from an object. */
  readonly exported?: unknown;
  /** Distinguishes reloads that share a realm. */
  readonly generation?: number;
  /** Runs a function after a turn of the event loop. */
  defer?(task: () => void): void;
  /**
   * Creates what carries a handler's context across its awaits. When absent, the context is not
   * carried.
   */
  context?(): ContextPort;
  /** Adapts a platform port for links, where it doesn't fit already. */
  port?(port: unknown): LanePort;
}

/** A booted guest, as the runtime sees it. */
export interface BootedGuest {
  /**
   * Reports an uncaught error to the kernel at once, because the runtime is about to end.
   *
   * @param rejection whether it is an unhandled promise rejection.
   */
  fatal(error: unknown, rejection?: boolean): void;
  /** Ends the link from this side: nothing more is sent or received. */
  close(): void;
}
