/**
 * The guest runtime as it runs inside a compartment: it has an endpoint, the compartment's globals, and a way to have its plugin evaluated
 * in another compartment. Whoever takes all of it over has gained nothing but the endpoint, behind which nobody believes him anything.
 *
 * Built into one text, `plinthGuest`, without imports.
 */
import { type BootedGuest, bootGuest } from '../guest/boot.js';
import { bridgeConsole } from '../guest/console.js';
import { limitTimers } from '../guest/timers.js';
import type { Endpoint } from '../rpc/endpoint.js';

/** What is handed in. */
export interface Inside {
  readonly endpoint: Endpoint;
  /** Evaluates a plugin's functor; answers its exports. */
  evaluate(functor: string, name: string): Promise<{ readonly default?: unknown }>;
  /** The global object of the plugin. */
  readonly scope: object;
  defer(task: () => void): void;
}

/** Boots the guest. */
export function start({ endpoint, evaluate, scope, defer }: Inside): BootedGuest {
  return bootGuest(endpoint, {
    defer,
    evaluate,
    prepare({ timers, log }) {
      limitTimers(scope, timers);
      bridgeConsole(scope, log);
    },
  });
}
