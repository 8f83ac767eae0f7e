/** `kernel.middleware`: middleware of the application. */
import type { MiddlewareCall, MiddlewareOptions, Next } from '@plinth/sdk';
import { type Caller, disposable } from '@plinth/sdk/contract';
import type { ServiceResolver } from '../calls/services.js';
import { type MiddlewareChains, parseTarget } from '../middleware/chains.js';
import { placeOf } from '../middleware/order.js';
import type { HostRegistration } from '../registration.js';

/** A call or event as the host's middleware sees it. */
export interface HostMiddlewareCall extends MiddlewareCall {
  /** The application's services in a scope of this call. A handler of the host shares the scope. */
  readonly services: ServiceResolver;
}

/** `kernel.middleware`. */
export interface HostMiddleware {
  /**
   * Wraps commands (`command:<id>`) or events (`event:<topic>`); the end of the target may be `*`.
   *
   * @example
   * kernel.middleware.use('command:com.example.notes:*', async (call, next) => {
   *   const started = performance.now();
   *   try { return await next(); } finally { console.log(call.id, performance.now() - started); }
   * });
   */
  use(
    target: string,
    middleware: (call: HostMiddlewareCall, next: Next) => unknown,
    options?: MiddlewareOptions,
  ): HostRegistration;
}

/** Makes `kernel.middleware`. */
export function createHostMiddleware(chains: MiddlewareChains): HostMiddleware {
  return {
    use(target, middleware, options) {
      const { kind } = parseTarget(target);
      const registered = chains.use(target, {
        ...placeOf('host', options),
        owner: 'host',
        run: (call, input, next) => middleware(new MiddlewareView(call, kind, input), next as Next),
      });
      return disposable(() => registered.dispose());
    },
  };
}

/** A call as chains hand it to their layers. */
type ChainedCall = Parameters<Parameters<MiddlewareChains['use']>[1]['run']>[0];

/** A call for the host's middleware. A class: a literal with getters costs more. */
class MiddlewareView implements HostMiddlewareCall {
  readonly kind: 'command' | 'event';
  readonly input: unknown;
  private readonly call: ChainedCall;

  constructor(call: ChainedCall, kind: 'command' | 'event', input: unknown) {
    this.call = call;
    this.kind = kind;
    this.input = input;
  }

  get id(): string {
    return this.call.id;
  }

  get requestId(): string {
    return this.call.requestId;
  }

  get caller(): Caller {
    return this.call.caller;
  }

  get user(): string | undefined {
    return this.call.user;
  }

  get tenant(): string {
    return this.call.tenant;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get services(): ServiceResolver {
    return this.call.services;
  }
}
