/** The state that only some calls need. It is created on first use, so that most calls go without. */
import type { Cancel, KernelCall } from './kernel-call.js';
import type { ServiceScope } from './services.js';

/** Facts that only some calls need. */
export interface Extras {
  cancel: Cancel | undefined;
  giveUpOuter: ((error: unknown) => void) | undefined;
  onAbort: (() => void) | undefined;
  controller: AbortController | undefined;
  /** The application's services for this call alone. */
  scope: ServiceScope | undefined;
  /** Calls that are made for this one and have not ended. */
  children: Set<KernelCall> | undefined;
  /** What an extension has put in the place of the caller's trace. */
  traceparent: string | undefined;
  /** Run when the call has ended. */
  ends: (() => void)[] | undefined;
}

/** Empty extras. All members are set, so that all extras have one shape. */
export const newExtras = (): Extras => ({
  cancel: undefined,
  giveUpOuter: undefined,
  onAbort: undefined,
  controller: undefined,
  scope: undefined,
  children: undefined,
  traceparent: undefined,
  ends: undefined,
});
