/**
 * The kernel's side of a guest's link, where a recorder or a player stands: requests with their
 * names and facts as lists, so that nothing depends on the numbers of one link.
 */
import {
  type CallMeta,
  createError,
  DEFAULT_TIMEOUT,
  type EventMeta,
  errorToWire,
  FENCE,
  highOf,
  nameIn,
  nameOfTarget,
  Op,
  opOf,
  type PluginError,
  type Registration,
} from '@plinth/sdk/contract';
import { boundsOf, encodeValue, type Inbound, Link, NoteQueue, type Reply } from '@plinth/sdk/rpc';
import type { Guest } from '../../host.js';

/** A request of the guest. */
export interface Asked {
  /** One of `Op`. */
  readonly op: number;
  /** Facts of the operation, with the name that it is about as a text. */
  readonly facts: readonly unknown[];
  readonly input: unknown;
  readonly inbound: Inbound;
}

/** What comes from the guest. */
export interface GuestEvents {
  ask(asked: Asked): unknown;
  note(op: number, payload: unknown, meta: unknown): void;
  register(registration: Registration): Promise<unknown>;
  unregister(handle: number): Promise<unknown>;
  /** The link is of no use any more. */
  ended(error: PluginError): void;
}

/** Where the name of an operation is among its facts. */
const NAME_AT: Readonly<Record<number, number>> = { [Op.execute]: 2, [Op.emit]: 1, [Op.hook]: 4 };
/** Where the sequence of the call is for which a request is made. */
export const PARENT_AT: Readonly<Record<number, number>> = {
  [Op.execute]: 1,
  [Op.emit]: 0,
  [Op.hook]: 2,
  [Op.message]: 2,
  [Op.fetch]: 1,
};

/**
 * The facts without the call that a request is made for. How long a runtime knows that differs, so
 * it is no part of what a plugin does.
 */
export function withoutParent(op: number, facts: readonly unknown[]): readonly unknown[] {
  const at = PARENT_AT[op];
  return at === undefined ? facts : facts.map((one, index) => (index === at ? undefined : one));
}

/** Messages that are refused until the guest has to end, as in the kernel. */
const REFUSALS = 16;
/** Most events that wait for one listener. */
const QUEUE = 8_192;

/** Owns the link to one guest. */
export class GuestPort {
  readonly link: Link;
  readonly #queues = new Map<number, NoteQueue>();

  constructor(guest: Guest, plugin: string, events: GuestEvents) {
    let refusals = 0;
    this.link = new Link({
      endpoint: guest.endpoint,
      plugin,
      stacks: false,
      serve: (target, input, meta, inbound) =>
        target === FENCE ? undefined : events.ask(this.#asked(target, input, meta, inbound)),
      note: (op, payload, meta) => events.note(op, payload, meta),
      control: {
        register: (registration: Registration) => events.register(registration),
        unregister: (handle: number) => events.unregister(handle),
      },
      onBreach: (error) => events.ended(error),
      onRefused: (error) => {
        refusals += 1;
        if (refusals === REFUSALS) events.ended(error);
      },
      defer: (task) => void setTimeout(task, 0),
    });
  }

  /** Calls a handler of the guest. The facts are a list of `CallMeta`. */
  call(handle: number, facts: readonly unknown[], input: unknown, reply: Reply): void {
    this.link.request(handle, input, facts, reply);
  }

  /** Delivers an event to a listener of the guest. */
  event(handle: number, facts: readonly unknown[], payload: unknown): void {
    const queue = this.#queues.get(handle) ?? new NoteQueue('drop-oldest', QUEUE, () => {});
    this.#queues.set(handle, queue);
    this.link.note(handle, payload, facts, queue);
  }

  control(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.link.call(method, ...args);
  }

  /** Sets how large values may be, as the guest itself does when it is loaded. */
  bound(values: readonly [bytes: number, depth: number] | undefined): void {
    if (values !== undefined) this.link.bound(boundsOf(...values));
  }

  /**
   * Resolves when everything that the guest has sent before has arrived, or after so many
   * milliseconds: a guest that doesn't answer sends nothing either.
   */
  fence(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, timeout);
      const settle = () => {
        clearTimeout(late);
        resolve();
      };
      try {
        this.link.request(FENCE, undefined, 0, { sequence: 0, settle });
      } catch {
        settle();
      }
    });
  }

  /** Asks the guest for a sign of life, for as long as it takes. */
  alive(reply: Reply): void {
    this.link.request(FENCE, undefined, 0, reply);
  }

  #asked(target: number, input: unknown, meta: unknown, inbound: Inbound): Asked {
    const op = opOf(target);
    const at = NAME_AT[op];
    const facts: unknown[] = Array.isArray(meta)
      ? [...meta]
      : typeof meta === 'number'
        ? op === Op.emit
          ? [meta]
          : [0, meta]
        : [];
    if (at === undefined) return { op, facts, input, inbound };
    const number = nameOfTarget(target);
    // Facts that are absent count as 0, as in the kernel.
    for (let index = 0; index < at; index++) facts[index] ??= 0;
    if (number > 0) facts[at] = this.link.textOf(number);
    return { op, facts, input, inbound };
  }

  close(error: Error): void {
    this.link.close(error);
  }
}

/** The facts of a call as a list, from a link on which they may be numbers. */
export function callFacts(meta: unknown, link: Link): readonly unknown[] {
  const given = meta as CallMeta;
  if (typeof given !== 'number') return given;
  const caller = nameIn(given) === 0 ? '' : (link.textOf(nameIn(given)) ?? '');
  return [highOf(given), caller, undefined, DEFAULT_TIMEOUT];
}

/** The facts of an event as a list. */
export function eventFacts(meta: unknown, link: Link): readonly unknown[] {
  const given = meta as EventMeta;
  return typeof given === 'number'
    ? [link.textOf(highOf(given)), link.textOf(nameIn(given))]
    : given;
}

/** The note that tells a kernel why a guest has to end. */
export const fatalOf = (error: Error): readonly unknown[] => [
  errorToWire(error, true, encodeValue),
  0,
];

/** What has ended when a guest has. */
export const guestEnded = (plugin: string) =>
  createError('guest/terminated', `the guest of ${plugin} has ended`, { plugin });
