/** Hooks: any number of handlers, all asked. */
import {
  type Caller,
  createError,
  DEFAULT_TIMEOUT,
  disposable,
  type HookMode,
  type HookOutcome,
  isTopic,
} from '@plinth/sdk/contract';
import type { ValueBounds } from '@plinth/sdk/rpc';
import { Call } from '../calls/call.js';
import { checkChain } from '../calls/chain.js';
import type { CallRequest, CallServices, CallTarget } from '../calls/kernel-call.js';
import type { Provider } from '../calls/provider.js';
import { inTime } from '../in-time.js';
import type { AbsentGuards } from './absent-guards.js';
import { callersOf, type MiddlewareChains } from './chains.js';
import { facts, hookError } from './hook-calls.js';

interface HookHandler extends CallTarget {
  readonly owner: string;
  /** Wakes the plugin that owns the handler. Absent when it is awake. */
  readonly wake: (() => Promise<Error | undefined> | undefined) | undefined;
}

/** Whether the handlers of an owner are asked. */
type Meant = (owner: string) => boolean;

interface HandlerOptions {
  readonly wake?: HookHandler['wake'];
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

/**
 * Owns the handlers of every hook: the host's first, then plugins' in the order of discovery, then
 * of registration.
 */
export class HookRegistry {
  readonly #handlers = new Map<string, Set<HookHandler>>();
  readonly #services: CallServices;
  readonly #onFailure: (hook: string, owner: string, error: unknown) => void;

  readonly #rank: (owner: string) => number;
  readonly #guards: AbsentGuards;
  readonly #chains: MiddlewareChains;

  /** How large an input may be. */
  get bounds(): ValueBounds {
    return this.#services.bounds;
  }

  constructor(
    services: CallServices,
    rank: (owner: string) => number,
    guards: AbsentGuards,
    chains: MiddlewareChains,
    onFailure: (hook: string, owner: string, error: unknown) => void,
  ) {
    this.#services = services;
    this.#rank = rank;
    this.#guards = guards;
    this.#chains = chains;
    this.#onFailure = onFailure;
  }

  handle(
    id: string,
    owner: string,
    provider: Provider,
    { wake, timeout }: HandlerOptions = {},
  ): Disposable & { dispose(): void } {
    if (!isTopic(id))
      throw createError(
        'contract/invalid',
        `'${id.slice(0, 80)}' is not a hook id: write '<plugin>:<name>'`,
        { plugin: owner },
      );
    const handler: HookHandler = { id, owner, provider, wake, timeout, services: this.#services };
    const handlers = this.#handlers.get(id) ?? new Set();
    handlers.add(handler);
    this.#handlers.set(id, handlers);
    return disposable(() => {
      handlers.delete(handler);
      if (handlers.size === 0 && this.#handlers.get(id) === handlers) this.#handlers.delete(id);
    });
  }

  /**
   * Asks the handlers: all at once, or for `first` and `waterfall` one after the other. A handler
   * that fails is left out and reported. It fails the whole only on request.
   *
   * @param strict whether the answers decide. Then the first failure, or a missing handler, fails
   * the whole. A plugin that may handle the hook and can't answer is waited for.
   * @param meant the owners whose handlers are asked; all when absent.
   * @throws PluginUnavailableError `middleware/unavailable` when such a plugin doesn't come in
   * time.
   */
  async run(
    id: string,
    mode: HookMode,
    input: unknown,
    caller: Caller,
    asked: CallRequest | undefined,
    strict = false,
    meant?: Meant,
  ): Promise<readonly HookOutcome[]> {
    const request =
      strict && this.#guards.any ? await this.#awaitDeciders(id, caller, asked, meant) : asked;
    // First, so that a cancel is heard while plugins wake.
    const ask = this.#asker(id, caller, request, strict);
    const limit = Math.min(
      request?.timeout ?? DEFAULT_TIMEOUT,
      request?.parent?.remaining ?? DEFAULT_TIMEOUT,
    );
    const wake = () => this.#wake(id, strict, meant, limit);
    await wake();
    const handlers = this.#sorted(id).filter(({ owner }) => meant?.(owner) !== false);
    if (strict && handlers.length === 0)
      throw createError('hook/no-handler', `no handler answers ${id}`, { details: { hook: id } });
    if (mode === 'collect' || mode === 'parallel') {
      const outcomes = await Promise.all(handlers.map((handler) => ask(handler, input)));
      return mode === 'parallel' ? outcomes : outcomes.filter(({ ok }) => ok);
    }
    let last: HookOutcome | undefined;
    const counts = new Map<string, number>();
    for (
      let handler = handlers[0];
      handler !== undefined;
      handler = await this.#next(id, counts, handler.owner, wake, meant)
    ) {
      counts.set(handler.owner, (counts.get(handler.owner) ?? 0) + 1);
      const outcome = await ask(handler, last?.ok ? last.value : input);
      if (!outcome.ok || (mode === 'first' && outcome.value === undefined)) continue;
      last = outcome;
      if (mode === 'first') break;
    }
    return last === undefined ? [] : [last];
  }

  /**
   * Waits for the plugins whose answers are missing. Returns the request with the remaining time.
   */
  async #awaitDeciders(
    id: string,
    caller: Caller,
    request: CallRequest | undefined,
    meant: Meant | undefined,
  ): Promise<CallRequest | undefined> {
    const call = new Call({ id, services: this.#services, provider() {} }, caller, request);
    const callers = callersOf(call);
    const missing = this.#guards.missing('hook', id, callers, meant);
    if (missing === undefined) {
      call.settle(true, undefined);
      return request;
    }
    call.within = missing;
    const go = () => call.settle(true, undefined);
    const fail = (error: Error) => call.settle(false, error);
    const over = () => call.over;
    if (!this.#guards.wait({ kind: 'hook', id, callers, meant, over, go, fail })) {
      fail(
        createError(
          'call/overloaded',
          `too many calls wait for the handler ${missing.name} of ${id}`,
          { plugin: missing.owner, details: { hook: id } },
        ),
      );
    }
    await call.promise;
    return { ...facts(request), timeout: call.remaining };
  }

  /**
   * The next handler in order. The registry is read again each time, because a plugin may have been
   * reloaded or put to sleep since the hook was called.
   */
  async #next(
    id: string,
    asked: ReadonlyMap<string, number>,
    after: string,
    wake: () => Promise<void>,
    meant: Meant | undefined,
  ): Promise<HookHandler | undefined> {
    const next = () => {
      const seen = new Map<string, number>();
      return this.#sorted(id).find(({ owner }) => {
        const nth = seen.get(owner) ?? 0;
        seen.set(owner, nth + 1);
        return (
          nth >= (asked.get(owner) ?? 0) &&
          this.#rank(owner) >= this.#rank(after) &&
          meant?.(owner) !== false
        );
      });
    };
    if (next()?.wake !== undefined) await wake();
    return next();
  }

  #sorted(id: string): readonly HookHandler[] {
    return [...(this.#handlers.get(id) ?? [])]
      .map((handler) => [this.#rank(handler.owner), handler] as const)
      .sort(([a], [b]) => a - b)
      .map(([, handler]) => handler);
  }

  /** A cancel of the caller reaches every running handler, and no further handler is asked. */
  #asker(
    id: string,
    caller: Caller,
    request: CallRequest | undefined,
    strict: boolean,
  ): (handler: HookHandler, input: unknown) => Promise<HookOutcome> {
    if (request?.inbound === undefined)
      return (handler, input) => this.#ask(id, handler, input, caller, request, strict);
    let cancelled: Error | undefined;
    const atWork = new Set<{ onCancel: ((reason: Error) => void) | undefined }>();
    request.inbound.onCancel = (reason) => {
      cancelled = reason;
      for (const one of atWork) one.onCancel?.(reason);
    };
    return async (handler, input) => {
      if (cancelled !== undefined) throw cancelled;
      const inbound = { onCancel: undefined };
      atWork.add(inbound);
      const outcome = await this.#ask(
        id,
        handler,
        input,
        caller,
        { ...facts(request), inbound },
        strict,
      );
      atWork.delete(inbound);
      if (cancelled !== undefined) throw cancelled;
      return outcome;
    };
  }

  /** Wakes plugins first, because only a plugin that is awake has registered all its handlers. */
  async #wake(id: string, strict: boolean, meant: Meant | undefined, limit: number): Promise<void> {
    const sleeping = [...(this.#handlers.get(id) ?? [])].filter(
      ({ owner, wake }) => wake !== undefined && meant?.(owner) !== false,
    );
    if (sleeping.length === 0) return;
    const wake = async ({ owner, wake: start }: HookHandler) => {
      const late = `it did not wake within ${limit} ms`;
      const error = await inTime(Promise.resolve(start?.()), limit, late).catch(
        (slow: unknown) => slow as Error,
      );
      if (error === undefined) return;
      if (strict) throw hookError(id, owner, error);
      this.#onFailure(id, owner, hookError(id, owner, error));
    };
    await Promise.all(sleeping.map(wake));
  }

  async #ask(
    id: string,
    handler: HookHandler,
    input: unknown,
    caller: Caller,
    request: CallRequest | undefined,
    strict: boolean,
  ): Promise<HookOutcome> {
    const plugin = handler.owner;
    try {
      if (request?.parent !== undefined) checkChain(handler, request.parent);
      const call = new Call(handler, caller, request);
      const chain = this.#chains.ofHook(id);
      if (chain === undefined) {
        handler.provider(call, input);
        return { plugin, ok: true, value: await call.promise };
      }
      call.wrapped = true;
      return { plugin, ok: true, value: await call.follow(chain(call, input)) };
    } catch (cause) {
      if (request?.signal?.aborted) throw cause;
      const error = hookError(id, plugin, cause);
      if (strict) throw error;
      this.#onFailure(id, plugin, error);
      return { plugin, ok: false, error };
    }
  }
}
