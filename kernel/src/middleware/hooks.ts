/** Hooks: any number of handlers, all asked. */
import { type Caller, createError, disposable, type HookMode, isTopic, messageOf } from '@plinth/sdk/contract';
import { type CallRequest, type CallServices, type CallTarget, checkChain, KernelCall } from '../commands/call.js';
import type { Provider } from '../commands/provider.js';

interface HookHandler extends CallTarget {
  readonly owner: string;
  /** Wakes the plugin that stands behind it; absent when it is awake. */
  readonly wake: (() => Promise<Error | undefined> | undefined) | undefined;
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

  handle(id: string, owner: string, provider: Provider, wake?: HookHandler['wake']): Disposable & { dispose(): void } {
    if (!isTopic(id)) throw createError('contract/invalid', `'${id.slice(0, 80)}' is not a hook id: write '<plugin>:<name>'`, { plugin: owner });
    const handler: HookHandler = { id, owner, provider, wake, services: this.#services };
    const handlers = this.#handlers.get(id) ?? new Set();
    handlers.add(handler);
    this.#handlers.set(id, handlers);
    return disposable(() => {
      handlers.delete(handler);
      if (handlers.size === 0 && this.#handlers.get(id) === handlers) this.#handlers.delete(id);
    });
  }

  /** Asks the handlers. One that fails is left out and reported; it never fails the rest. */
  async run(id: string, mode: HookMode, input: unknown, caller: Caller, request: CallRequest | undefined): Promise<unknown> {
    await this.#wake(id);
    // One cancel of the caller reaches every handler that is at work, and no further one is asked.
    let cancelled: Error | undefined;
    const atWork = new Set<{ onCancel: ((reason: Error) => void) | undefined }>();
    if (request?.inbound !== undefined) {
      request.inbound.onCancel = (reason) => {
        cancelled = reason;
        for (const one of atWork) one.onCancel?.(reason);
      };
    }
    const ask = async (handler: HookHandler, value: unknown) => {
      if (cancelled !== undefined) throw cancelled;
      if (request?.inbound === undefined) return this.#ask(id, handler, value, caller, request);
      const inbound = { onCancel: undefined };
      atWork.add(inbound);
      const answer = await this.#ask(id, handler, value, caller, { ...request, inbound });
      atWork.delete(inbound);
      if (cancelled !== undefined) throw cancelled;
      return answer;
    };
    const handlers = [...(this.#handlers.get(id) ?? [])].sort((a, b) => this.#rank(a.owner) - this.#rank(b.owner));
    if (mode === 'collect') {
      const answers = await Promise.all(handlers.map((handler) => ask(handler, input)));
      return answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
    }
    let value = input;
    for (const handler of handlers) {
      const answer = await ask(handler, value);
      if (!answer.ok) continue;
      if (mode === 'first' && answer.value !== undefined) return answer.value;
      if (mode === 'waterfall') value = answer.value;
    }
    return mode === 'waterfall' ? value : undefined;
  }

  /** Asks every handler, and says whose each answer is. Those that fail are left out and reported. */
  async ask(id: string, input: unknown, caller: Caller, request: CallRequest | undefined): Promise<readonly { readonly owner: string; readonly value: unknown }[]> {
    await this.#wake(id);
    const handlers = [...(this.#handlers.get(id) ?? [])];
    const answers = await Promise.all(handlers.map(async (handler) => ({ owner: handler.owner, answer: await this.#ask(id, handler, input, caller, request) })));
    return answers.flatMap(({ owner, answer }) => (answer.ok ? [{ owner, value: answer.value }] : []));
  }

  /** Only who is awake has said how many handlers it has. */
  async #wake(id: string): Promise<void> {
    const sleeping = [...(this.#handlers.get(id) ?? [])].filter(({ wake }) => wake !== undefined);
    if (sleeping.length === 0) return;
    const wake = async ({ owner, wake: start }: HookHandler) => {
      const error = await start?.();
      if (error !== undefined) this.#failed(id, owner, error);
    };
    await Promise.all(sleeping.map(wake));
  }

  #failed(id: string, owner: string, cause: unknown): void {
    this.#onFailure(id, owner, createError('hook/failed', `${owner} failed to answer ${id}: ${messageOf(cause)}`, { plugin: owner, cause }));
  }

  async #ask(
    id: string,
    handler: HookHandler,
    input: unknown,
    caller: Caller,
    request: CallRequest | undefined,
  ): Promise<{ readonly ok: true; readonly value: unknown } | { readonly ok: false }> {
    try {
      if (request?.parent !== undefined) checkChain(handler, request.parent);
      const call = new KernelCall(handler, caller, request);
      handler.provider(call, input);
      return { ok: true, value: await call.promise };
    } catch (error) {
      if (request?.signal?.aborted) throw error;
      this.#failed(id, handler.owner, error);
      return { ok: false };
    }
  }
}
