/** Hooks: any number of handlers, all asked. */
import { type Caller, createError, disposable, type HookMode, type HookOutcome, isTopic, messageOf } from '@plinth/sdk/contract';
import { type CallRequest, type CallServices, type CallTarget, checkChain, KernelCall } from '../commands/call.js';
import type { Provider } from '../commands/provider.js';

interface HookHandler extends CallTarget {
  readonly owner: string;
  /** Wakes the plugin that stands behind it; absent when it is awake. */
  readonly wake: (() => Promise<Error | undefined> | undefined) | undefined;
}

interface HandlerOptions {
  readonly wake?: HookHandler['wake'];
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

/** Owns the handlers of every hook: the host's first, then by plugin in the order of discovery, then of registration. */
export class HookRegistry {
  readonly #handlers = new Map<string, Set<HookHandler>>();
  readonly #services: CallServices;
  readonly #onFailure: (hook: string, owner: string, error: unknown) => void;

  readonly #rank: (owner: string) => number;

  constructor(services: CallServices, rank: (owner: string) => number, onFailure: (hook: string, owner: string, error: unknown) => void) {
    this.#services = services;
    this.#rank = rank;
    this.#onFailure = onFailure;
  }

  handle(id: string, owner: string, provider: Provider, { wake, timeout }: HandlerOptions = {}): Disposable & { dispose(): void } {
    if (!isTopic(id)) throw createError('contract/invalid', `'${id.slice(0, 80)}' is not a hook id: write '<plugin>:<name>'`, { plugin: owner });
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
   * Asks the handlers: all at once, or for `first` and `waterfall` one after the other. One that fails is left out and
   * reported; it fails the rest only when that is asked for.
   *
   * @param strict whether the first failure, or nobody to ask, fails the whole.
   */
  async run(id: string, mode: HookMode, input: unknown, caller: Caller, request: CallRequest | undefined, strict = false): Promise<readonly HookOutcome[]> {
    await this.#wake(id, strict);
    const handlers = this.#sorted(id);
    if (strict && handlers.length === 0) throw createError('hook/no-handler', `nobody answers ${id}`, { details: { hook: id } });
    const ask = this.#asker(id, caller, request, strict);
    if (mode === 'collect' || mode === 'parallel') {
      const outcomes = await Promise.all(handlers.map((handler) => ask(handler, input)));
      return mode === 'parallel' ? outcomes : outcomes.filter(({ ok }) => ok);
    }
    let last: HookOutcome | undefined;
    const asked = new Map<string, number>();
    for (let handler = handlers[0]; handler !== undefined; handler = await this.#next(id, asked, handler.owner, strict)) {
      asked.set(handler.owner, (asked.get(handler.owner) ?? 0) + 1);
      const outcome = await ask(handler, last?.ok ? last.value : input);
      if (!outcome.ok || (mode === 'first' && outcome.value === undefined)) continue;
      last = outcome;
      if (mode === 'first') break;
    }
    return last === undefined ? [] : [last];
  }

  /** The next one in order: each plugin as it is by then, for it may have been reloaded or put to sleep since the hook was called. */
  async #next(id: string, asked: ReadonlyMap<string, number>, after: string, strict: boolean): Promise<HookHandler | undefined> {
    const next = () => {
      const seen = new Map<string, number>();
      return this.#sorted(id).find(({ owner }) => {
        const nth = seen.get(owner) ?? 0;
        seen.set(owner, nth + 1);
        return nth >= (asked.get(owner) ?? 0) && this.#rank(owner) >= this.#rank(after);
      });
    };
    if (next()?.wake !== undefined) await this.#wake(id, strict);
    return next();
  }

  #sorted(id: string): readonly HookHandler[] {
    return [...(this.#handlers.get(id) ?? [])]
      .map((handler) => [this.#rank(handler.owner), handler] as const)
      .sort(([a], [b]) => a - b)
      .map(([, handler]) => handler);
  }

  /** One cancel of the caller reaches every handler that is at work, and no further one is asked. */
  #asker(id: string, caller: Caller, request: CallRequest | undefined, strict: boolean): (handler: HookHandler, input: unknown) => Promise<HookOutcome> {
    if (request?.inbound === undefined) return (handler, input) => this.#ask(id, handler, input, caller, request, strict);
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
      const { user, timeout, traceparent, baggage, parent } = request;
      const outcome = await this.#ask(id, handler, input, caller, { user, timeout, traceparent, baggage, parent, inbound }, strict);
      atWork.delete(inbound);
      if (cancelled !== undefined) throw cancelled;
      return outcome;
    };
  }

  /** Only who is awake has said how many handlers it has. */
  async #wake(id: string, strict: boolean): Promise<void> {
    const sleeping = [...(this.#handlers.get(id) ?? [])].filter(({ wake }) => wake !== undefined);
    if (sleeping.length === 0) return;
    const wake = async ({ owner, wake: start }: HookHandler) => {
      const error = await start?.();
      if (error === undefined) return;
      if (strict) throw hookError(id, owner, error);
      this.#onFailure(id, owner, hookError(id, owner, error));
    };
    await Promise.all(sleeping.map(wake));
  }

  async #ask(id: string, handler: HookHandler, input: unknown, caller: Caller, request: CallRequest | undefined, strict: boolean): Promise<HookOutcome> {
    const plugin = handler.owner;
    try {
      if (request?.parent !== undefined) checkChain(handler, request.parent);
      const call = new KernelCall(handler, caller, request);
      handler.provider(call, input);
      return { plugin, ok: true, value: await call.promise };
    } catch (cause) {
      if (request?.signal?.aborted) throw cause;
      const error = hookError(id, plugin, cause);
      if (strict) throw error;
      this.#onFailure(id, plugin, error);
      return { plugin, ok: false, error };
    }
  }
}

function hookError(id: string, plugin: string, cause: unknown): Error {
  return createError('hook/failed', `${plugin} failed to answer ${id}: ${messageOf(cause)}`, { plugin, details: { hook: id }, cause });
}
