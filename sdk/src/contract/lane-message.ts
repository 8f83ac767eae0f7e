/** What the kernel and a guest say of direct lanes. */
import type { WireError } from './wire-error.js';

/**
 * What the kernel says about a direct lane: a channel between two guests, for calls from one to
 * commands of the other. The port comes with the first message on each side. A draining lane takes
 * no new calls; a closing one ends the calls on it.
 */
export type LaneMessage =
  | {
      readonly kind: 'call';
      /** Plugin id of the provider. */
      readonly provider: string;
      /**
       * What may be called over it, and the time for each, in milliseconds; 0 leaves it to the
       * caller.
       */
      readonly commands: readonly (readonly [id: string, handle: number, timeout: number])[];
    }
  | {
      readonly kind: 'serve' /** See `callerText`. */;
      readonly caller: string;
      readonly handles: readonly number[];
    }
  | { readonly kind: 'drain' }
  /** Another tenant of a shared guest; the port is its pipe. */
  | { readonly kind: 'join' }
  | { readonly kind: 'close'; readonly error: WireError };
