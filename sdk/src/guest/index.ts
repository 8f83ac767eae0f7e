/** The guest runtime, for hosts: a worker's entry file calls {@link bootGuest} and nothing else. */
export { bootGuest } from './boot.js';
export { bridgeConsole } from './console/console.js';
export { hideGlobals } from './globals.js';
export type { BootedGuest, GuestOptions } from './guest-options.js';
export type { ContextPort } from './handler-call.js';
export { importModule } from './import-module.js';
export { prepareScope } from './prepare-scope.js';
export { refusedImport } from './refused-import.js';
export { limitTimers } from './timers.js';
export { warmUp } from './warm-up.js';
