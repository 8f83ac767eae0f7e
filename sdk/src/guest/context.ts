/** Builds the context that `activate` receives. Nothing here decides what is allowed: the kernel does, at each use. */
import type { CommandInfo, EventEnvelope, LooseHandler, Middleware, MiddlewareCall, PluginContext, PluginStorage, Registered } from '../context.js';
import type { AnyContract, CallOptions, Command, Event, EventQueue, Hook } from '../contract/contract.js';
import { membersOf } from '../contract/contract.js';
import { createSharedError, messageOf } from '../contract/errors.js';
import { foldAnswers, type HookOptions, type HookOutcome } from '../contract/hook-answers.js';
import type { Manifest } from '../contract/manifest.js';
import { isMemberName, messageMember } from '../contract/names.js';
import type { PermissionName } from '../contract/permission-names.js';
import { type DeclaredCallPolicy, POLICY_PARTS } from '../contract/policy.js';
import { type HookMode, LOG_LEVELS, type LogLevel, Op, type Registration, type RegistrationKind, type StorageVerb } from '../contract/protocol.js';
import { asPromise, describeIssues, isPromiseLike, type Parsed, parseSchema } from '../contract/schema.js';
import { DISPOSE, disposable, type Scope } from '../contract/scope.js';
import { takeTimers } from '../rpc/deadlines.js';
import type { Link } from '../rpc/link.js';
import { createClient, type Execute } from './client.js';
import { EventCause, HandlerCall, type HandlerScope, handling, parentOf } from './handler-call.js';
import type { Lanes } from './lanes.js';
import { createFiles } from './files.js';
import { createFetch } from './fetch.js';
import type { Handle, Listener, Registrations } from './registrations.js';
import { metaOf, requestAbout, requestKernel, timeoutOf } from './kernel-calls.js';

/** What a context is made of. */
export interface ContextParts {
  readonly link: Link;
  readonly manifest: Manifest;
  readonly tenant: string;
  readonly handling: HandlerScope;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly registrations: Registrations;
  readonly lanes: Lanes;
  /** The settings as they are now. */
  readonly config: () => unknown;
  /** Contracts by the name the plugin gave them. */
  readonly needs: ReadonlyMap<string, { readonly contract: AnyContract; readonly optional: boolean }>;
  /** Names of the needs somebody provides now; kept up to date by the kernel. */
  readonly available: ReadonlySet<string>;
}

/** Makes the context of one activation. */
export function createContext(parts: ContextParts): PluginContext<Record<string, unknown>, unknown> {
  const { link, manifest, scope } = parts;
  const register = createRegistrar(parts);
  const ownId = (name: string, what: string) => {
    if (name.includes(':')) return name;
    if (!isMemberName(name)) throw createSharedError('contract/invalid', `'${name}' is not a name for a ${what}: letters and digits, lower-case first`, { plugin: manifest.id });
    return `${manifest.id}:${name}`;
  };
  const emit = async (topic: string, payload: unknown) => {
    await requestAbout(link, Op.emit, topic, payload, parentOf(parts.handling, undefined)?.sequence || undefined);
  };
  const execute = createExecute(parts);
  const ask = (operation: number, ...meta: readonly unknown[]) => requestKernel(link, operation, undefined, meta);
  const provideAs: PluginContext['provide'] = (contract, handlers) => provide(parts, register, contract, handlers as Readonly<Record<string, LooseHandler>>);
  const context: PluginContext<Record<string, unknown>, unknown> = {
    plugin: { id: manifest.id, version: manifest.version, manifest },
    tenant: parts.tenant,
    signal: parts.signal,
    get config() {
      return parts.config() as never;
    },
    needs: createNeeds(parts, execute) as never,
    commands: {
      handle: (name, handler) => register('command', ownId(name, 'command'), looseHandle(parts, handler)),
      execute: (id, input, options) => attempt(() => execute(id, input, options)),
      list: () => ask(Op.commands) as Promise<CommandInfo[]>,
    },
    events: createEvents(parts, register, emit, ownId) as never,
    hooks: createHooks(parts, register, ownId) as never,
    middleware: {
      use: (target, middleware, options) => register('middleware', target, middlewareHandle(parts, target, middleware), options && { place: options }),
    },
    messaging: {
      send: (plugin, message, options) => attempt(() => sendMessage(parts, plugin, message, options)),
      route: (message, options) => attempt(() => sendMessage(parts, '', message, options)),
      on: (handler) => register('command', messageMember(manifest.id), looseHandle(parts, handler)),
    },
    services: {
      provide: provideAs,
      get: (contract) => createClient(execute, contract) as never,
    },
    storage: createStorage(link),
    fs: createFiles(link),
    env: { get: (name) => ask(Op.env, name) as Promise<string | undefined> },
    fetch: createFetch(link, parts.handling),
    secrets: { get: (name) => ask(Op.secret, name) as Promise<string | undefined> },
    logger: createLogger(link),
    permissions: {
      has: (permission: PermissionName, scopeText = '') => ask(Op.permission, permission, scopeText) as Promise<boolean>,
      request: (permission: PermissionName, scopeText = '*', { why, for: time = 0 } = {}) => ask(Op.request, permission, scopeText, why, time) as Promise<boolean>,
    },
    provide: provideAs,
    own(value) {
      scope.add(() => ('dispose' in value ? value.dispose() : value[DISPOSE]()));
      return value;
    },
    defer(undo) {
      scope.add(undo);
    },
  };
  return Object.freeze(context);
}

function sendMessage({ link, handling: scope }: ContextParts, plugin: string, message: unknown, options: CallOptions | undefined): Promise<unknown> {
  return requestKernel(link, Op.message, message, [plugin, timeoutOf(options), parentOf(scope, options)?.sequence ?? 0], options?.signal);
}

type Register = (
  kind: RegistrationKind,
  name: string,
  target: Handle | Listener,
  options?: Pick<Registration, 'timeout' | 'idempotent' | 'reentrant' | 'contract' | 'overflow' | 'queue' | 'place' | 'policy'>,
) => Registered;

/** Registers with the kernel by a number of the guest's own choosing: the call returns before the kernel has answered. */
function createRegistrar({ link, scope, registrations }: ContextParts): Register {
  let lastHandle = 0;
  return (kind, name, target, options = {}) => {
    const handle = ++lastHandle;
    const table = (kind === 'event' ? registrations.listeners : registrations.handles) as Map<number, Handle | Listener>;
    const forget = scope.add(() => registered.dispose());
    table.set(handle, target);
    const confirmed = link.call('register', { handle, kind, name, ...options });
    registrations.unconfirmed.add(confirmed);
    const registered = disposable(() => {
      forget();
      table.delete(handle);
      // The kernel forgets a refused registration, and everything of a guest that is gone.
      link.call('unregister', handle).catch(() => {});
    });
    confirmed.catch((error: Error) => {
      createLogger(link).error(`the kernel refused a registration: ${error.message}`, { kind, name });
      forget();
      table.delete(handle);
    });
    return registered;
  };
}

function provide(parts: ContextParts, register: Register, contract: AnyContract, handlers: Readonly<Record<string, LooseHandler>>): Registered {
  const members = membersOf(contract).filter(([, member]) => member.kind !== 'event');
  const missing = members.filter(([name]) => typeof handlers[name] !== 'function').map(([name]) => name);
  if (missing.length > 0) {
    throw createSharedError('contract/invalid', `${parts.manifest.id} provides '${contract.$id}' without a handler for ${missing.join(', ')}`, {
      plugin: parts.manifest.id,
      details: { missing },
    });
  }
  const registered = members.map(([name, member]) => {
    const handler = (handlers[name] as LooseHandler).bind(handlers);
    const handle = schemaHandle(parts, member as Handled, handler);
    if (member.kind === 'hook') return register('hook', member.id, handle, { contract: contract.$id, ...limitOf(member) });
    const { timeout, idempotent, reentrant } = member as Command;
    const policy = policyOf(member as Command);
    return register('command', member.id, handle, {
      contract: contract.$id,
      idempotent,
      ...(timeout !== undefined && { timeout }),
      ...(reentrant === true && { reentrant }),
      ...(policy && { policy }),
    });
  });
  return disposable(() => {
    for (const one of registered.reverse()) one.dispose();
  });
}

/** What a command's contract asks the kernel to do for it. */
function policyOf(command: Command): DeclaredCallPolicy | undefined {
  const parts = POLICY_PARTS.filter((part) => command[part] !== undefined);
  return parts.length === 0 ? undefined : Object.fromEntries(parts.map((part) => [part, command[part]]));
}

function looseHandle({ handling: scope }: ContextParts, handler: LooseHandler, member?: Handled): Handle {
  return (input, meta, inbound) => {
    const call = new HandlerCall(inbound, meta, scope, member);
    return handling(scope, call, () => handler(input, call));
  };
}

type Handled = Partial<Pick<Command, 'input' | 'errors'>> & { readonly id: string };

/** The receiver parses: an input that doesn't fit never reaches the handler. */
function schemaHandle(parts: ContextParts, member: Handled, handler: LooseHandler): Handle {
  const run = looseHandle(parts, handler, member);
  const { id, input: schema } = member;
  if (schema === undefined) return run;
  return (input, meta, inbound) => {
    const parsed = parseSchema(schema, input);
    if (isPromiseLike(parsed)) return parsed.then((result) => run(accept(result, id), meta, inbound));
    return run(accept(parsed as Parsed<unknown>, id), meta, inbound);
  };
}

function accept(parsed: Parsed<unknown>, id: string): unknown {
  if (parsed.ok) return parsed.value;
  throw createSharedError('call/invalid-input', `the input of ${id} is not valid, the caller is at fault: ${describeIssues(parsed.issues)}`, {
    details: { command: id, side: 'caller', issues: parsed.issues },
  });
}

function createEvents(parts: ContextParts, register: Register, emit: (topic: string, payload: unknown) => Promise<void>, ownId: (name: string, what: string) => string) {
  const on = (event: string | (Event & { readonly id: string }), listener: (...args: unknown[]) => unknown, options?: EventQueue, limit?: () => void): Registered => {
    const failed = (error: unknown) => createLogger(parts.link).error(`a listener threw: ${messageOf(error)}`);
    // A listener's failure is nobody's answer: it goes to the log.
    const deliver = (cause: number, info: object, parsed?: readonly [unknown]) => {
      try {
        limit?.();
        const run = () => (parsed === undefined ? listener(info) : listener(parsed[0], info));
        const result = cause === 0 ? run() : carrying(parts.handling, cause, info, run);
        asPromise(result)?.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    };
    if (typeof event === 'string') {
      const envelope: Listener = (payload, topic, source, origin, cause) => deliver(cause, { topic, payload, source, tenant: parts.tenant, ...origin } satisfies EventEnvelope);
      return register('event', event, envelope, queueOf(options, undefined));
    }
    const typed: Listener = (payload, topic, source, origin, cause) => {
      const info = { topic, source, tenant: parts.tenant, ...origin };
      const pass = (parsed: Parsed<unknown>) => {
        if (parsed.ok) deliver(cause, info, [parsed.value]);
        else createLogger(parts.link).warn(`dropped an event: the payload of ${topic} is not valid, ${source} is at fault: ${describeIssues(parsed.issues)}`, { topic, source });
      };
      const parsed = parseSchema(event.payload, payload);
      if (isPromiseLike(parsed)) void parsed.then(pass);
      else pass(parsed as Parsed<unknown>);
    };
    return register('event', event.id, typed, queueOf(options, event));
  };
  return {
    on,
    once(event: string, listener: (...args: unknown[]) => unknown, options?: EventQueue) {
      const registered = on(event, listener, options, () => registered.dispose());
      return registered;
    },
    emit: async (event: string | (Event & { readonly id: string }), payload: unknown) => {
      if (typeof event === 'string') return emit(ownId(event, 'topic'), payload);
      // The emitter's mistake should show at the emitter; what is sent is the payload as given, for receivers to parse.
      const parsed = await parseSchema(event.payload, payload);
      if (!parsed.ok) {
        throw createSharedError('event/invalid', `the payload of ${event.id} is not valid, the emitter is at fault: ${describeIssues(parsed.issues)}`, {
          plugin: parts.manifest.id,
          details: { topic: event.id, side: 'emitter', issues: parsed.issues },
        });
      }
      return emit(event.id, payload);
    },
  };
}

/** Runs a listener as one whose calls are made for what its event was emitted for. */
function carrying<T>(scope: HandlerScope, sequence: number, info: object, run: () => T): T {
  const cause = new EventCause(sequence);
  scope.causes.set(info, cause);
  return handling(scope, cause, run);
}

/** What the listener asks for, else what the event declares. */
function queueOf(options: EventQueue | undefined, event: EventQueue | undefined): EventQueue {
  const overflow = options?.overflow ?? event?.overflow;
  const queue = options?.queue ?? event?.queue;
  return { ...(overflow !== undefined && { overflow }), ...(queue !== undefined && { queue }) };
}

function createHooks(parts: ContextParts, register: Register, ownId: (name: string, what: string) => string) {
  type HookRef = string | (Hook & { readonly id: string });
  const logger = createLogger(parts.link);
  const ask = (mode: HookMode) => (hook: HookRef, input: unknown, options?: HookOptions) =>
    attempt(async () => {
      const id = typeof hook === 'string' ? hook : hook.id;
      const strict = options?.strict === true;
      const meta = [mode, timeoutOf(options), parentOf(parts.handling, options)?.sequence ?? 0, strict ? 1 : 0];
      const outcomes = (await requestAbout(parts.link, Op.hook, id, input, meta, options?.signal)) as readonly HookOutcome[];
      return foldAnswers(hook, mode, input, outcomes, (plugin, error) => {
        if (strict) throw error;
        logger.warn(error.message, { hook: id, plugin });
      });
    });
  return {
    handle(hook: HookRef, handler: LooseHandler) {
      if (typeof hook === 'string') return register('hook', ownId(hook, 'hook'), looseHandle(parts, handler));
      return register('hook', hook.id, schemaHandle(parts, hook, handler), limitOf(hook));
    },
    collect: ask('collect'),
    first: ask('first'),
    waterfall: ask('waterfall'),
    parallel: ask('parallel'),
  };
}

/** What a hook's contract allows each of its handlers. */
const limitOf = ({ timeout }: Hook) => (timeout === undefined ? {} : { timeout });

/** A middleware step is four frames: enter (this call), next (a request back), its answer, and this call's answer. */
function middlewareHandle(parts: ContextParts, target: string, middleware: Middleware): Handle {
  const { link, tenant, handling: scope } = parts;
  const kind = target.startsWith('event:') ? 'event' : 'command';
  return (input, meta, inbound) => {
    const call = new HandlerCall(inbound, meta, scope);
    const { requestId, caller, user, signal, subject, step } = call;
    const view: MiddlewareCall = { kind, id: subject, input, requestId, caller, tenant, signal, ...(user !== undefined && { user }) };
    const next = (...args: [input?: unknown]) => requestKernel(link, Op.next, args[0], [step, args.length]);
    return handling(scope, call, () => middleware(view, next));
  };
}

const MAX_UPDATE_TRIES = 64;
/** The runtime's own: they are no timers of the plugin. */
const timers = takeTimers();

function createStorage(link: Link): PluginStorage {
  const ask = (verb: StorageVerb, key = '', value?: unknown, revision?: string) => requestKernel(link, Op.storage, value, [verb, key, revision]);
  /** Updates of one key follow one another here, so that only another tab or kernel can get in between. */
  const turns = new Map<string, Promise<unknown>>();
  const update = async <T>(key: string, change: (current: T | undefined) => T): Promise<T> => {
    for (let tries = 0; tries < MAX_UPDATE_TRIES; tries++) {
      const current = (await ask('read', key)) as { readonly revision: string; readonly value: unknown };
      const value = change(current.value as T | undefined);
      if (await ask('swap', key, value, current.revision)) return value;
      // Somebody else is faster again and again: stepping aside for a moment lets both through.
      if (tries >= 4) await new Promise<void>((resolve) => void timers.set(resolve, Math.random() * Math.min(tries, 32)));
    }
    throw createSharedError('storage/conflict', `'${key}' changed ${MAX_UPDATE_TRIES} times while it was updated`, { details: { key } });
  };
  return {
    get: (key) => ask('get', key),
    set: async (key, value) => void (await ask('set', key, value)),
    delete: (key) => ask('delete', key) as Promise<boolean>,
    has: (key) => ask('has', key) as Promise<boolean>,
    keys: (prefix = '') => ask('keys', prefix) as Promise<string[]>,
    clear: async () => void (await ask('clear')),
    update(key, change) {
      const run = () => update(key, change);
      const done = (turns.get(key) ?? Promise.resolve()).then(run, run);
      turns.set(key, done);
      const forget = () => {
        if (turns.get(key) === done) turns.delete(key);
      };
      done.then(forget, forget);
      return done;
    },
  };
}

/** The plugin's log: one-way notes. A full link drops entries rather than stop the plugin. */
export function createLogger(link: Link): PluginContext['logger'] {
  const log = (level: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    try {
      link.note(Op.log, fields, [LOG_LEVELS.indexOf(level), String(message)]);
    } catch {
      // A field that can't cross, or a link that is full or closed: logging must never break the plugin.
    }
  };
  return Object.freeze({ debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') });
}

/** Calls go to the kernel, or directly where it has opened a lane and there is nothing that only the kernel may carry on. */
function createExecute({ link, lanes, handling: scope }: ContextParts): Execute {
  return (id, input, options) => {
    const parent = parentOf(scope, options);
    const byKernel = (value: unknown) => requestAbout(link, Op.execute, id, value, metaOf(options, parent?.sequence ?? 0), options?.signal);
    const lane = lanes.routeOf(id);
    if (lane === undefined) return byKernel(input);
    // In its turn: what is on the lane arrives before.
    if (parent?.carries) lane.giveWay();
    return lane.execute(id, input, options, parent instanceof HandlerCall ? parent : undefined, byKernel);
  };
}

function createNeeds({ needs, available }: ContextParts, execute: Execute): object {
  const clients = Object.create(null) as object;
  for (const [name, { contract, optional }] of needs) {
    const client = createClient(execute, contract);
    // A getter, because an optional need comes and goes while the plugin runs.
    Object.defineProperty(clients, name, { enumerable: true, get: () => (optional && !available.has(name) ? undefined : client) });
  }
  return Object.freeze(clients);
}

/** Makes a throwing start a rejection: an async method never throws at its caller. */
function attempt(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}
