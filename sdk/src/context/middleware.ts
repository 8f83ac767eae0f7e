/** `ctx.middleware`. */
import type { Caller } from '../contract/call-context.js';
import type { Registered } from './registered.js';

/** Registers middleware. The target is `command:<id>` or `event:<topic>`, and may end in `*`. */
export interface PluginMiddleware {
  /**
   * Without `before` and `after`, the host's is outermost, then each plugin's in order of
   * discovery.
   *
   * @example
   * ctx.middleware.use('command:com.example.notes:*', log, { name: 'log', before: 'com.example.auth' });
   */
  use(target: string, middleware: Middleware, options?: MiddlewareOptions): Registered;
}

/** Wraps a command or an event: answers it, or continues and may change input or output. */
export type Middleware = (call: MiddlewareCall, next: Next) => unknown;

/** What a middleware sees of the call or event it wraps. */
export interface MiddlewareCall {
  readonly kind: 'command' | 'event';
  /** Wire id of the command, or topic of the event. */
  readonly id: string;
  readonly input: unknown;
  readonly requestId: string;
  readonly caller: Caller;
  readonly user?: string;
  readonly tenant: string;
  readonly signal: AbortSignal;
}

/** Continues with the call, optionally with another input. May be called once. */
export type Next = (input?: unknown) => Promise<unknown>;

/** A middleware's name, and its position among those around the same command or event. */
export interface MiddlewareOptions {
  /**
   * The name others use for it: as it is for the host's, after `<plugin id>:` for a plugin's.
   * Defaults to `host` for the host's, to the plugin's id for a plugin's.
   */
  readonly name?: string;
  /**
   * Middleware that runs inside this one, by name, or all of a plugin's by its id. Names that don't
   * exist are ignored.
   */
  readonly before?: string | readonly string[];
  /** Middleware that runs around this one. */
  readonly after?: string | readonly string[];
}
