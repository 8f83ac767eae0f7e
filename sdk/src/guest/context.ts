/**
 * Builds the context that `activate` receives. It decides no permission: the kernel checks each
 * use.
 */
import type {
  CommandInfo,
  EventEnvelope,
  EventInfo,
  LooseHandler,
  Middleware,
  MiddlewareCall,
  PluginContext,
  PluginStorage,
  Registered,
} from '../context.js';
import type {
  AnyContract,
  CallOptions,
  Command,
  Event,
  EventQueue,
  Hook,
} from '../contract/contract.js';
import { membersOf } from '../contract/contract.js';
import { createSharedError, messageOf, PluginValidationError } from '../contract/errors.js';
import { foldAnswers, type HookOptions, type HookOutcome } from '../contract/hook-answers.js';
import type { Manifest } from '../contract/manifest.js';
import { isMemberName, messageMember } from '../contract/names.js';
import type { PermissionName } from '../contract/permission-names.js';
import { policyOf } from '../contract/policy.js';
import {
  type HookMode,
  LOG_LEVELS,
  type LogLevel,
  Op,
  type Registration,
  type RegistrationKind,
  type StorageVerb,
} from '../contract/protocol.js';
import {
  asPromise,
  describeIssues,
  isPromiseLike,
  type Parsed,
  parseSchema,
} from '../contract/schema.js';
import { DISPOSE, disposable, type Scope } from '../contract/scope.js';
import { A_TIME } from '../contract/time.js';
import { cutText, stackOf, withoutBundle } from '../contract/wire-error.js';
import { takeTimers } from '../rpc/deadlines.js';
import type { Link } from '../rpc/link.js';
import { attempt, contractIn, functionIn, textIn } from './arguments.js';
import { createClient, type Execute } from './client.js';
import { createFetch } from './fetch.js';
import { createFiles } from './files.js';
import {
  EventCause,
  HandlerCall,
  type HandlerScope,
  handling,
  onOwnBehalf,
  parentOf,
} from './handler-call.js';
import { metaOf, requestAbout, requestKernel, timeoutOf } from './kernel-calls.js';
import type { Lanes } from './lanes.js';
import type { Handle, Listener, Registrations } from './registrations.js';

/** What a context is built from. */
export interface ContextParts {
  readonly link: Link;
  readonly manifest: Manifest;
  readonly tenant: string;
  readonly handling: HandlerScope;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly registrations: Registrations;
  readonly lanes: Lanes;
  /** The current settings. */
  readonly config: () => unknown;
  /** Contracts by the name the plugin uses. */
  readonly needs: ReadonlyMap<
    string,
    { readonly contract: AnyContract; readonly optional: boolean }
  >;
  /** Names of the needs that have a provider now. The kernel keeps it up to date. */
  readonly available: ReadonlySet<string>;
}

/** Creates the context of one activation. */
export function createContext(
  parts: ContextParts,
): PluginContext<Record<string, unknown>, unknown> {
  const { link, manifest, scope } = parts;
  const register = createRegistrar(parts);
  const ownId = (name: string, what: string) => {
    if (textIn(name, `the name of a ${what}`).includes(':')) return name;
    if (!isMemberName(name))
      throw createSharedError(
        'contract/invalid',
        `'${name}' is not a name for a ${what}: letters and digits, lower-case first`,
        { plugin: manifest.id },
      );
    return `${manifest.id}:${name}`;
  };
  const emit = async (topic: string, payload: unknown) => {
    await requestAbout(
      link,
      Op.emit,
      topic,
      payload,
      parentOf(parts.handling, undefined)?.sequence || undefined,
    );
  };
  const execute = createExecute(parts);
  const ask = (operation: number, ...meta: readonly unknown[]) =>
    requestKernel(link, operation, undefined, meta);
  const named = (operation: number, name: unknown, what: string) =>
    attempt(
      () =>
        ask(operation, textIn(name, what, 'call/invalid-option')) as Promise<string | undefined>,
    );
  const right = (
    operation: number,
    permission: unknown,
    scopeText: unknown,
    ...more: readonly unknown[]
  ) =>
    attempt(
      () =>
        ask(
          operation,
          textIn(permission, 'a permission', INVALID),
          textIn(scopeText, 'a scope', INVALID, 8_448),
          ...more,
        ) as Promise<boolean>,
    );
  const provideAs: PluginContext['provide'] = (contract, handlers) =>
    provide(
      parts,
      register,
      contractIn(contract),
      handlers as Readonly<Record<string, LooseHandler>>,
    );
  const context: PluginContext<Record<string, unknown>, unknown> = {
    plugin: { id: manifest.id, version: manifest.version, manifest },
    tenant: parts.tenant,
    signal: parts.signal,
    get config() {
      return parts.config() as never;
    },
    needs: createNeeds(parts, execute) as never,
    commands: {
      handle: (name, handler) =>
        register('command', ownId(name, 'command'), looseHandle(parts, handler)),
      execute: (id, input, options) => attempt(() => execute(id, input, options)),
      list: () => ask(Op.commands) as Promise<CommandInfo[]>,
    },
    events: createEvents(parts, register, emit, ownId) as never,
    hooks: createHooks(parts, register, ownId) as never,
    middleware: {
      use: (target, middleware, options) =>
        register(
          'middleware',
          target,
          middlewareHandle(parts, target, middleware),
          options && { place: options },
        ),
    },
    messaging: {
      send: (plugin, message, options) =>
        attempt(() => sendMessage(parts, plugin, message, options)),
      route: (message, options) => attempt(() => sendMessage(parts, '', message, options)),
      on: (handler) => register('command', messageMember(manifest.id), looseHandle(parts, handler)),
    },
    services: {
      provide: provideAs,
      get: (contract) => createClient(execute, contractIn(contract)) as never,
    },
    storage: createStorage(link),
    fs: createFiles(link),
    env: { get: (name) => named(Op.env, name, 'the name of a variable') },
    fetch: createFetch(link, parts.handling),
    settings: {
      get: (plugin = manifest.id) =>
        attempt(
          () =>
            execute(
              'plinth.settings:get',
              { id: textIn(plugin, PLUGIN, OPTION) },
              undefined,
            ) as Promise<Record<string, unknown>>,
        ),
      set: async (plugin, patch) => {
        if (Array.isArray(patch))
          throw new PluginValidationError(OPTION, 'settings are an object, not a list');
        await execute(
          'plinth.settings:set',
          { id: textIn(plugin, PLUGIN, OPTION), patch },
          undefined,
        );
      },
    },
    secrets: { get: (name) => named(Op.secret, name, 'the name of a secret') },
    logger: createLogger(link),
    permissions: {
      has: (permission: PermissionName, scopeText = '') =>
        right(Op.permission, permission, scopeText),
      request: (permission: PermissionName, scopeText = '*', options) => {
        const { why, for: time = Number.POSITIVE_INFINITY } = options ?? {};
        return attempt(() =>
          right(
            Op.request,
            permission,
            scopeText,
            why === undefined ? why : textIn(why, 'a reason', INVALID),
            isTimeOrNever(time),
          ),
        );
      },
    },
    provide: provideAs,
    own: ((value: Ownable | ((own: object) => unknown)) => {
      if (typeof value === 'function' && !('dispose' in value) && !(DISPOSE in value))
        return onOwnBehalf(parts.handling, value);
      const owned = value as Ownable;
      const dispose =
        owned === null || owned === undefined
          ? undefined
          : ((owned as { dispose?: unknown }).dispose ??
            (owned as { [DISPOSE]?: unknown })[DISPOSE]);
      functionIn(dispose, "'dispose' of what a plugin owns");
      scope.add(() => ('dispose' in owned ? owned.dispose() : owned[DISPOSE]()));
      return owned;
    }) as PluginContext['own'],
    defer(undo) {
      scope.add(functionIn(undo, 'what is deferred'));
    },
  };
  return Object.freeze(context);
}

const [PLUGIN, OPTION] = ['the id of a plugin', 'call/invalid-option'];
const INVALID = 'permission/invalid';

/** @throws PluginValidationError `permission/invalid`. */
function isTimeOrNever(time: unknown): number {
  if (typeof time === 'number' && time > 0) return time;
  throw new PluginValidationError(
    INVALID,
    `a right is asked for ${A_TIME}, not for ${typeof time === 'number' ? time : typeof time}`,
  );
}

/** What can end with the plugin. */
type Ownable = { dispose(): unknown } | { [DISPOSE](): unknown };

function sendMessage(
  { link, handling: scope }: ContextParts,
  plugin: string,
  message: unknown,
  options: CallOptions | undefined,
): Promise<unknown> {
  return requestKernel(
    link,
    Op.message,
    message,
    [textIn(plugin, PLUGIN, OPTION), timeoutOf(options), parentOf(scope, options)?.sequence ?? 0],
    options?.signal,
  );
}

type Register = (
  kind: RegistrationKind,
  name: string,
  target: Handle | Listener,
  options?: Pick<
    Registration,
    'timeout' | 'idempotent' | 'reentrant' | 'contract' | 'overflow' | 'queue' | 'place' | 'policy'
  >,
) => Registered;

/**
 * Registers with the kernel under a number that the guest chooses, so the call returns before the
 * kernel has answered.
 */
function createRegistrar({ link, scope, registrations }: ContextParts): Register {
  let lastHandle = 0;
  return (kind, name, target, options = {}) => {
    textIn(
      name,
      kind === 'event' ? 'a topic' : `the id of a ${kind}`,
      kind === 'event' ? 'event/invalid' : 'contract/invalid',
      512,
    );
    const handle = ++lastHandle;
    const table = (kind === 'event' ? registrations.listeners : registrations.handles) as Map<
      number,
      Handle | Listener
    >;
    const forget = scope.add(() => registered.dispose());
    table.set(handle, kind === 'event' ? target : Object.assign(target, { about: [kind, name] }));
    const confirmed = link.call('register', { handle, kind, name, ...options });
    registrations.unconfirmed.add(confirmed);
    const registered = disposable(() => {
      forget();
      table.delete(handle);
      // The kernel forgets a refused registration, and everything of an ended guest.
      link.call('unregister', handle).catch(() => {});
    });
    confirmed.catch((error: Error) => {
      createLogger(link).error(`the kernel refused a registration: ${error.message}`, {
        kind,
        name,
      });
      forget();
      table.delete(handle);
    });
    return registered;
  };
}

function provide(
  parts: ContextParts,
  register: Register,
  contract: AnyContract,
  handlers: Readonly<Record<string, LooseHandler>>,
): Registered {
  const members = membersOf(contract).filter(([, member]) => member.kind !== 'event');
  const missing = members
    .filter(([name]) => typeof handlers?.[name] !== 'function')
    .map(([name]) => name);
  if (missing.length > 0) {
    throw createSharedError(
      'contract/invalid',
      `${parts.manifest.id} provides '${contract.$id}' without a handler for ${missing.join(', ')}`,
      {
        plugin: parts.manifest.id,
        details: { missing },
      },
    );
  }
  const registered = members.map(([name, member]) => {
    const handler = (handlers[name] as LooseHandler).bind(handlers);
    const handle = schemaHandle(parts, member as Handled, handler);
    if (member.kind === 'hook')
      return register('hook', member.id, handle, { contract: contract.$id, ...limitOf(member) });
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

function looseHandle(
  { handling: scope }: ContextParts,
  handler: LooseHandler,
  member?: Handled,
): Handle {
  functionIn(handler, 'a handler');
  return (input, meta, inbound) => {
    const call = new HandlerCall(inbound, meta, scope, member);
    inbound.call = call;
    return handling(scope, call, () => handler(input, call));
  };
}

type Handled = Partial<Pick<Command, 'input' | 'errors'>> & { readonly id: string };

/** The receiver parses, so an invalid input never reaches the handler. */
function schemaHandle(parts: ContextParts, member: Handled, handler: LooseHandler): Handle {
  const run = looseHandle(parts, handler, member);
  const { id, input: schema } = member;
  if (schema === undefined) return run;
  return (input, meta, inbound) => {
    const parsed = parseSchema(schema, input);
    if (isPromiseLike(parsed))
      return parsed.then((result) => run(accept(result, id), meta, inbound));
    return run(accept(parsed as Parsed<unknown>, id), meta, inbound);
  };
}

function accept(parsed: Parsed<unknown>, id: string): unknown {
  if (parsed.ok) return parsed.value;
  throw createSharedError(
    'call/invalid-input',
    `the input of ${id} is not valid, the caller is at fault: ${describeIssues(parsed.issues)}`,
    {
      details: { command: id, side: 'caller', issues: parsed.issues },
    },
  );
}

function createEvents(
  parts: ContextParts,
  register: Register,
  emit: (topic: string, payload: unknown) => Promise<void>,
  ownId: (name: string, what: string) => string,
) {
  const on = (
    event: string | (Event & { readonly id: string }),
    listener: (...args: unknown[]) => unknown,
    options?: EventQueue,
    limit?: () => void,
  ): Registered => {
    functionIn(listener, 'a listener');
    // A listener's failure has no caller to reach: it goes to the log.
    const deliver = (
      cause: number,
      info: EventInfo | EventEnvelope,
      parsed?: readonly [unknown],
    ) => {
      const failed = (error: unknown) => {
        const { topic, source } = info;
        createLogger(parts.link).error(`a listener of ${topic} threw: ${messageOf(error)}`, {
          topic,
          source,
          stack: stackOf(error),
        });
      };
      try {
        limit?.();
        const run = () => (parsed === undefined ? listener(info) : listener(parsed[0], info));
        const result =
          cause === 0
            ? handling(parts.handling, undefined, run)
            : withCause(parts, cause, info, run);
        asPromise(result)?.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    };
    if (typeof event === 'string') {
      const envelope: Listener = (payload, topic, source, origin, cause) =>
        deliver(cause, {
          topic,
          payload,
          source,
          tenant: parts.tenant,
          ...origin,
        } satisfies EventEnvelope);
      return register('event', event, envelope, queueOf(options, undefined));
    }
    const typed: Listener = (payload, topic, source, origin, cause) => {
      const info = { topic, source, tenant: parts.tenant, ...origin };
      const pass = (parsed: Parsed<unknown>) => {
        if (parsed.ok) deliver(cause, info, [parsed.value]);
        else
          createLogger(parts.link).warn(
            `dropped an event: the payload of ${topic} is not valid, ${source} is at fault: ${describeIssues(parsed.issues)}`,
            { topic, source },
          );
      };
      const parsed = parseSchema(event.payload, payload);
      if (isPromiseLike(parsed)) void parsed.then(pass);
      else pass(parsed as Parsed<unknown>);
    };
    return register('event', event?.id, typed, queueOf(options, event));
  };
  return {
    on,
    once(event: string, listener: (...args: unknown[]) => unknown, options?: EventQueue) {
      const registered = on(event, listener, options, () => registered.dispose());
      return registered;
    },
    emit: async (event: string | (Event & { readonly id: string }), payload: unknown) => {
      if (typeof event === 'string') return emit(ownId(event, 'topic'), payload);
      textIn(event?.id, 'a topic', 'event/invalid');
      // Checked here, so that the emitter sees its own mistake. The payload is sent as given, for
      // receivers to parse.
      const parsed = await parseSchema(event.payload, payload);
      if (!parsed.ok) {
        throw createSharedError(
          'event/invalid',
          `the payload of ${event.id} is not valid, the emitter is at fault: ${describeIssues(parsed.issues)}`,
          {
            plugin: parts.manifest.id,
            details: { topic: event.id, side: 'emitter', issues: parsed.issues },
          },
        );
      }
      return emit(event.id, payload);
    },
  };
}

/** Runs a listener so that its calls inherit the event's context, until it has finished. */
function withCause(
  { link, handling: scope }: ContextParts,
  sequence: number,
  info: object,
  run: () => unknown,
): unknown {
  const cause = new EventCause(sequence);
  scope.causes.set(info, cause);
  const over = () => {
    cause.over = true;
    try {
      link.note(Op.causeOver, undefined, [sequence]);
    } catch {
      // The link is full or closed: the kernel forgets the cause after a while.
    }
  };
  let promise: Promise<unknown> | undefined;
  try {
    promise = asPromise(handling(scope, cause, run));
    return promise;
  } finally {
    if (promise === undefined) over();
    else promise.then(over, over);
  }
}

/** The listener's option, else what the event declares. */
function queueOf(options: EventQueue | undefined, event: EventQueue | undefined): EventQueue {
  const overflow = options?.overflow ?? event?.overflow;
  const queue = options?.queue ?? event?.queue;
  return { ...(overflow !== undefined && { overflow }), ...(queue !== undefined && { queue }) };
}

function createHooks(
  parts: ContextParts,
  register: Register,
  ownId: (name: string, what: string) => string,
) {
  type HookRef = string | (Hook & { readonly id: string });
  const logger = createLogger(parts.link);
  const ask = (mode: HookMode) => (hook: HookRef, input: unknown, options?: HookOptions) =>
    attempt(async () => {
      const id = textIn(typeof hook === 'string' ? hook : hook?.id, 'the id of a hook');
      const strict = options?.strict === true;
      const meta = [
        mode,
        timeoutOf(options),
        parentOf(parts.handling, options)?.sequence ?? 0,
        strict ? 1 : 0,
      ];
      const outcomes = (await requestAbout(
        parts.link,
        Op.hook,
        id,
        input,
        meta,
        options?.signal,
      )) as readonly HookOutcome[];
      return foldAnswers(hook, mode, input, outcomes, (plugin, error) => {
        if (strict) throw error;
        logger.warn(error.message, { hook: id, plugin });
      });
    });
  return {
    handle(hook: HookRef, handler: LooseHandler) {
      if (typeof hook === 'string')
        return register('hook', ownId(hook, 'hook'), looseHandle(parts, handler));
      textIn(hook?.id, 'the id of a hook');
      return register('hook', hook.id, schemaHandle(parts, hook, handler), limitOf(hook));
    },
    collect: ask('collect'),
    first: ask('first'),
    waterfall: ask('waterfall'),
    parallel: ask('parallel'),
  };
}

/** The time limit that a hook's contract sets for each handler. */
const limitOf = ({ timeout }: Hook) => (timeout === undefined ? {} : { timeout });

/**
 * A middleware step is four frames: enter (this call), next (a request back), its answer, and this
 * call's answer.
 */
function middlewareHandle(parts: ContextParts, target: string, middleware: Middleware): Handle {
  const { link, tenant, handling: scope } = parts;
  functionIn(middleware, 'a middleware');
  const kind = textIn(target, 'the target of a middleware').startsWith('event:')
    ? 'event'
    : 'command';
  return (input, meta, inbound) => {
    const call = new HandlerCall(inbound, meta, scope);
    const { requestId, caller, user, signal, subject, step } = call;
    const view: MiddlewareCall = {
      kind,
      id: subject,
      input,
      requestId,
      caller,
      tenant,
      signal,
      ...(user !== undefined && { user }),
    };
    const next = (...args: [input?: unknown]) =>
      requestKernel(link, Op.next, args[0], [step, args.length]);
    return handling(scope, call, () => middleware(view, next));
  };
}

const MAX_UPDATE_TRIES = 64;
/** The runtime's own timers: they don't count as timers of the plugin. */
const timers = takeTimers();

function createStorage(link: Link): PluginStorage {
  const ask = (verb: StorageVerb, key = '', value?: unknown, revision?: string) =>
    attempt(() =>
      requestKernel(link, Op.storage, value, [
        verb,
        textIn(key, 'a storage key', 'storage/invalid-key', 512),
        revision,
      ]),
    );
  /** Updates of one key run one after another here, so only another tab or kernel can interfere. */
  const turns = new Map<string, Promise<unknown>>();
  const update = async <T>(key: string, change: (current: T | undefined) => T): Promise<T> => {
    for (let tries = 0; tries < MAX_UPDATE_TRIES; tries++) {
      const current = (await ask('read', key)) as {
        readonly revision: string;
        readonly value: unknown;
      };
      const value = change(current.value as T | undefined);
      if (await ask('swap', key, value, current.revision)) return value;
      // Repeated conflicts with another writer: waiting a moment lets both finish.
      if (tries >= 4)
        await new Promise<void>(
          (resolve) => void timers.set(resolve, Math.random() * Math.min(tries, 32)),
        );
    }
    throw createSharedError(
      'storage/conflict',
      `'${key}' changed ${MAX_UPDATE_TRIES} times while it was updated`,
      { details: { key } },
    );
  };
  return {
    get: (key) => ask('get', key),
    set: async (key, value) => void (await ask('set', key, value)),
    delete: (key) => ask('delete', key) as Promise<boolean>,
    has: (key) => ask('has', key) as Promise<boolean>,
    keys: (prefix = '') => ask('keys', prefix) as Promise<string[]>,
    clear: async () => void (await ask('clear')),
    update(key, change) {
      const run = async () => update(key, functionIn(change, 'a change'));
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

/**
 * Lines posted one by one per window, its length in milliseconds, and how many of the lines beyond
 * go together.
 */
const [AT_ONCE, WINDOW, EACH] = [256, 100, 64];

/**
 * The plugin's log: one-way notes. A full link drops entries rather than stopping the plugin.
 *
 * @param console whether the plugin's console writes to it.
 */
export function createLogger(link: Link, console = false): PluginContext['logger'] {
  let since = 0;
  let lines = 0;
  /** A message per line of a flood would cost more than the flood. */
  const isDue = () => {
    const now = performance.now();
    if (now - since > WINDOW) [since, lines] = [now, 0];
    lines += 1;
    return lines <= AT_ONCE || lines % EACH === 0;
  };
  const log =
    (level: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
      const write = (what: typeof fields) => {
        const text = cutText(withoutBundle(String(message)), 16_384);
        link.note(
          Op.log,
          what,
          console ? [LOG_LEVELS.indexOf(level), text, 1] : [LOG_LEVELS.indexOf(level), text],
        );
        // Flushed at once: the code that follows may never end this turn.
        if (isDue()) link.flush();
      };
      try {
        write(fields);
      } catch (error) {
        // A field can't cross, or the link is full or closed: logging must never break the plugin.
        try {
          if (fields !== undefined) write({ dropped: messageOf(error) });
        } catch {
          // The link can't carry even this.
        }
      }
    };
  return Object.freeze({
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
  });
}

/**
 * Sends calls to the kernel, or over a direct lane where one is open and the call carries nothing
 * that only the kernel may pass on.
 */
function createExecute({ link, lanes, handling: scope }: ContextParts): Execute {
  return (id, input, options) => {
    textIn(id, 'the id of a command');
    const parent = parentOf(scope, options);
    const byKernel = (value: unknown) =>
      requestAbout(
        link,
        Op.execute,
        id,
        value,
        metaOf(options, parent?.sequence ?? 0),
        options?.signal,
      );
    const lane = lanes.routeOf(id);
    if (lane === undefined) return byKernel(input);
    // Switches in order: what is on the lane arrives before.
    if (parent?.carries) lane.giveWay();
    return lane.execute(
      id,
      input,
      options,
      parent instanceof HandlerCall ? parent : undefined,
      byKernel,
    );
  };
}

function createNeeds({ needs, available }: ContextParts, execute: Execute): object {
  const clients = Object.create(null) as object;
  for (const [name, { contract, optional }] of needs) {
    const client = createClient(execute, contract);
    // A getter, because an optional need appears and disappears while the plugin runs.
    Object.defineProperty(clients, name, {
      enumerable: true,
      get: () => (optional && !available.has(name) ? undefined : client),
    });
  }
  return Object.freeze(clients);
}
