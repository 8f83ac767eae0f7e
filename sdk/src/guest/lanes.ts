/**
 * Direct lanes: channels between two guests. The kernel opens them for pairs that call each other
 * often, and may close them at any time. One hop instead of two. Identity, commands and time-outs
 * come from the kernel; the other guest's messages are as untrusted as any guest's are to the
 * kernel.
 *
 * Order holds across the switch: a fence goes the old way before the first call goes the new way.
 */
import { DEFAULT_TIMEOUT } from '../contract/call-context.js';
import type { CallOptions } from '../contract/contract.js';
import { createSharedError } from '../contract/errors.js';
import { ownerOf } from '../contract/names.js';
import { FENCE, LANE_NUMBERS, type LaneMessage, Op } from '../contract/protocol.js';
import { asPromise } from '../contract/schema.js';
import { Deadlines, type Timed, takeTimers } from '../rpc/deadlines.js';
import type { Endpoint } from '../rpc/endpoint.js';
import type { Inbound } from '../rpc/inbound.js';
import { Link } from '../rpc/link.js';
import type { LinkOptions } from '../rpc/link-options.js';
import { copyValue, decodeError } from '../rpc/value.js';
import type { HandlerCall } from './handler-call.js';
import { cancelled, KernelRequest, requestKernel, timeoutOf } from './kernel-calls.js';
import type { LaneParts, LanePort } from './lane-parts.js';

/** Deepest nesting of calls over lanes. */
const MAX_DEPTH = 32;

/** Owns every lane of a guest, in both directions. */
export class Lanes {
  readonly #parts: LaneParts;
  readonly #outgoing = new Map<number, OutgoingLane>();
  readonly #incoming = new Map<number, IncomingLane>();
  readonly #routes = new Map<string, OutgoingLane>();
  readonly #deadlines = new Deadlines(timers);

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** The lane for calls of a command, if there is one. */
  routeOf(command: string): OutgoingLane | undefined {
    return this.#routes.get(command);
  }

  /** Processes what the kernel says about a lane. */
  take(lane: number, message: LaneMessage, port: unknown): void {
    switch (message.kind) {
      case 'call': {
        const outgoing = new OutgoingLane(
          lane,
          this.#parts.port(port),
          message,
          this.#parts,
          this.#deadlines,
          () => this.#forget(lane),
        );
        this.#outgoing.set(lane, outgoing);
        for (const [id] of message.commands) this.#routes.set(id, outgoing);
        break;
      }
      case 'serve':
        this.#incoming.set(
          lane,
          new IncomingLane(lane, this.#parts.port(port), message, this.#parts),
        );
        break;
      case 'drain':
        this.#outgoing.get(lane)?.drain();
        break;
      case 'close': {
        const error = decodeError(message.error, undefined);
        this.#outgoing.get(lane)?.close(error);
        this.#incoming.get(lane)?.close(error);
        this.#incoming.delete(lane);
      }
    }
  }

  close(error: Error): void {
    for (const lane of [...this.#outgoing.values(), ...this.#incoming.values()]) lane.close(error);
    this.#incoming.clear();
    this.#deadlines.close();
  }

  #forget(lane: number): void {
    const outgoing = this.#outgoing.get(lane);
    this.#outgoing.delete(lane);
    for (const [id, route] of this.#routes) if (route === outgoing) this.#routes.delete(id);
  }
}

/** The caller's end of a lane. */
class OutgoingLane {
  readonly #lane: number;
  readonly #port: LanePort;
  readonly #buffered: BufferedEndpoint;
  readonly #link: Link;
  readonly #parts: LaneParts;
  readonly #deadlines: Deadlines;
  readonly #forget: () => void;
  readonly #commands = new Map<string, { readonly handle: number; readonly timeout: number }>();
  /** Calls that wait until all earlier ones have arrived. Only while the lane drains. */
  #held: (() => void)[] | undefined;
  #over = false;
  #why = 'drained';
  #idle: Timed | undefined;

  constructor(
    lane: number,
    port: LanePort,
    message: LaneMessage & { kind: 'call' },
    parts: LaneParts,
    deadlines: Deadlines,
    forget: () => void,
  ) {
    this.#lane = lane;
    this.#port = port;
    this.#parts = parts;
    this.#deadlines = deadlines;
    this.#forget = forget;
    for (const [id, handle, timeout] of message.commands)
      this.#commands.set(id, { handle, timeout });
    this.#buffered = new BufferedEndpoint(port);
    this.#link = laneLink(this.#buffered, message.provider, parts, {
      serve: () => {
        throw createSharedError('wire/refused', 'a lane carries calls one way');
      },
      onBreach: (error) => this.#giveUp(error),
    });
    // What went to the provider through the kernel must arrive before anything sent directly.
    requestKernel(parts.link, Op.laneFence, undefined, [lane]).then(
      () => this.#buffered.open(),
      (error) => this.#giveUp(error as Error),
    );
  }

  /**
   * Calls a command of the provider. `byKernel` sends it through the kernel if the lane closes
   * meanwhile.
   */
  execute(
    id: string,
    input: unknown,
    options: CallOptions | undefined,
    parent: HandlerCall | undefined,
    byKernel: (input: unknown) => Promise<unknown>,
  ): Promise<unknown> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(cancelled(signal));
    const allowed = this.#allowed(id, options);
    if (this.#held === undefined)
      return this.#send(
        id,
        input,
        parent === undefined ? allowed : Math.min(allowed, parent.remaining),
        signal,
        parent,
      );
    return new Promise((resolve, reject) => {
      const taken = snapshot(input);
      const held = new LaneRequest(resolve, reject, id, allowed, this.#link, this.#deadlines);
      held.begin();
      if (signal !== undefined) held.follow(signal, this.#link);
      this.#held?.push(() => {
        if (held.over) return;
        try {
          byKernel(taken).then(
            (value) => held.settle(true, value),
            (error) => held.settle(false, error),
          );
        } catch (error) {
          held.settle(false, error);
        }
      });
    });
  }

  /** Milliseconds a call may take. */
  #allowed(id: string, options: CallOptions | undefined): number {
    const { timeout } = this.#commands.get(id) as { timeout: number };
    const wanted = timeoutOf(options);
    if (timeout === 0) return wanted === 0 ? DEFAULT_TIMEOUT : wanted;
    return wanted === 0 ? timeout : Math.min(wanted, timeout);
  }

  /** Closes the lane for good: calls of this pair have to go through the kernel. */
  giveWay(): void {
    this.#why = 'the calls carry what only the kernel may say';
    this.drain();
  }

  /**
   * Takes no new calls. Later ones wait until those on their way have arrived, then go through the
   * kernel.
   */
  drain(): void {
    if (this.#held !== undefined || this.#over) return;
    this.#held = [];
    const passed = () => {
      this.#forget();
      this.#release();
      this.#closeWhenIdle();
    };
    this.#link.request(FENCE, undefined, 0, { sequence: 0, settle: passed });
  }

  close(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#forget();
    this.#buffered.open();
    this.#link.close(error);
    this.#port.close();
    this.#release();
  }

  #send(
    id: string,
    input: unknown,
    allowed: number,
    signal: AbortSignal | undefined,
    parent: HandlerCall | undefined,
  ): Promise<unknown> {
    const { handle } = this.#commands.get(id) as { handle: number };
    const depth = parent === undefined ? 0 : parent.depth + 1;
    if (depth > MAX_DEPTH) {
      const error = createSharedError(
        'call/cycle',
        `${id} is not called: its chain of calls is longer than ${MAX_DEPTH}`,
        { plugin: ownerOf(id), details: { command: id } },
      );
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const request = new LaneRequest(resolve, reject, id, allowed, this.#link, this.#deadlines);
      this.#link.request(handle, input, depth === 0 ? allowed : [allowed, depth], request);
      request.begin();
      if (parent !== undefined) request.belongTo(parent);
      if (signal !== undefined) request.follow(signal, this.#link);
    });
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  #closeWhenIdle(): void {
    if (this.#over) return;
    if (this.#link.pending > 0 || this.#link.streams > 0) {
      this.#idle ??= { bucket: undefined, slot: 0, expire: () => this.#closeWhenIdle() };
      this.#deadlines.add(this.#idle, 50);
      return;
    }
    this.#tell(this.#why);
    this.close(createSharedError('plugin/unavailable', 'the lane was closed'));
  }

  #giveUp(error: Error): void {
    this.#tell(error.message);
    this.close(error);
  }

  #tell(why: string): void {
    try {
      this.#parts.link.note(Op.laneOver, undefined, [this.#lane, why]);
    } catch {
      // The kernel is gone, and the lane with it.
    }
  }
}

/** A call over a lane. The caller enforces its deadline. */
class LaneRequest extends KernelRequest implements Timed {
  bucket: Timed['bucket'] = undefined;
  slot = 0;
  private readonly id: string;
  private readonly timeout: number;
  private readonly link: Link;
  private readonly deadlines: Deadlines;
  private readonly refuse: (error: unknown) => void;
  private untie: (() => void) | undefined = undefined;

  constructor(
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    id: string,
    timeout: number,
    link: Link,
    deadlines: Deadlines,
  ) {
    super(resolve, reject);
    this.id = id;
    this.timeout = timeout;
    this.link = link;
    this.deadlines = deadlines;
    this.refuse = reject;
  }

  begin(): void {
    if (!this.over) this.deadlines.add(this, this.timeout);
  }

  /** Cancels this call when its parent call is cancelled. */
  belongTo(parent: HandlerCall): void {
    if (this.over) return;
    this.untie = parent.tie((reason) => {
      if (this.over) return;
      this.forget();
      this.link.cancel(
        this.sequence,
        (reason as { readonly code?: unknown }).code === 'call/timeout',
      );
      this.refuse(
        createSharedError('call/cancelled', `the call of ${this.id} was cancelled`, {
          plugin: ownerOf(this.id),
          details: { command: this.id },
          cause: reason,
        }),
      );
    });
  }

  override forget(): void {
    this.deadlines.remove(this);
    this.untie?.();
    super.forget();
  }

  expire(): void {
    this.forget();
    this.link.cancel(this.sequence, true);
    this.refuse(
      createSharedError('call/timeout', `${this.id} did not answer within ${this.timeout} ms`, {
        plugin: ownerOf(this.id),
        details: { command: this.id, timeout: this.timeout },
      }),
    );
  }
}

interface Totals {
  calls: number;
  failures: number;
  total: number;
  slowest: number;
}

/** The runtime's own timers: they don't count as timers of the plugin. */
const timers = takeTimers();

/** Interval in milliseconds at which calls over a lane are reported to the kernel. */
const REPORT = 50;

/** The provider's end of a lane. */
class IncomingLane {
  readonly #lane: number;
  readonly #port: LanePort;
  readonly #link: Link;
  readonly #parts: LaneParts;
  readonly #caller: string;
  readonly #handles: ReadonlySet<number>;
  readonly #totals = new Map<number, Totals>();
  #report: number | undefined;
  #calls = 0;
  #left = false;

  constructor(
    lane: number,
    port: LanePort,
    message: LaneMessage & { kind: 'serve' },
    parts: LaneParts,
  ) {
    this.#lane = lane;
    this.#port = port;
    this.#parts = parts;
    this.#caller = message.caller;
    this.#handles = new Set(message.handles);
    this.#link = laneLink(port, message.caller, parts, {
      serve: (target, input, meta, inbound) => this.#serve(target, input, meta, inbound),
      onFailed: parts.onFailed,
      onBreach: (error) => {
        this.#sendReport();
        this.#tell(Op.laneOver, [lane, error.message]);
        this.close(error);
      },
    });
  }

  close(error: Error): void {
    timers.clear(this.#report);
    this.#sendReport();
    this.#link.close(error);
    this.#port.close();
  }

  #serve(target: number, input: unknown, meta: unknown, inbound: Inbound): unknown {
    if (target === FENCE) {
      // The caller leaves: an honest one sends nothing after this.
      this.#left = true;
      return undefined;
    }
    if (this.#left)
      throw createSharedError('plugin/unavailable', 'the lane was left', { retryable: true });
    const handle = this.#handles.has(target) ? this.#parts.handles.get(target) : undefined;
    const [allowed, depth] = (
      typeof meta === 'number' ? [meta, 0] : Array.isArray(meta) ? meta : []
    ) as readonly unknown[];
    if (
      handle === undefined ||
      typeof allowed !== 'number' ||
      !(allowed > 0) ||
      typeof depth !== 'number'
    )
      throw createSharedError('plugin/unavailable', 'the handler has been taken back', {
        retryable: true,
      });
    this.#calls += 1;
    const number = ((this.#lane % 8_000) + 1) * LANE_NUMBERS + this.#calls;
    const started = performance.now();
    try {
      const result = handle(
        input,
        [
          number,
          this.#caller,
          undefined,
          allowed,
          undefined,
          undefined,
          undefined,
          undefined,
          depth,
        ],
        inbound,
      );
      const promise = asPromise(result);
      if (promise === undefined) {
        this.#count(target, true, started);
        return result;
      }
      return promise.then(
        (value) => {
          this.#count(target, true, started);
          return value;
        },
        (error) => {
          this.#count(target, false, started);
          throw error;
        },
      );
    } catch (error) {
      this.#count(target, false, started);
      throw error;
    }
  }

  #count(handle: number, ok: boolean, started: number): void {
    const took = performance.now() - started;
    const totals = this.#totals.get(handle) ?? { calls: 0, failures: 0, total: 0, slowest: 0 };
    this.#totals.set(handle, totals);
    totals.calls += 1;
    if (!ok) totals.failures += 1;
    totals.total += took;
    totals.slowest = Math.max(totals.slowest, took);
    this.#report ??= timers.set(() => this.#sendReport(), REPORT);
  }

  #sendReport(): void {
    this.#report = undefined;
    for (const [handle, { calls, failures, total, slowest }] of this.#totals)
      this.#tell(Op.laneCalls, [this.#lane, handle, calls, failures, total, slowest]);
    this.#totals.clear();
  }

  #tell(op: number, meta: readonly unknown[]): void {
    try {
      this.#parts.link.note(op, undefined, meta);
    } catch {
      // The kernel is gone, or too busy to receive the figures.
    }
  }
}

function laneLink(
  endpoint: Endpoint,
  plugin: string,
  { link: { bounds }, turn, defer, around }: LaneParts,
  sides: Pick<LinkOptions, 'serve' | 'onBreach' | 'onFailed'>,
): Link {
  return new Link({
    endpoint,
    plugin,
    stacks: false,
    bounds,
    turn,
    around,
    note() {},
    control: {},
    defer,
    ...sides,
  });
}

/** Buffers messages until the lane is open. */
class BufferedEndpoint implements Endpoint {
  readonly #port: LanePort;
  #kept: unknown[] | undefined = [];

  constructor(port: LanePort) {
    this.#port = port;
  }

  postMessage(message: unknown, transfer?: object[]): void {
    if (this.#kept === undefined) this.#port.postMessage(message, transfer);
    // A buffered message must not change meanwhile, and one that can't cross must fail now.
    else this.#kept.push(structuredClone(message, transfer && { transfer }));
  }

  addEventListener(type: 'message', listener: Parameters<Endpoint['addEventListener']>[1]): void {
    this.#port.addEventListener(type, listener);
  }

  removeEventListener(
    type: 'message',
    listener: Parameters<Endpoint['removeEventListener']>[1],
  ): void {
    this.#port.removeEventListener(type, listener);
  }

  start(): void {
    this.#port.start?.();
  }

  open(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const message of kept) this.#port.postMessage(message);
  }
}

function snapshot(input: unknown): unknown {
  try {
    return copyValue(input);
  } catch {
    // A value that can't be copied is a stream, or is refused when it is sent.
    return input;
  }
}
