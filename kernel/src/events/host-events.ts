/** Events, hooks and middleware as the embedding application sees them. */
import type {
  Event,
  EventEnvelope,
  EventInfo,
  EventInput,
  EventOutput,
  HandlerFor,
  Hook,
  HookInput,
  HookOptions,
  HookOutcome,
  HookOutput,
  MiddlewareCall,
  MiddlewareOptions,
  Next,
} from '@plinth/sdk';
import { asPromise, type Caller, createError, describeIssues, disposable, foldAnswers, type HookMode, isPromiseLike, type Parsed, parseSchema } from '@plinth/sdk/contract';
import { unreadable, unsendable } from '@plinth/sdk/rpc';
import { HOST, type KernelCall } from '../commands/call.js';
import type { HostCallOptions } from '../commands/call-options.js';
import type { HostCall, HostHandler } from '../commands/host-call.js';
import { type HostRegistration, parsing } from '../commands/host-commands.js';
import { copyShared, hostProvider } from '../commands/provider.js';
import { type MiddlewareChains, parseTarget } from '../middleware/chains.js';
import type { HookRegistry } from '../middleware/hooks.js';
import { placeOf } from '../middleware/order.js';
import type { ServiceResolver } from '../services/container.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { EventBus } from './event-bus.js';
import type { KernelEvents, KernelTopic } from './kernel-events.js';

type EventRef = Event & { readonly id: string };
type HookRef = Hook & { readonly id: string };

/** An envelope of one of the kernel's own events. */
export interface KernelEnvelope<T extends KernelTopic> extends EventEnvelope {
  readonly topic: T;
  readonly payload: KernelEvents[T];
}

/** `kernel.events`. */
export interface HostEvents {
  on<T extends KernelTopic>(topic: T, listener: (event: KernelEnvelope<T>) => unknown): HostRegistration;
  on<E extends EventRef>(event: E, listener: (payload: EventOutput<E>, info: EventInfo) => unknown): HostRegistration;
  on(pattern: string, listener: (event: EventEnvelope) => unknown): HostRegistration;
  once<T extends KernelTopic>(topic: T, listener: (event: KernelEnvelope<T>) => unknown): HostRegistration;
  once<E extends EventRef>(event: E, listener: (payload: EventOutput<E>, info: EventInfo) => unknown): HostRegistration;
  once(pattern: string, listener: (event: EventEnvelope) => unknown): HostRegistration;
  /**
   * Resolves when the event is accepted and its middleware is through. A bare topic emits `host:<topic>`. Listeners get the payload as
   * it is now.
   *
   * @throws PluginValidationError `value/invalid` for what can't cross to a plugin, `event/invalid` for what isn't the event's payload,
   * PluginUnavailableError `kernel/stopped`.
   */
  emit<E extends EventRef>(event: E, payload: EventInput<E>): Promise<void>;
  emit(topic: string, payload?: unknown): Promise<void>;
}

/** Options of asking a hook as the host. */
export type HostHookOptions = HostCallOptions & Pick<HookOptions, 'strict'>;

/** `kernel.hooks`. */
export interface HostHooks {
  handle<H extends HookRef>(hook: H, handler: HandlerFor<H, HostCall>): HostRegistration;
  handle(id: string, handler: HostHandler): HostRegistration;
  collect<H extends HookRef>(hook: H, input: HookInput<H>, options?: HostHookOptions): Promise<HookOutput<H>[]>;
  collect(id: string, input?: unknown, options?: HostHookOptions): Promise<unknown[]>;
  first<H extends HookRef>(hook: H, input: HookInput<H>, options?: HostHookOptions): Promise<HookOutput<H> | undefined>;
  first(id: string, input?: unknown, options?: HostHookOptions): Promise<unknown>;
  waterfall<H extends HookRef>(hook: H, input: HookInput<H>, options?: HostHookOptions): Promise<HookOutput<H>>;
  waterfall(id: string, input?: unknown, options?: HostHookOptions): Promise<unknown>;
  /** What became of each handler: its answer, or its error. */
  parallel<H extends HookRef>(hook: H, input: HookInput<H>, options?: HostHookOptions): Promise<readonly HookOutcome<HookOutput<H>>[]>;
  parallel(id: string, input?: unknown, options?: HostHookOptions): Promise<readonly HookOutcome[]>;
}

/** A call or event as the host's middleware sees it. */
export interface HostMiddlewareCall extends MiddlewareCall {
  /** The application's services in a scope of this call, which its handler shares when it is the host's. */
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
  use(target: string, middleware: (call: HostMiddlewareCall, next: Next) => unknown, options?: MiddlewareOptions): HostRegistration;
}

/**
 * Makes `kernel.events`.
 *
 * @param check throws when the kernel has stopped.
 */
export function createHostEvents(bus: EventBus, publish: (source: typeof HOST, topic: string, payload: unknown) => Promise<void>, log: Log, check: () => void): HostEvents {
  const failed = (topic: string, error: unknown) => log.write('kernel', 'error', `a listener of ${topic} failed: ${error instanceof Error ? error.message : String(error)}`);
  const watch = (topic: string, result: unknown) => {
    asPromise(result)?.then(undefined, (error) => failed(topic, error));
  };
  const on = (event: string | EventRef, listener: (...args: never[]) => unknown, before?: () => void): HostRegistration => {
    const call = listener as unknown as (...args: unknown[]) => unknown;
    if (typeof event === 'string') {
      return bus.on(event, ({ event: envelope }) => {
        before?.();
        watch(envelope.topic, call(envelope));
      });
    }
    return bus.on(event.id, ({ event: { payload, ...info } }) => {
      const { topic, source } = info;
      const pass = (parsed: Parsed<unknown>) => {
        if (!parsed.ok) return log.write('kernel', 'warn', `dropped an event: the payload of ${topic} is not valid, ${source} is at fault: ${describeIssues(parsed.issues)}`);
        before?.();
        watch(topic, call(parsed.value, info));
      };
      const parsed = parseSchema(event.payload, payload);
      if (isPromiseLike(parsed)) parsed.then(pass).then(undefined, (error) => failed(topic, error));
      else pass(parsed as Parsed<unknown>);
    });
  };
  return {
    on,
    once(event: string | EventRef, listener: (...args: never[]) => unknown) {
      const registration: HostRegistration = on(event, listener, () => registration.dispose());
      return registration;
    },
    async emit(event: string | EventRef, payload?: unknown) {
      check();
      if (typeof event === 'string') return publish(HOST, event.includes(':') ? event : `host:${event}`, payload);
      const parsed = await parseSchema(event.payload, payload);
      if (!parsed.ok) {
        throw createError('event/invalid', `the payload of ${event.id} is not valid, the emitter is at fault: ${describeIssues(parsed.issues)}`, {
          details: { topic: event.id, side: 'emitter', issues: parsed.issues },
        });
      }
      return publish(HOST, event.id, payload);
    },
  } as HostEvents;
}

/**
 * Makes `kernel.hooks`.
 *
 * @param check throws when the kernel has stopped.
 */
export function createHostHooks(registry: HookRegistry, metrics: Metrics, log: Log, check: () => void): HostHooks {
  const ask = (mode: HookMode) => async (hook: string | HookRef, input?: unknown, options?: HostHookOptions) => {
    check();
    const id = typeof hook === 'string' ? hook : hook.id;
    const strict = options?.strict === true;
    const outcomes = await registry.run(id, mode, ownInput(id, input), HOST, options, strict);
    return foldAnswers(hook, mode, input, outcomes, (plugin, error) => {
      if (strict) throw error;
      log.write('kernel', 'warn', error.message, { hook: id, plugin });
    });
  };
  return {
    handle(hook: string | HookRef, handler: HostHandler) {
      const member = typeof hook === 'string' ? { id: hook } : hook;
      return registry.handle(member.id, 'host', hostProvider(parsing(member, handler, metrics)), 'timeout' in member ? { timeout: member.timeout } : {});
    },
    collect: ask('collect'),
    first: ask('first'),
    waterfall: ask('waterfall'),
    parallel: ask('parallel'),
  } as HostHooks;
}

/** What the handlers of a hook are given, whenever they are asked: what the host does to its input meanwhile reaches none of them. */
function ownInput(id: string, input: unknown): unknown {
  try {
    return copyShared(input);
  } catch (error) {
    throw unsendable(unreadable(error), `the input of ${id}`, { hook: id, side: 'caller' });
  }
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

/** What a middleware of the host sees. A class, because an object literal with getters costs more than the whole call. */
class MiddlewareView implements HostMiddlewareCall {
  readonly kind: 'command' | 'event';
  readonly input: unknown;
  private readonly call: KernelCall;

  constructor(call: KernelCall, kind: 'command' | 'event', input: unknown) {
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
