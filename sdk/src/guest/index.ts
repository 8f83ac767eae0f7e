/** The guest runtime, for hosts: a worker's entry file calls {@link bootGuest} and nothing else. */
export { type BootedGuest, bootGuest, type GuestOptions } from './boot.js';
export { bridgeConsole } from './console.js';
export { hideGlobals } from './globals.js';
export type { ContextPort } from './handler-call.js';
export { importModule, refusedImport } from './import-module.js';
export { rehearse } from './rehearse.js';
export { limitTimers } from './timers.js';
