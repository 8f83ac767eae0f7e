/** What stands between a command and its provider, by policy: its provider is told here. */
import { createError, type DeclaredCallPolicy, type PluginError } from '@plinth/sdk/contract';
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

/** Lets a call into a plugin. `above` is the call that it is a part of. */
export type Enter = (call: KernelCall, above: KernelCall | undefined, input: unknown) => void;

/** Guards commands that have a policy. */
export interface CommandGuards {
  /** The guarded target that replaces a command's target. Undefined without a policy for it. */
  guard(
    target: GuardedTarget,
    declared: DeclaredPolicy,
    services: CallServices,
    enter: Enter,
  ): CallTarget | undefined;
  /** What answers in place of a command that no plugin answers. */
  fallback(id: string): ((error: Error, input: unknown) => unknown) | undefined;
  /** The state of a command's breaker. Undefined when it has none. */
  breaker(id: string, owner: string): 'closed' | 'half-open' | 'open' | undefined;
}

/** Without policies only one wish of a manifest counts, because it protects: `requiresAuth`. */
export const NO_GUARDS: CommandGuards = {
  guard(target, { requiresAuth = false }, _services, enter) {
    if (!requiresAuth) return undefined;
    return {
      ...target,
      provider(call, input) {
        if (call.user === undefined) call.settle(false, unauthenticated(target));
        else enter(call, call.parent, input);
      },
    };
  },
  fallback: () => undefined,
  breaker: () => undefined,
};

/** The error for a call without a user to a command that needs one. */
export const unauthenticated = ({ id, owner }: GuardedTarget): PluginError =>
  createError('call/unauthenticated', `${id} needs a user, and the call has none`, {
    plugin: owner,
    details: { command: id },
  });
