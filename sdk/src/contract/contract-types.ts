/** What follows from a contract: the types of its clients, handlers, payloads and answers. */
import type { Command, Event, Hook } from './contract.js';
import type { InferInput, InferOutput } from './schema.js';

/**
 * Options of one call. A handler's call and a listener's event info are options too: calls that
 * receive them are nested in that call or event.
 */
export interface CallOptions {
  /** Taken from the call or event that is given. */
  readonly requestId?: string;
  /** Aborting it cancels the call here and in the provider. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds until the call fails with `call/timeout`. May only shorten the command's own time.
   */
  readonly timeout?: number;
}

type InputOf<M> = M extends { readonly input?: infer I } ? InferInput<NonNullable<I>> : unknown;
type OutputOf<M> = M extends { readonly output?: infer O } ? InferOutput<NonNullable<O>> : unknown;
type ClientMethod<M, Options> =
  undefined extends InputOf<M>
    ? (input?: InputOf<M>, options?: Options) => Promise<OutputOf<M>>
    : (input: InputOf<M>, options?: Options) => Promise<OutputOf<M>>;

/** A typed client with one method per command. */
export type Client<C, Options = CallOptions> = {
  readonly [K in keyof C as C[K] extends Command<infer _I, infer _O, infer _E>
    ? K
    : never]: ClientMethod<C[K], Options>;
};

/** The type of a command's or hook's handler, given the type of its second argument. */
export type HandlerFor<M, Call> = M extends { readonly kind: 'command' | 'hook' }
  ? (input: HandlerInput<M>, call: Call) => HandlerOutput<M> | Promise<HandlerOutput<M>>
  : never;
type HandlerInput<M> = M extends { readonly input?: infer I }
  ? InferOutput<NonNullable<I>>
  : unknown;
type HandlerOutput<M> = M extends { readonly output?: infer O }
  ? InferInput<NonNullable<O>>
  : unknown;

/** A hook's input as its caller writes it. */
export type HookInput<M> = InputOf<M>;
/** One handler's answer as the hook's caller reads it. */
export type HookOutput<M> = OutputOf<M>;

/** The payload an emitter passes. */
export type EventInput<M> = M extends Event<infer P> ? InferInput<P> : never;
/** The payload a listener receives. */
export type EventOutput<M> = M extends Event<infer P> ? InferOutput<P> : never;

/**
 * What is emitted with an event: the declared payload of a contract's event, anything for a topic.
 */
export type EventArguments<E> = E extends Event
  ? undefined extends EventInput<E>
    ? [payload?: EventInput<E>]
    : [payload: EventInput<E>]
  : [payload?: unknown];
/** What a hook is asked with: the declared input of a contract's hook, anything for an id. */
export type HookArguments<H, Options> = H extends Hook
  ? undefined extends HookInput<H>
    ? [input?: HookInput<H>, options?: Options]
    : [input: HookInput<H>, options?: Options]
  : [input?: unknown, options?: Options];
/** One handler's answer: typed for a contract's hook, unknown for an id. */
export type HookAnswer<H> = H extends Hook ? HookOutput<H> : unknown;
