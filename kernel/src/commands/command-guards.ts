/** What stands between a command and its provider, by policy: who provides it is told here. */
import type { DeclaredCallPolicy } from '@plinth/sdk/contract';
import type { CallServices, CallTarget, KernelCall } from '../calls/kernel-call.js';
import type { LaneTarget } from '../calls/lane-end.js';

/** The policy of a command in a plugin's manifest and contract. */
export interface DeclaredPolicy {
  readonly idempotent: boolean;
  /** Calls a minute for each caller. */
  readonly rateLimit?: number | undefined;
  /** Whether a call needs a user. */
  readonly requiresAuth?: boolean | undefined;
  /** The contract's policy, then the manifest's. */
  readonly policies?: readonly DeclaredCallPolicy[];
}

/** A command that is guarded. */
export interface GuardedTarget extends CallTarget {
  readonly owner: string;
  readonly version?: string | undefined;
  readonly at?: LaneTarget | undefined;
}

/**
 * Sends one attempt to the plugin that currently answers. A call that has waited or is retried may
 * find its plugin reloaded, asleep or restarted.
 */
export type Attempt = (call: KernelCall, input: unknown) => void;

/** Guards commands that have a policy. */
export interface CommandGuards {
  /**
   * The guarded target that replaces a command's target. Undefined when the command has no policy
   * and its plugin takes all calls at once.
   */
  guard(
    target: GuardedTarget,
    declared: DeclaredPolicy,
    services: CallServices,
    provide: Attempt,
  ): CallTarget | undefined;
  /** What answers in place of a command that no plugin answers. */
  fallback(id: string): ((error: Error, input: unknown) => unknown) | undefined;
  /** The state of a command's breaker. Undefined when it has none. */
  breaker(id: string): 'closed' | 'half-open' | 'open' | undefined;
}
