/** The caller's end of a lane: sends calls, and leaves the lane in order. */
import { DEFAULT_TIMEOUT } from '../../contract/call-context.js';
import type { CallOptions } from '../../contract/contract-types.js';
import { createSharedError } from '../../contract/errors.js';
import type { LaneMessage } from '../../contract/lane-message.js';
import { ownerOf } from '../../contract/names.js';
import { FENCE, Op } from '../../contract/operations.js';
import type { Deadlines, Timed } from '../../rpc/deadlines.js';
import type { Link } from '../../rpc/link.js';
import { copyValue } from '../../rpc/value.js';
import type { HandlerCall } from '../handler-call.js';
import { cancelled, requestKernel, tellKernel, timeoutOf } from '../kernel-calls.js';
import { BufferedEndpoint } from './buffered-endpoint.js';
import { laneLink } from './lane-link.js';
import type { LaneParts, LanePort } from './lane-parts.js';
import { LaneRequest } from './lane-request.js';

/** Deepest nesting of calls over lanes. */
const MAX_DEPTH = 32;

/** The caller's end of a lane. */
export class OutgoingLane {
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
    tellKernel(this.#parts.link, Op.laneOver, [this.#lane, why]);
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
