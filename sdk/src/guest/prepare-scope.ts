/** What a worker's global scope becomes before plugin code is loaded into it. */
import { bridgeConsole } from './console/console.js';
import { hideGlobals } from './globals.js';
import type { GuestOptions } from './guest-options.js';
import { limitTimers } from './timers.js';

/** What {@link GuestOptions.prepare} is told. */
type Prepared = Parameters<NonNullable<GuestOptions['prepare']>>[0];

/** Hides what isn't portable, bounds the timers, and sends the console to the plugin's log. */
export function prepareScope(scope: object, { wasm, code, timers, log }: Prepared): void {
  hideGlobals(scope, { wasm, code });
  limitTimers(scope, timers);
  bridgeConsole(scope, log);
}
