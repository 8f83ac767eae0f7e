/**
 * The control plane: Comlink, behind a guard.
 *
 * A bare `Comlink.expose()` gives the other side this realm: CONSTRUCT on a constructor's
 * constructor runs text as code, SET reaches prototypes, RELEASE unplugs the port, and a malformed
 * message throws outside Comlink's own `try`. So Comlink only sees messages rebuilt here: APPLY of
 * one own method with plain arguments. Answers are outcomes made of data, never Comlink's own
 * handlers.
 */
import { expose, releaseProxy, wrap } from 'comlink';
import { createSharedError } from '../contract/errors.js';
import type { Outcome } from '../contract/protocol.js';
import { errorToWire } from '../contract/wire-error.js';
import { DEFAULT_BOUNDS, NO_BOUNDS } from './bounds.js';
import type { MessageEventLike } from './endpoint.js';
import { decodeError, decodeValue, encodeValue } from './value.js';

/** Methods one side offers to the other. */
export type ControlApi = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** One side of the control plane. The link moves its messages; this checks them. */
export interface Control {
  /** Calls a method of the other side. The link settles pending calls when the guest ends. */
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  /**
   * Takes a request of the other side. Returns why it was refused, or undefined when it was passed
   * on.
   */
  receiveRequest(message: unknown): Refusal | undefined;
  /** Takes a reply of the other side. */
  receiveReply(message: unknown): Refusal | undefined;
  /** A request of this side could not be sent. */
  fail(message: unknown, error: Error): void;
  close(): void;
}

/** Why a control message was refused, and the id to answer, when there is one. */
export interface Refusal {
  readonly reason: string;
  readonly id?: string;
}

/** How a {@link Control} reaches its link. */
export interface ControlWire {
  postRequest(message: unknown): void;
  postReply(message: unknown): void;
  /** Set on the other side's errors. */
  readonly plugin: string | undefined;
  /** Whether stacks may leave this side. */
  readonly stacks: boolean;
}

/** Connects an API to the wire, both directions over Comlink. */
export function createControl(api: ControlApi, wire: ControlWire): Control {
  // The kernel's own values have no bounds here: settings and state were checked before, and code
  // has a limit of its own.
  const [mine, theirs] =
    wire.plugin === undefined ? [DEFAULT_BOUNDS, NO_BOUNDS] : [NO_BOUNDS, DEFAULT_BOUNDS];
  const encode = (value: unknown) => encodeValue(value, mine);
  const decode = (value: unknown) => decodeValue(value, wire.plugin, theirs);
  const methods = guardedMethods(api, wire, encode, decode);
  const requests = new MessageDoor((message) => wire.postReply(message));
  const replies = new MessageDoor((message) => wire.postRequest(message));
  expose(methods, requests);
  // Kept for the life of the link: Comlink closes the port when its root proxy is collected.
  const remote = wrap<Record<string, (...args: unknown[]) => Promise<Outcome<unknown>>>>(replies);
  return {
    async call(method, args) {
      const outcome = await (remote[method] as (...args: unknown[]) => Promise<Outcome<unknown>>)(
        ...args.map(encode),
      );
      if (outcome.ok) return decode(outcome.value);
      throw decodeError(outcome.error, wire.plugin);
    },
    receiveRequest(message) {
      const request = checkRequest(message, methods);
      if ('reason' in request) return request;
      requests.deliver(request);
      return undefined;
    },
    receiveReply(message) {
      const reply = checkReply(message);
      if ('reason' in reply) return reply;
      replies.deliver(reply);
      return undefined;
    },
    fail(message, error) {
      replies.deliver(failedReply(message, error));
    },
    close() {
      requests.close();
      replies.close();
      (remote as unknown as Record<typeof releaseProxy, () => void>)[releaseProxy]();
    },
  };
}

/** The reply that tells a sender its control message was refused. */
export function refusalReply(refusal: Refusal): unknown {
  return failedReply(
    refusal,
    createSharedError('wire/refused', `refused a control message: ${refusal.reason}`),
  );
}

/** The reply in place of one that can't be produced. */
export function failedReply(message: unknown, error: Error): unknown {
  const { id } = message as { readonly id?: unknown };
  return { id, type: 'RAW', value: { ok: false, error: errorToWire(error, false, encodeValue) } };
}

function guardedMethods(
  api: ControlApi,
  wire: ControlWire,
  encode: (value: unknown) => unknown,
  decode: (value: unknown) => unknown,
): ControlApi {
  const methods: Record<string, (...args: never[]) => Promise<Outcome<unknown>>> =
    Object.create(null);
  for (const [name, method] of Object.entries(api)) {
    methods[name] = async (...args) => {
      try {
        return { ok: true, value: encode(await method(...(args.map(decode) as never[]))) };
      } catch (error) {
        return { ok: false, error: errorToWire(error, wire.stacks, encodeValue) };
      }
    };
  }
  return Object.freeze(methods);
}

interface ApplyRequest {
  readonly id: string;
  readonly type: 'APPLY';
  readonly path: readonly [string];
  readonly argumentList: readonly { readonly type: 'RAW'; readonly value: unknown }[];
}

const REQUEST_KEYS: ReadonlySet<string> = new Set(['id', 'type', 'path', 'argumentList']);
const MAX_ARGUMENTS = 4;

function checkRequest(message: unknown, methods: ControlApi): ApplyRequest | Refusal {
  if (!isRecord(message)) return { reason: 'not a record' };
  const id = idOf(message);
  if (id === undefined) return { reason: 'no id' };
  if (!Object.keys(message).every((key) => REQUEST_KEYS.has(key)))
    return { reason: 'unknown keys', id };
  if (message.type !== 'APPLY')
    return {
      reason: `${typeof message.type === 'string' ? message.type.slice(0, 16) : 'no type'} is not allowed`,
      id,
    };
  const { path, argumentList } = message;
  if (!Array.isArray(path) || path.length !== 1 || typeof path[0] !== 'string')
    return { reason: 'the path is not one name', id };
  const name = path[0];
  if (!Object.hasOwn(methods, name)) return { reason: `no method '${name.slice(0, 64)}'`, id };
  if (!Array.isArray(argumentList) || argumentList.length > MAX_ARGUMENTS)
    return { reason: 'the arguments are not a short list', id };
  const args: { type: 'RAW'; value: unknown }[] = [];
  for (const arg of argumentList as unknown[]) {
    if (!isRecord(arg) || arg.type !== 'RAW') return { reason: 'an argument is not plain', id };
    args.push({ type: 'RAW', value: arg.value });
  }
  return { id, type: 'APPLY', path: [name], argumentList: args };
}

interface RawReply {
  readonly id: string;
  readonly type: 'RAW';
  readonly value: Outcome<unknown>;
}

function checkReply(message: unknown): RawReply | Refusal {
  if (!isRecord(message)) return { reason: 'a reply that is not a record' };
  const id = idOf(message);
  if (id === undefined) return { reason: 'a reply without an id' };
  const { value } = message;
  // A HANDLER reply would make Comlink open a port to the sender.
  if (message.type !== 'RAW' || !isRecord(value) || typeof value.ok !== 'boolean')
    return { reason: 'a reply that is not an outcome', id };
  return {
    id,
    type: 'RAW',
    value: value.ok ? { ok: true, value: value.value } : { ok: false, error: value.error as never },
  };
}

function idOf(message: Record<string, unknown>): string | undefined {
  return typeof message.id === 'string' && message.id.length > 0 && message.id.length <= 80
    ? message.id
    : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** The endpoint that Comlink sees: one direction of the control plane. */
class MessageDoor {
  #listeners = new Set<(event: MessageEventLike) => void>();
  #post: ((message: unknown) => void) | undefined;

  constructor(post: (message: unknown) => void) {
    this.#post = post;
  }

  postMessage(message: unknown): void {
    this.#post?.(message);
  }

  addEventListener(_type: string, listener: unknown): void {
    this.#listeners.add(listener as (event: MessageEventLike) => void);
  }

  removeEventListener(_type: string, listener: unknown): void {
    this.#listeners.delete(listener as (event: MessageEventLike) => void);
  }

  deliver(data: unknown): void {
    for (const listener of [...this.#listeners]) listener({ data });
  }

  close(): void {
    this.#post = undefined;
    this.#listeners.clear();
  }
}
