/** The timers of the guest's runtime, taken when it is loaded. */
import { takeTimers } from '../rpc/deadlines.js';

/** The runtime's own timers: they don't count as timers of the plugin. */
export const timers = takeTimers();
