/**
 * The guest runtime as it runs inside a compartment. It has an endpoint, the compartment's globals,
 * and a way to evaluate its plugin in another compartment. Code that takes it over gains only the
 * endpoint, which the other side doesn't trust.
 *
 * Built into one text, `plinthGuest`, without imports.
 */
import { bootGuest } from '../guest/boot.js';
import { bridgeConsole } from '../guest/console/console.js';
import type { BootedGuest } from '../guest/guest-options.js';
import type { ContextPort } from '../guest/handler-call.js';
import { limitTimers } from '../guest/timers.js';
import type { Endpoint } from '../rpc/endpoint.js';

/** What the runtime receives. */
export interface Inside {
  readonly endpoint: Endpoint;
  /** Evaluates a plugin's bundle. Returns its exports. */
  evaluate(code: string, name: string): Promise<{ readonly default?: unknown }>;
  /** The global object of the plugin. */
  readonly scope: object;
  defer(task: () => void): void;
  context?(): ContextPort;
}

/** Boots the guest. */
export function start({ endpoint, evaluate, scope, defer, context }: Inside): BootedGuest {
  return bootGuest(endpoint, {
    defer,
    evaluate,
    ...(context && { context }),
    prepare({ timers, log }) {
      limitTimers(scope, timers);
      bridgeConsole(scope, log);
    },
  });
}
