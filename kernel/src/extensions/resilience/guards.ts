/**
 * Finds which commands have a policy. Commands without one cost nothing. The others load the policy
 * code with their first call.
 */
import type { Caller } from '@plinth/sdk/contract';
import { Call } from '../../calls/call.js';
import type { CallServices, CallTarget } from '../../calls/kernel-call.js';
import {
  type CommandGuards,
  type DeclaredPolicy,
  type Enter,
  type GuardedTarget,
  unauthenticated,
} from '../../commands/command-guards.js';
import type { KernelEvents } from '../../kernel-events.js';
import type { BreakerState, Engine } from './engine.js';
import {
  type CallPolicy,
  type CommandDefaults,
  type DecidedPolicy,
  policyFor,
  type ResilienceOptions,
} from './policy.js';

interface Guard {
  readonly version: string | undefined;
  readonly policy: string;
  engine: Promise<Engine> | undefined;
  /** Undefined without one. */
  breaker: BreakerState | undefined;
}

/**
 * Owns the policies of a tenant's commands. Breakers, rates and cached answers survive a reload of
 * the same version.
 */
export class Guards implements CommandGuards {
  readonly #options: ResilienceOptions;
  readonly #defaults: CommandDefaults | undefined;
  readonly #announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void;
  /** By command and owner: several plugins may answer a command of an open contract. */
  readonly #guards = new Map<string, Guard>();

  constructor(
    options: ResilienceOptions | undefined,
    announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void,
    defaults?: CommandDefaults,
  ) {
    this.#options = options ?? {};
    this.#defaults = defaults;
    this.#announce = announce;
  }

  /** The state of a command's breaker. Undefined when it has none. */
  breaker(id: string, owner: string): BreakerState | undefined {
    return this.#guards.get(`${id} ${owner}`)?.breaker;
  }

  /** The fallback for a command that no plugin answers. */
  fallback(id: string): CallPolicy['fallback'] {
    return policyFor(id, this.#options, { idempotent: false })?.fallback;
  }

  guard(
    target: GuardedTarget,
    declared: DeclaredPolicy,
    services: CallServices,
    enter: Enter,
  ): CallTarget | undefined {
    // The application guards the commands that it registers itself.
    const policy = policyFor(
      target.id,
      this.#options,
      declared,
      target.owner === 'host' ? undefined : this.#defaults,
    );
    return policy === undefined ? undefined : this.#decided(target, policy, services, enter);
  }

  /** The target whose calls run under a policy. */
  #decided(
    target: GuardedTarget,
    policy: DecidedPolicy,
    services: CallServices,
    enter: Enter,
  ): CallTarget {
    const guard = this.#guardOf(target, policy);
    // Attempts are part of one call, and only the call is counted.
    const attempts: CallTarget = {
      ...target,
      counter: undefined,
      services: { ...services, settled() {} },
      timeout: shorter(target.timeout, policy.timeout),
    };
    return {
      ...target,
      provider: (call, input) => {
        if (policy.requiresAuth && call.user === undefined) {
          call.settle(false, unauthenticated(target));
          return;
        }
        const { user, signal, parse } = call;
        let checked: { readonly value: unknown; readonly parsed: unknown } | undefined;
        const attempt = async () => {
          const one = new Call(attempts, call.caller, {
            parent: call,
            onProgress: (value) => call.progress(value),
          });
          one.route = call.route;
          enter(one, call.parent, input);
          const value = await one.promise;
          // An answer that is not as promised is a failure of the attempt. The cache keeps the value
          // as it came, because each caller parses for itself.
          if (parse !== undefined) checked = { value, parsed: await parse(value, target.owner) };
          return value;
        };
        this.#engineOf(guard, target, policy)
          .then((engine) =>
            engine.run({ input, caller: nameOf(call.caller), user, signal, attempt }),
          )
          .then(
            (value) => {
              if (checked === undefined || checked.value !== value) return call.settle(true, value);
              call.parse = undefined;
              call.settle(true, checked.parsed);
            },
            (error: unknown) => call.settle(false, error),
          );
      },
    };
  }

  #guardOf({ id, owner, version }: GuardedTarget, policy: DecidedPolicy): Guard {
    const text = JSON.stringify(policy);
    const key = `${id} ${owner}`;
    const known = this.#guards.get(key);
    if (known !== undefined && known.version === version && known.policy === text) return known;
    const guard: Guard = {
      version,
      policy: text,
      engine: undefined,
      breaker: policy.breaker && 'closed',
    };
    this.#guards.set(key, guard);
    return guard;
  }

  #engineOf(guard: Guard, { id, owner }: GuardedTarget, policy: DecidedPolicy): Promise<Engine> {
    guard.engine ??= import('./engine.js').then(
      ({ Engine: Made }) =>
        new Made(id, owner, policy, (state) => {
          guard.breaker = state;
          this.#announce('call:circuit-changed', { command: id, plugin: owner, state });
        }),
    );
    return guard.engine;
  }
}

const nameOf = ({ kind, id, version }: Caller) => (kind === 'host' ? 'host' : `${id}@${version}`);
const shorter = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);
