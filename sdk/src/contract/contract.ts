/**
 * Contracts: what plugins say to each other, as types and schemas only. Four primitives, no more: a command has one
 * provider and one answer, an event any number of listeners and no answer, a hook any number of handlers and all their
 * answers; middleware wraps commands and events and needs no declaration.
 */
import { createSharedError } from './errors.js';
import { isMemberName, parseContractId, pluginIdProblem } from './names.js';
import type { DeclaredCallPolicy } from './policy.js';
import type { InferInput, InferOutput, Schema } from './schema.js';

/** Schemas of the errors a command declares, by bare key. */
export type ErrorSchemas = Readonly<Record<string, Schema>>;

/** A command's declaration; see {@link command}. */
export interface Command<I extends Schema = Schema, O extends Schema = Schema, E extends ErrorSchemas = ErrorSchemas> extends DeclaredCallPolicy {
  readonly kind: 'command';
  readonly input?: I;
  readonly output?: O;
  readonly errors: E;
  /** Whether running it twice is as good as once, so that it may be retried. */
  readonly idempotent: boolean;
  /** Milliseconds a call may take; the kernel's default (30 000) when absent. */
  readonly timeout?: number;
  /** Whether it may be called, directly or not, while it answers a call of its own chain; such a call is refused when absent. */
  readonly reentrant?: boolean;
}

/**
 * What happens to events of a listener that is too slow and has its queue full: the emitter waits (`block`), the oldest
 * or the newest waiting event is dropped, or only the `latest` one ever waits. Drops are counted and announced.
 */
export type Overflow = 'block' | 'drop-oldest' | 'drop-newest' | 'latest';

/** How events wait for a listener that is busy. */
export interface EventQueue {
  /** `drop-oldest` when absent. */
  readonly overflow?: Overflow;
  /** Most events that wait, 1 to 8 192; 1 024 when absent. */
  readonly queue?: number;
}

/** An event's declaration; see {@link event}. */
export interface Event<P extends Schema = Schema> extends EventQueue {
  readonly kind: 'event';
  readonly payload: P;
}

/** A hook's declaration; see {@link hook}. */
export interface Hook<I extends Schema = Schema, O extends Schema = Schema> {
  readonly kind: 'hook';
  readonly input?: I;
  readonly output?: O;
  /** Milliseconds that each handler may take; the kernel's default (30 000) when absent. */
  readonly timeout?: number;
}

/** Anything a contract may hold. */
export type Member = Command | Event | Hook;

/** A member inside its contract: the declaration plus its wire id. */
export type Ref<M, Id extends string, K extends string> = M & { readonly id: `${Id}:${K}` };

/** `com.example.notes@1` → `com.example.notes`. */
export type BaseId<T extends string> = T extends `${infer Base}@${string}` ? Base : T;

/** A named, versioned set of members. */
export type Contract<Id extends string = string, M extends Record<string, Member> = Record<string, Member>> = {
  readonly $id: Id;
} & { readonly [K in keyof M & string]: Ref<M[K], BaseId<Id>, K> };

/** Any contract, when its members don't matter. */
export interface AnyContract {
  readonly $id: string;
}

type NoErrors = Record<never, Schema>;

/**
 * Declares a command: one request, one provider, one answer.
 *
 * `input` is parsed by the receiver before the handler runs, `output` by the caller; without a schema any wire value
 * passes. Declared `errors` arrive at the caller as typed {@link PluginDeclaredError}s.
 *
 * `retry`, `breaker`, `bulkhead`, `rate` and `cache` keep it working, see `docs/resilience.md`; the application may say
 * otherwise.
 *
 * @example
 * command({ input: v.object({ text: v.string() }), output: v.object({ id: v.string() }), timeout: 5_000 })
 */
export function command<I extends Schema = Schema, O extends Schema = Schema, E extends ErrorSchemas = NoErrors>(
  spec: DeclaredCallPolicy & {
    readonly input?: I;
    readonly output?: O;
    readonly errors?: E;
    readonly idempotent?: boolean;
    /** Milliseconds. */
    readonly timeout?: number;
    /** Whether it may be called, directly or not, while it answers a call of its own chain. */
    readonly reentrant?: boolean;
  },
): Command<I, O, E> {
  return { kind: 'command', ...spec, errors: spec.errors ?? ({} as E), idempotent: spec.idempotent ?? false };
}

/**
 * Declares an event: a past fact with any number of listeners and no answer.
 *
 * @param queue what happens when a listener can't keep up.
 * @example
 * event(v.object({ id: v.string() }))
 * event(v.object({ x: v.number(), y: v.number() }), { overflow: 'latest' }) // only the last position matters
 */
export function event<P extends Schema>(payload: P, queue: EventQueue = {}): Event<P> {
  return { kind: 'event', payload, ...queue };
}

/**
 * Declares a hook: every handler is asked, the caller gets all answers (`collect`), the first (`first`), a value passed
 * through all of them (`waterfall`), or what became of each (`parallel`).
 *
 * @example
 * hook({ input: v.string(), output: v.string() })
 */
export function hook<I extends Schema = Schema, O extends Schema = Schema>(spec: {
  readonly input?: I;
  readonly output?: O;
  /** Milliseconds that each handler may take. */
  readonly timeout?: number;
}): Hook<I, O> {
  return { kind: 'hook', ...spec };
}

/**
 * Declares a contract. Its id is the id of the plugin that owns it and a major version; each member's wire id is
 * `<plugin>:<member>`.
 *
 * @throws PluginValidationError `contract/invalid` when the id or a member name is malformed.
 * @example
 * export const Notes = contract('com.example.notes@1', {
 *   add: command({ input: v.object({ text: v.string() }), output: v.object({ id: v.string() }) }),
 *   added: event(v.object({ id: v.string() })),
 * });
 */
export function contract<const Id extends string, M extends Record<string, Member>>(id: Id, members: M): Contract<Id, M> {
  const parsed = parseContractId(id);
  if (parsed === undefined) {
    throw createSharedError('contract/invalid', `'${id}' is not a contract id: write '<plugin id>@<major>', like 'com.example.notes@1'`);
  }
  const problem = parsed.base.startsWith('plinth.') ? undefined : pluginIdProblem(parsed.base);
  if (problem !== undefined) throw createSharedError('contract/invalid', `contract '${id}': ${problem}`);
  const refs: Record<string, unknown> = { $id: id };
  for (const [name, member] of Object.entries(members)) {
    if (!isMemberName(name)) throw createSharedError('contract/invalid', `contract '${id}': '${name}' is not a member name (letters and digits, lower-case first)`);
    refs[name] = Object.freeze({ ...member, id: `${parsed.base}:${name}` });
  }
  return Object.freeze(refs) as Contract<Id, M>;
}

/** The members of a contract with their bare names, in the order of declaration. */
export function membersOf(of: AnyContract): readonly (readonly [string, Ref<Member, string, string>])[] {
  return Object.entries(of).filter(([name]) => name !== '$id') as [string, Ref<Member, string, string>][];
}

/** The names of a contract's members that need a handler: its commands and hooks. */
export function handledMembers(of: AnyContract): readonly string[] {
  return membersOf(of).flatMap(([name, member]) => (member.kind === 'event' ? [] : [name]));
}

/** What a plugin lists in `needs` when it can do without. */
export interface Optional<C> {
  readonly optional: C;
}

/**
 * Marks a need that may be absent: `ctx.needs.<name>` is then `undefined` while nobody provides it.
 *
 * @example
 * definePlugin({ needs: { search: optional(Search) }, … })
 */
export function optional<C extends AnyContract>(of: C): Optional<C> {
  return { optional: of };
}

/**
 * Options of one call. The call that a handler answers is one, too, and so is what a listener is told of its event: what is
 * called with it is called for it.
 */
export interface CallOptions {
  /** Of the call or event that is given. */
  readonly requestId?: string;
  /** Aborting it cancels the call here and in the provider. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the call fails with `call/timeout`; may only shorten what the command allows. */
  readonly timeout?: number;
}

type InputOf<M> = M extends { readonly input?: infer I } ? InferInput<NonNullable<I>> : unknown;
type OutputOf<M> = M extends { readonly output?: infer O } ? InferOutput<NonNullable<O>> : unknown;
type ClientMethod<M, Options> =
  undefined extends InputOf<M> ? (input?: InputOf<M>, options?: Options) => Promise<OutputOf<M>> : (input: InputOf<M>, options?: Options) => Promise<OutputOf<M>>;

/** A typed client: one method a command. */
export type Client<C, Options = CallOptions> = {
  readonly [K in keyof C as C[K] extends Command<infer _I, infer _O, infer _E> ? K : never]: ClientMethod<C[K], Options>;
};

/** The errors a command declares. */
export type ErrorsOf<M> = M extends { readonly errors: infer E extends ErrorSchemas } ? E : NoErrors;

/** What a handler of a command or hook looks like, given the type of its second argument. */
export type HandlerFor<M, Call> = M extends { readonly kind: 'command' | 'hook' } ? (input: HandlerInput<M>, call: Call) => HandlerOutput<M> | Promise<HandlerOutput<M>> : never;
type HandlerInput<M> = M extends { readonly input?: infer I } ? InferOutput<NonNullable<I>> : unknown;
type HandlerOutput<M> = M extends { readonly output?: infer O } ? InferInput<NonNullable<O>> : unknown;

/** Input and output of a hook as its caller sees them. */
export type HookInput<M> = InputOf<M>;
/** One handler's answer as the hook's caller sees it. */
export type HookOutput<M> = OutputOf<M>;

/** The payload an emitter passes. */
export type EventInput<M> = M extends Event<infer P> ? InferInput<P> : never;
/** The payload a listener receives. */
export type EventOutput<M> = M extends Event<infer P> ? InferOutput<P> : never;
