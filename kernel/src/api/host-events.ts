/** Events, hooks and middleware for the embedding application. */
import type {
  Event,
  EventArguments,
  EventEnvelope,
  EventInfo,
  EventOutput,
  HandlerFor,
  Hook,
  HookAnswer,
  HookArguments,
  HookOptions,
  HookOutcome,
} from '@plinth/sdk';
import {
  asPromise,
  createError,
  describeIssues,
  foldAnswers,
  type HookMode,
  hookProvider,
  isPromiseLike,
  messageOf,
  type Parsed,
  parseSchema,
} from '@plinth/sdk/contract';
import { unreadable, unsendable, type ValueBounds } from '@plinth/sdk/rpc';
import { checkCallOptions, type HostCallOptions } from '../calls/call-options.js';
import type { HostCall, HostHandler } from '../calls/host-call.js';
import { HOST } from '../calls/kernel-call.js';
import { copyShared, hostProvider } from '../calls/provider.js';
import type { EventBus } from '../events/event-bus.js';
import type { KernelEvents, KernelTopic } from '../kernel-events.js';
import type { HookRegistry } from '../middleware/hooks.js';
import type { HostRegistration } from '../registration.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { withOrigin } from '../telemetry/origin.js';
import { parsing } from './host-commands.js';

type EventRef = Event & { readonly id: string };
type HookRef = Hook & { readonly id: string };

/** An envelope of one of the kernel's own events. */
export interface KernelEnvelope<T extends KernelTopic> extends EventEnvelope {
  readonly topic: T;
  readonly payload: KernelEvents[T];
}

/** `kernel.events`. */
export interface HostEvents {
  on<T extends KernelTopic>(
    topic: T,
    listener: (event: KernelEnvelope<T>) => unknown,
  ): HostRegistration;
  on<E extends EventRef>(
    event: E,
    listener: (payload: EventOutput<E>, info: EventInfo) => unknown,
  ): HostRegistration;
  on(pattern: string, listener: (event: EventEnvelope) => unknown): HostRegistration;
  once<T extends KernelTopic>(
    topic: T,
    listener: (event: KernelEnvelope<T>) => unknown,
  ): HostRegistration;
  once<E extends EventRef>(
    event: E,
    listener: (payload: EventOutput<E>, info: EventInfo) => unknown,
  ): HostRegistration;
  once(pattern: string, listener: (event: EventEnvelope) => unknown): HostRegistration;
  /**
   * Emits an event. Resolves when its middleware has run and the event is accepted. A bare topic
   * emits `host:<topic>`. Listeners receive the payload as it is now.
   *
   * @throws PluginValidationError `value/invalid` for a value that can't cross to a plugin,
   * `event/invalid` for an unfitting payload, PluginUnavailableError `kernel/stopped`.
   */
  emit<E extends EventRef | string>(event: E, ...payload: EventArguments<E>): Promise<void>;
}

/** Options for calling a hook as the host. */
export type HostHookOptions = HostCallOptions & Pick<HookOptions, 'provider' | 'strict'>;

/** `kernel.hooks`. */
export interface HostHooks {
  handle<H extends HookRef>(hook: H, handler: HandlerFor<H, HostCall>): HostRegistration;
  handle(id: string, handler: HostHandler): HostRegistration;
  collect<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HostHookOptions>
  ): Promise<HookAnswer<H>[]>;
  first<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HostHookOptions>
  ): Promise<HookAnswer<H> | undefined>;
  waterfall<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HostHookOptions>
  ): Promise<HookAnswer<H>>;
  /** The result of each handler: its answer, or its error. */
  parallel<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HostHookOptions>
  ): Promise<readonly HookOutcome<HookAnswer<H>>[]>;
}

/**
 * Makes `kernel.events`.
 *
 * @param check throws when the kernel has stopped.
 */
export function createHostEvents(
  bus: EventBus,
  publish: (source: typeof HOST, topic: string, payload: unknown) => Promise<void>,
  log: Log,
  check: () => void,
): HostEvents {
  const on = listening(bus, log);
  return {
    on,
    once(event: string | EventRef, listener: (...args: never[]) => unknown) {
      const registration: HostRegistration = on(event, listener, () => registration.dispose());
      return registration;
    },
    async emit(event: string | EventRef, payload?: unknown) {
      check();
      checkEvent(event);
      if (typeof event === 'string')
        return publish(HOST, event.includes(':') ? event : `host:${event}`, payload);
      const parsed = await parseSchema(event.payload, payload);
      if (!parsed.ok) {
        throw createError(
          'event/invalid',
          `the payload of ${event.id} is not valid, the emitter is at fault: ${describeIssues(parsed.issues)}`,
          {
            details: { topic: event.id, side: 'emitter', issues: parsed.issues },
          },
        );
      }
      return publish(HOST, event.id, payload);
    },
  } as HostEvents;
}

/** @throws PluginValidationError `event/invalid`. */
function checkEvent(event: string | EventRef): void {
  if (typeof (Object(event).id ?? event) !== 'string')
    throw createError(
      'event/invalid',
      `an event is a member of a contract, or its topic, and not ${messageOf(event)}`,
    );
}

/** Makes the function that adds listeners of the application. */
function listening(bus: EventBus, log: Log) {
  const failed = (topic: string, error: unknown) =>
    log.write('kernel', 'error', `a listener of ${topic} failed: ${messageOf(error)}`, {
      topic,
      ...withOrigin(error),
    });
  const watch = (topic: string, result: unknown) => {
    asPromise(result)?.then(undefined, (error) => failed(topic, error));
  };
  return (
    event: string | EventRef,
    listener: (...args: never[]) => unknown,
    before?: () => void,
  ): HostRegistration => {
    checkEvent(event);
    if (typeof listener !== 'function')
      throw createError('event/invalid', 'a listener is a function');
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
        if (!parsed.ok)
          return log.write(
            'kernel',
            'warn',
            `dropped an event: the payload of ${topic} is not valid, ${source} is at fault: ${describeIssues(parsed.issues)}`,
          );
        before?.();
        watch(topic, call(parsed.value, info));
      };
      const parsed = parseSchema(event.payload, payload);
      if (isPromiseLike(parsed)) parsed.then(pass).then(undefined, (error) => failed(topic, error));
      else pass(parsed as Parsed<unknown>);
    });
  };
}

/** @throws PluginDefinitionError `contract/invalid`. */
function hookId(hook: string | HookRef): string {
  const id: unknown = typeof hook === 'string' ? hook : hook?.id;
  if (typeof id === 'string') return id;
  throw createError(
    'contract/invalid',
    `a hook is a member of a contract, or its id, and not ${messageOf(hook)}`,
  );
}

/**
 * Makes `kernel.hooks`.
 *
 * @param check throws when the kernel has stopped.
 */
export function createHostHooks(
  registry: HookRegistry,
  metrics: Metrics,
  log: Log,
  check: () => void,
): HostHooks {
  const ask =
    (mode: HookMode) =>
    async (hook: string | HookRef, input?: unknown, options?: HostHookOptions) => {
      check();
      checkCallOptions(options);
      const id = hookId(hook);
      const strict = options?.strict === true;
      const provider = hookProvider(options);
      const outcomes = await registry.run(
        id,
        mode,
        ownInput(id, input, registry.bounds),
        HOST,
        options,
        strict,
        provider === undefined ? undefined : (owner) => owner === provider,
      );
      return foldAnswers(hook, mode, input, outcomes, (plugin, error) => {
        if (strict) throw error;
        log.write('kernel', 'warn', error.message, { hook: id, plugin });
      });
    };
  return {
    handle(hook: string | HookRef, handler: HostHandler) {
      const id = hookId(hook);
      if (typeof handler !== 'function')
        throw createError('contract/invalid', `the handler of ${id} is no function`);
      const member = typeof hook === 'string' ? { id } : hook;
      return registry.handle(
        id,
        'host',
        hostProvider(parsing(member, handler, metrics)),
        'timeout' in member ? { timeout: member.timeout } : {},
      );
    },
    collect: ask('collect'),
    first: ask('first'),
    waterfall: ask('waterfall'),
    parallel: ask('parallel'),
  } as HostHooks;
}

/** Copies the input of a hook, so that later changes by the host do not reach the handlers. */
function ownInput(id: string, input: unknown, bounds: ValueBounds): unknown {
  try {
    return copyShared(input, bounds);
  } catch (error) {
    throw unsendable(unreadable(error), `the input of ${id}`, { hook: id, side: 'caller' });
  }
}
