/**
 * Stands between the kernel and a guest whose traffic is recorded: a link to each, and everything
 * that crosses passes through here as a value. The kernel checks requests as always.
 */
import {
  FENCE,
  type LoadSpec,
  Op,
  type PluginError,
  type Registration,
  TAPE,
} from '@plinth/sdk/contract';
import { boundsOf, endpointPair, type Inbound, Link, type Reply } from '@plinth/sdk/rpc';
import type { Guest } from '../../host.js';
import {
  type Asked,
  callFacts,
  eventFacts,
  fatalOf,
  GuestPort,
  guestEnded,
  PARENT_AT,
  withoutParent,
} from './guest-port.js';
import { Handles, isNamed, type Named } from './handles.js';

/** What is told of what crosses. Nothing of it may throw. */
export interface Witness {
  /** The code is about to be loaded. Answers what the guest loads instead. */
  load(spec: LoadSpec): Promise<LoadSpec>;
  call(named: Named | undefined, facts: readonly unknown[], input: unknown): number;
  event(named: Named | undefined, facts: readonly unknown[], payload: unknown): void;
  control(method: string, args: readonly unknown[]): number;
  /** An answer of the guest. */
  answer(id: number, ok: boolean, value: unknown): void;
  cancel(id: number, late: boolean): void;
  ask(op: number, facts: readonly unknown[], input: unknown): number;
  register(what: 'register' | 'unregister', named: Named, registration?: Registration): number;
  /** An answer to the guest. */
  reply(id: number, ok: boolean, value: unknown): void;
  progress(side: 'in' | 'out', id: number, value: unknown): void;
  tape(readings: unknown): void;
  ended(): void;
}

/** Methods of the kernel's control plane that are passed on as they are. */
const METHODS = [
  'configure',
  'needs',
  'restoreState',
  'activate',
  'suspend',
  'resume',
  'healthCheck',
  'getState',
  'deactivate',
] as const;

/** Most calls whose numbers are remembered: a handler may go on after its answer. */
const MAX_CALLS = 8_192;

/** Owns both links. It ends with its guest. */
export class Relay {
  /** The guest as the kernel gets it. It has no ports, so that no call takes a direct lane. */
  readonly guest: Guest;
  readonly #inner: Guest;
  readonly #witness: Witness;
  readonly #port: GuestPort;
  readonly #kernel: Link;
  readonly #handles = new Handles();
  /** The sequences of calls on the kernel's link, by those on the guest's. */
  readonly #calls = new Map<number, number>();

  constructor(guest: Guest, plugin: string, witness: Witness) {
    const [outside, inside] = endpointPair();
    this.#inner = guest;
    this.#witness = witness;
    this.#port = new GuestPort(guest, plugin, {
      ask: (asked) => this.#ask(asked),
      note: (op, payload, meta) => this.#note(op, payload, meta),
      register: (registration) => this.#register(registration),
      unregister: (handle) => this.#unregister(handle),
      ended: (error) => this.#broke(error),
    });
    this.#kernel = new Link({
      endpoint: inside,
      stacks: true,
      trusting: true,
      serve: (target, input, meta, inbound) => this.#serve(target, input, meta, inbound),
      note: (target, payload, meta) => this.#deliver(target, payload, meta),
      control: this.#control(),
      onBreach() {},
      defer: (task) => void setTimeout(task, 0),
    });
    const exited = guest.exited.then(async (reason) => {
      // What the guest has sent last is on its way to the kernel.
      await new Promise<void>((resolve) => void setTimeout(resolve, 0));
      this.#witness.ended();
      const error = guestEnded(plugin);
      this.#port.close(error);
      this.#kernel.close(error);
      return reason;
    });
    const { usage } = guest;
    this.guest = {
      endpoint: outside,
      exited,
      ...(usage !== undefined && { usage: () => usage.call(guest) }),
      terminate: (whole) => guest.terminate(whole),
    };
  }

  /** Resolves when everything that the guest has sent before has passed. */
  fence(timeout: number): Promise<void> {
    return Promise.race([this.#port.fence(timeout), this.guest.exited.then(() => {})]);
  }

  #control(): Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>> {
    const methods: Record<string, (...args: unknown[]) => Promise<unknown>> = {
      load: async (given) => {
        const spec = await this.#witness.load(given as LoadSpec);
        if (spec.values !== undefined) this.#kernel.bound(boundsOf(...spec.values));
        this.#port.bound(spec.values);
        return this.#port.control('load', [spec]);
      },
    };
    for (const method of METHODS)
      methods[method] = async (...args) => {
        const id = this.#witness.control(method, args);
        return this.#told(id, this.#port.control(method, args));
      };
    return methods;
  }

  /** Tells how a control call of the kernel ends. */
  async #told(id: number, answer: Promise<unknown>): Promise<unknown> {
    try {
      const value = await answer;
      this.#witness.answer(id, true, value);
      return value;
    } catch (error) {
      this.#witness.answer(id, false, error);
      throw error;
    }
  }

  /** A call of the kernel: to a command, a hook or a middleware of the guest. */
  #serve(target: number, input: unknown, meta: unknown, inbound: Inbound): unknown {
    if (target === FENCE)
      return new Promise((settle) => this.#port.alive({ sequence: 0, settle: () => settle(0) }));
    const facts = callFacts(meta, this.#kernel);
    const id = this.#witness.call(this.#handles.get(target), facts, input);
    return new Promise((resolve, reject) => {
      const reply: Reply = {
        sequence: 0,
        progress: (value) => {
          this.#witness.progress('out', id, value);
          inbound.progress(value);
        },
        settle: (ok, value) => {
          this.#witness.answer(id, ok, value);
          if (ok) resolve(value);
          else reject(value);
        },
      };
      this.#port.call(target, facts, input, reply);
      this.#remember(reply.sequence, inbound.sequence);
      inbound.onCancel = (reason) => {
        const late = (reason as { code?: unknown }).code === 'call/timeout';
        this.#witness.cancel(id, late);
        this.#port.link.cancel(reply.sequence, late);
        reject(reason);
      };
    });
  }

  #remember(sequence: number, outer: number): void {
    this.#calls.set(sequence, outer);
    if (this.#calls.size > MAX_CALLS) this.#calls.delete(this.#calls.keys().next().value as number);
  }

  /** An event for a listener of the guest. */
  #deliver(target: number, payload: unknown, meta: unknown): void {
    const facts = eventFacts(meta, this.#kernel);
    this.#witness.event(this.#handles.get(target), facts, payload);
    this.#port.event(target, facts, payload);
  }

  /** A request of the guest. */
  #ask({ op, facts, input, inbound }: Asked): Promise<unknown> {
    const passed = [...facts];
    const at = PARENT_AT[op];
    const parent = at === undefined ? undefined : facts[at];
    // A number that no call has lets the kernel refuse the request.
    if (at !== undefined && typeof parent === 'number' && parent > 0)
      passed[at] = this.#calls.get(parent) ?? Number.MAX_SAFE_INTEGER;
    const id = this.#witness.ask(op, withoutParent(op, facts), input);
    return new Promise((resolve, reject) => {
      const reply: Reply = {
        sequence: 0,
        progress: (value) => {
          this.#witness.progress('in', id, value);
          inbound.progress(value);
        },
        settle: (ok, value) => {
          this.#witness.reply(id, ok, value);
          if (ok) resolve(value);
          else reject(value);
        },
      };
      try {
        this.#kernel.request(op, input, passed, reply);
      } catch (error) {
        reply.settle(false, error);
        return;
      }
      inbound.onCancel = (reason) => {
        this.#kernel.cancel(reply.sequence, (reason as { code?: unknown }).code === 'call/timeout');
        reject(reason);
      };
    });
  }

  #note(op: number, payload: unknown, meta: unknown): void {
    if (op === TAPE) {
      this.#witness.tape(payload);
      return;
    }
    this.#kernel.note(op, payload, meta);
    if (op === Op.fatal) this.#kernel.flush();
  }

  async #register(registration: Registration): Promise<unknown> {
    // The kernel refuses what is none.
    if (!isNamed(registration)) return this.#kernel.call('register', registration);
    const { handle } = registration;
    const taken = this.#handles.get(handle) !== undefined;
    const named = this.#handles.add(registration);
    const id = this.#witness.register('register', named, registration);
    try {
      return await this.#answered(id, this.#kernel.call('register', registration));
    } catch (error) {
      if (!taken) this.#handles.take(handle);
      throw error;
    }
  }

  async #unregister(handle: number): Promise<unknown> {
    const named = this.#handles.take(handle);
    const answer = this.#kernel.call('unregister', handle);
    return named === undefined
      ? answer
      : this.#answered(this.#witness.register('unregister', named), answer);
  }

  /** Tells how a control call of the guest ends. */
  async #answered(id: number, answer: Promise<unknown>): Promise<unknown> {
    try {
      const value = await answer;
      this.#witness.reply(id, true, value);
      return value;
    } catch (error) {
      this.#witness.reply(id, false, error);
      throw error;
    }
  }

  /** The guest broke the protocol. The kernel is told before the guest ends. */
  #broke(error: PluginError): void {
    this.#kernel.note(Op.fatal, undefined, fatalOf(error));
    this.#kernel.flush();
    void this.#inner.terminate();
  }
}
