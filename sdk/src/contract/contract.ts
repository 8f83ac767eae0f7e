/**
 * Contracts: what plugins say to each other, as types and schemas only. There are four primitives.
 * A command has one provider and one answer. An event has any number of listeners and no answer. A
 * hook has any number of handlers and all their answers. Middleware wraps commands and events and
 * needs no declaration.
 */
import { createSharedError } from './errors.js';
import { isMemberName, parseContractId, pluginIdProblem } from './names.js';
import type { DeclaredCallPolicy } from './policy.js';
import type { Schema } from './schema.js';
import { A_TIME, isTime } from './time.js';

/** Schemas of the errors a command declares, by bare key. */
export type ErrorSchemas = Readonly<Record<string, Schema>>;

/** A command's declaration; see {@link command}. */
export interface Command<
  I extends Schema = Schema,
  O extends Schema = Schema,
  E extends ErrorSchemas = ErrorSchemas,
> extends DeclaredCallPolicy {
  readonly kind: 'command';
  readonly input?: I;
  readonly output?: O;
  readonly errors: E;
  /** Whether running it twice has the same effect as once, so that it may be retried. */
  readonly idempotent: boolean;
  /** Milliseconds a call may take; the kernel's default (30 000) when absent. */
  readonly timeout?: number;
  /**
   * Whether it may be called, directly or indirectly, while it answers a call of the same chain.
   * Refused when absent.
   */
  readonly reentrant?: boolean;
}

/**
 * What happens to events for a listener whose queue is full: the emitter waits (`block`), the
 * oldest or the newest queued event is dropped, or only the `latest` one is queued. Drops are
 * counted and announced.
 */
export type Overflow = 'block' | 'drop-oldest' | 'drop-newest' | 'latest';

/** Most events queued for one listener. */
export const MAX_QUEUE = 8_192;

/** How events are queued for a busy listener. */
export interface EventQueue {
  /** `drop-oldest` when absent. */
  readonly overflow?: Overflow;
  /** Most queued events, 1 to 8 192; 1 024 when absent. */
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
  /** Milliseconds each handler may take; the kernel's default (30 000) when absent. */
  readonly timeout?: number;
}

/** Any member of a contract. */
export type Member = Command | Event | Hook;

/** A member inside its contract: the declaration plus its wire id. */
export type Ref<M, Id extends string, K extends string> = M & { readonly id: `${Id}:${K}` };

/** `com.example.notes@1` → `com.example.notes`. */
export type BaseId<T extends string> = T extends `${infer Base}@${string}` ? Base : T;

/** A named, versioned set of members. */
export type Contract<
  Id extends string = string,
  M extends Record<string, Member> = Record<string, Member>,
> = {
  readonly $id: Id;
} & { readonly [K in keyof M & string]: Ref<M[K], BaseId<Id>, K> };

/** Any contract, where its members don't matter. */
export interface AnyContract {
  readonly $id: string;
}

type NoErrors = Record<never, Schema>;

/** The errors a command declares; none when it declares no errors. */
export type ErrorsOf<M> = M extends { readonly errors: infer E extends ErrorSchemas }
  ? string extends keyof E
    ? NoErrors
    : E
  : NoErrors;

/**
 * Declares a command: one request, one provider, one answer.
 *
 * The receiver parses `input` before the handler runs; the caller parses `output`. Without a schema
 * any wire value passes. Declared `errors` reach the caller as typed {@link PluginDeclaredError}s.
 *
 * `retry`, `breaker`, `bulkhead`, `rate` and `cache` are described in `docs/resilience.md`; the
 * application may override them.
 *
 * @example
 * command({ input: v.object({ text: v.string() }), output: v.object({ id: v.string() }), timeout: 5_000 })
 */
export function command<
  I extends Schema = Schema,
  O extends Schema = Schema,
  E extends ErrorSchemas = NoErrors,
>(
  spec: DeclaredCallPolicy & {
    readonly input?: I;
    readonly output?: O;
    readonly errors?: E;
    readonly idempotent?: boolean;
    /** Milliseconds. */
    readonly timeout?: number;
    /**
     * Whether it may be called, directly or indirectly, while it answers a call of the same chain.
     */
    readonly reentrant?: boolean;
  },
): Command<I, O, E> {
  return {
    kind: 'command',
    ...spec,
    errors: spec.errors ?? ({} as E),
    idempotent: spec.idempotent ?? false,
  };
}

/**
 * Declares an event: a past fact with any number of listeners and no answer.
 *
 * @param queue what happens when a listener is too slow.
 * @example
 * event(v.object({ id: v.string() }))
 * event(v.object({ x: v.number(), y: v.number() }), { overflow: 'latest' }) // only the last position matters
 */
export function event<P extends Schema>(payload: P, queue: EventQueue = {}): Event<P> {
  return { kind: 'event', payload, ...queue };
}

/**
 * Declares a hook: every handler is asked. The caller gets all answers (`collect`), the first one
 * (`first`), a value passed through all of them (`waterfall`), or the outcome of each (`parallel`).
 *
 * @example
 * hook({ input: v.string(), output: v.string() })
 */
export function hook<I extends Schema = Schema, O extends Schema = Schema>(spec: {
  readonly input?: I;
  readonly output?: O;
  /** Milliseconds each handler may take. */
  readonly timeout?: number;
}): Hook<I, O> {
  return { kind: 'hook', ...spec };
}

/**
 * Declares a contract. Its id is the id of the plugin that owns it plus a major version. Each
 * member's wire id is `<plugin>:<member>`.
 *
 * @throws PluginValidationError `contract/invalid` when the id or a member name is malformed.
 * @example
 * export const Notes = contract('com.example.notes@1', {
 *   add: command({ input: v.object({ text: v.string() }), output: v.object({ id: v.string() }) }),
 *   added: event(v.object({ id: v.string() })),
 * });
 */
export function contract<const Id extends string, M extends Record<string, Member>>(
  id: Id,
  members: M,
): Contract<Id, M> {
  const parsed = parseContractId(id);
  if (parsed === undefined) {
    throw createSharedError(
      'contract/invalid',
      `'${id}' is not a contract id: write '<plugin id>@<major>', like 'com.example.notes@1'`,
    );
  }
  const problem = parsed.base.startsWith('plinth.') ? undefined : pluginIdProblem(parsed.base);
  if (problem !== undefined)
    throw createSharedError('contract/invalid', `contract '${id}': ${problem}`);
  const refs: Record<string, unknown> = { $id: id };
  for (const [name, member] of Object.entries(Object(members) as M)) {
    if (!isMemberName(name))
      throw createSharedError(
        'contract/invalid',
        `contract '${id}': '${name}' is not a member name (letters and digits, lower-case first)`,
      );
    checkMember(`contract '${id}': '${name}'`, member);
    refs[name] = Object.freeze({ ...member, id: `${parsed.base}:${name}` });
  }
  return Object.freeze(refs) as Contract<Id, M>;
}

/** Without this check an invalid time would act as the shortest possible one. */
function checkMember(what: string, member: Member): void {
  if (Object(member).kind === undefined)
    throw createSharedError('contract/invalid', `${what} is no member`);
  const { timeout, queue } = member as { readonly timeout?: unknown; readonly queue?: unknown };
  if (timeout !== undefined && !isTime(timeout))
    throw createSharedError(
      'contract/invalid',
      `${what}: 'timeout' must be ${A_TIME}, not ${String(timeout)}`,
    );
  if (
    queue !== undefined &&
    !(Number.isSafeInteger(queue) && (queue as number) >= 1 && (queue as number) <= MAX_QUEUE)
  )
    throw createSharedError(
      'contract/invalid',
      `${what}: 'queue' must be a whole number from 1 to ${MAX_QUEUE}, not ${String(queue)}`,
    );
}

/** The members of a contract with their bare names, in the order of declaration. */
export function membersOf(
  of: AnyContract,
): readonly (readonly [string, Ref<Member, string, string>])[] {
  return Object.entries(of).filter(([name]) => name !== '$id') as [
    string,
    Ref<Member, string, string>,
  ][];
}

/** The names of a contract's members that need a handler: commands and hooks. */
export function handledMembers(of: AnyContract): readonly string[] {
  return membersOf(of).flatMap(([name, member]) => (member.kind === 'event' ? [] : [name]));
}

/** What a plugin lists in `needs` for an optional contract. */
export interface Optional<C> {
  readonly optional: C;
}

/**
 * Marks a need as optional: `ctx.needs.<name>` is `undefined` while it has no provider.
 *
 * @example
 * definePlugin({ needs: { search: optional(Search) }, … })
 */
export function optional<C extends AnyContract>(of: C): Optional<C> {
  return { optional: of };
}
