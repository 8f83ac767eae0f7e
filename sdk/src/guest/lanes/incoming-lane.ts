/** The provider's end of a lane: checks what arrives, and reports its calls. */

import { LANE_NUMBERS } from '../../contract/call-facts.js';
import { createSharedError } from '../../contract/errors.js';
import type { LaneMessage } from '../../contract/lane-message.js';
import { FENCE, Op } from '../../contract/operations.js';
import { asPromise } from '../../contract/schema.js';
import type { Inbound } from '../../rpc/inbound.js';
import type { Link } from '../../rpc/link.js';
import { tellKernel } from '../kernel-calls.js';
import { timers } from '../own-timers.js';
import { takenBack } from '../registrations.js';
import { laneLink } from './lane-link.js';
import type { LaneParts, LanePort } from './lane-parts.js';

/** Interval in milliseconds at which calls over a lane are reported to the kernel. */
const REPORT = 50;

interface Totals {
  calls: number;
  failures: number;
  total: number;
  slowest: number;
}

/** The provider's end of a lane. */
export class IncomingLane {
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
        tellKernel(parts.link, Op.laneOver, [lane, error.message]);
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
      throw takenBack();
    this.#calls += 1;
    const number = ((this.#lane % 8_000) + 1) * LANE_NUMBERS + this.#calls;
    const started = inbound.received;
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
      tellKernel(this.#parts.link, Op.laneCalls, [
        this.#lane,
        handle,
        calls,
        failures,
        total,
        slowest,
      ]);
    this.#totals.clear();
  }
}
