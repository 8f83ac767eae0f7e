/**
 * Direct lanes between guests: how often pairs call, which pair gets its own channel, and when it
 * closes. The kernel opens a lane after the permission check, only for commands without middleware
 * and without a listener for every call. It closes a lane at once when a guest ends or a right is
 * revoked. It drains a lane when middleware or such a listener is added for its commands.
 */

import {
  alarm,
  callerText,
  createError,
  errorToWire,
  FENCE,
  type LaneMessage,
} from '@plinth/sdk/contract';
import { encodeValue } from '@plinth/sdk/rpc';
import type { LaneEnd, Traffic } from '../calls/lane-end.js';
import type { CommandEntry } from '../commands/command-entry.js';
import type { KernelEvents } from '../kernel-events.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ClosedLane, Lane } from './lane.js';
import { reportOf } from './lane-report.js';

/** What lanes need from the kernel. */
export interface LaneServices {
  readonly metrics: Metrics;
  /** Calls within a second after which a pair gets a lane. Infinity for no lanes. */
  readonly threshold: number;
  now(): number;
  entries(): readonly CommandEntry[];
  /** Whether calls of a command must pass through the kernel. */
  watched(command: string): boolean;
  /** Whether calls of a guest may bypass the kernel, with these rights. */
  mayBypass(provider: PermissionSet): boolean;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
}

const SECOND = 1_000;
/** Milliseconds that a lane may take to drain. */
const DRAIN = 2_000;
/** Most closed lanes whose last report may still arrive. */
const REMEMBERED = 64;

/** Owns every lane of a kernel. */
export class Lanes {
  readonly #services: LaneServices;
  readonly #lanes = new Map<number, Lane>();
  readonly #closed = new Map<number, ClosedLane>();
  readonly #detoured = new WeakSet<LaneEnd>();
  #last = 0;

  constructor(services: LaneServices) {
    this.#services = services;
  }

  /** How many lanes are open. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Whether a guest has a lane. */
  uses(end: LaneEnd): boolean {
    for (const { caller, provider } of this.#lanes.values())
      if (caller === end || provider === end) return true;
    return false;
  }

  /** A guest calls another through the kernel. Pairs that call often enough get a lane. */
  called(caller: LaneEnd, entry: CommandEntry): void {
    const provider = entry.at?.end;
    if (
      provider === undefined ||
      provider === caller ||
      !caller.ports ||
      !provider.ports ||
      this.#detoured.has(provider)
    )
      return;
    const now = this.#services.now();
    let traffic = caller.traffic.get(provider);
    if (traffic === undefined) {
      traffic = { calls: 0, since: now, settled: false };
      caller.traffic.set(provider, traffic);
    }
    if (traffic.settled) return;
    if (now - traffic.since > SECOND) {
      traffic.since = now;
      traffic.calls = 0;
    }
    traffic.calls += 1;
    if (traffic.calls === this.#services.threshold) this.#open(caller, provider, traffic, entry);
  }

  /** A guest has ended. Its lanes close, and the other ends get the reason. */
  ended(end: LaneEnd, error: Error): void {
    for (const lane of [...this.#lanes.values()])
      if (lane.caller === end || lane.provider === end) this.#close(lane, error);
    // No end is left that could report.
    for (const [number, { provider }] of this.#closed)
      if (provider === end) this.#closed.delete(number);
  }

  /**
   * Sends calls to a guest through the kernel until {@link direct}. Resolves when its lanes are
   * closed. A lane that isn't left within so many milliseconds is closed without consent.
   */
  async detour(provider: LaneEnd, timeout: number): Promise<void> {
    this.#detoured.add(provider);
    const gone: Promise<void>[] = [];
    for (const lane of this.#lanes.values()) {
      if (lane.provider !== provider) continue;
      this.#drain(lane, timeout);
      gone.push(new Promise((resolve) => lane.onClose.push(resolve)));
    }
    await Promise.all(gone);
  }

  /** Allows lanes to a guest again. */
  direct(provider: LaneEnd): void {
    this.#detoured.delete(provider);
  }

  /** Middleware, listeners or rights have changed. */
  review(): void {
    for (const lane of [...this.#lanes.values()]) this.#review(lane);
  }

  #review(lane: Lane): void {
    const { caller, provider, commands } = lane;
    if (!commands.every(({ id }) => caller.permissions.isFree('commands.execute', id))) {
      this.#close(
        lane,
        createError(
          'permission/denied',
          `${caller.caller.id} may not call ${provider.caller.id} any more`,
          { plugin: caller.caller.id },
        ),
      );
    } else if (
      !this.#services.mayBypass(provider.permissions) ||
      commands.some(({ id }) => this.#services.watched(id))
    )
      this.#drain(lane);
  }

  /** A guest has removed a registration. A new registration gets another number. */
  unregistered(provider: LaneEnd, handle: number): void {
    for (const lane of [...this.#lanes.values()])
      if (lane.provider === provider && lane.commands.some(({ at }) => at?.handle === handle))
        this.#drain(lane);
  }

  /** Asks the caller to leave. If it doesn't in time, the lane is closed without its consent. */
  #drain(lane: Lane, timeout = DRAIN): void {
    if (lane.late !== undefined) return;
    lane.late = alarm(
      () =>
        this.#close(
          lane,
          createError(
            'plugin/unavailable',
            `the lane to ${lane.provider.caller.id} was closed: it was not left within ${timeout} ms`,
            { retryable: true },
          ),
        ),
      timeout,
    );
    lane.caller.link.sendLane(lane.number, { kind: 'drain' } satisfies LaneMessage);
  }

  /** Answers once everything that went to the provider of a lane before has arrived there. */
  fence(caller: LaneEnd, number: unknown): Promise<void> {
    const lane = this.#laneOf(number, caller);
    if (lane === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      lane.provider.link.request(FENCE, undefined, 0, {
        sequence: 0,
        settle: (ok, value) => (ok ? resolve() : reject(value as Error)),
      });
    });
  }

  /** Takes a provider's report of answered calls. It is trusted: lying gains it nothing new. */
  report(provider: LaneEnd, [number, handle, ...told]: readonly unknown[]): void {
    const lane = this.#laneOf(number, provider) ?? this.#closed.get(number as number);
    if (lane?.provider !== provider) return;
    const entry = lane.commands.find(({ at }) => at?.handle === handle);
    if (entry === undefined) return;
    const report = reportOf(provider.caller.id, told);
    const { calls, failures, total, slowest } = report;
    const { metrics } = this.#services;
    metrics.calls += calls;
    metrics.failures += failures;
    metrics.laneCalls += calls;
    entry.counter.add(calls, failures, total, slowest);
    metrics.recorder?.lane(
      { command: entry.id, caller: lane.from, provider: provider.caller.id },
      report,
    );
    const open = this.#laneOf(number, provider);
    if (open !== undefined) this.#review(open);
  }

  /** One end reports that a lane is of no use any more. */
  over(end: LaneEnd, [number, why]: readonly unknown[]): void {
    const lane = this.#laneOf(number, end);
    if (lane === undefined) return;
    // A lane that was drained may be opened again. A lane that broke may not.
    if (why === 'drained') lane.traffic.settled = false;
    this.#close(
      lane,
      createError(
        'plugin/unavailable',
        `the lane was given up: ${typeof why === 'string' ? why.slice(0, 200) : 'no reason is given'}`,
      ),
    );
  }

  #open(caller: LaneEnd, provider: LaneEnd, traffic: Traffic, called: CommandEntry): void {
    if (!this.#services.mayBypass(provider.permissions)) return;
    const commands = this.#services
      .entries()
      .filter(
        (entry) =>
          entry.at?.end === provider &&
          caller.permissions.isFree('commands.execute', entry.id) &&
          !this.#services.watched(entry.id),
      );
    if (!commands.includes(called)) return;
    traffic.settled = true;
    this.#last += 1;
    const lane: Lane = {
      number: this.#last,
      caller,
      from: caller.caller.id,
      provider,
      traffic,
      commands,
      late: undefined,
      onClose: [],
    };
    const { port1, port2 } = new MessageChannel();
    const call: LaneMessage = {
      kind: 'call',
      provider: provider.caller.id,
      commands: commands.map(({ id, at, timeout }) => [
        id,
        (at as { handle: number }).handle,
        timeout ?? 0,
      ]),
    };
    const serve: LaneMessage = {
      kind: 'serve',
      caller: callerText(caller.caller),
      handles: call.commands.map(([, handle]) => handle),
    };
    this.#lanes.set(lane.number, lane);
    // The provider goes first, so that it listens when the caller's fence arrives.
    provider.link.sendLane(lane.number, serve, port2);
    caller.link.sendLane(lane.number, call, port1);
    this.#services.announce('lane:opened', {
      caller: caller.caller.id,
      provider: provider.caller.id,
    });
  }

  #close(lane: Lane, error: Error): void {
    this.#lanes.delete(lane.number);
    lane.late?.clear();
    for (const tell of lane.onClose) tell();
    const { provider, commands, from } = lane;
    this.#closed.set(lane.number, { provider, commands, from });
    if (this.#closed.size > REMEMBERED)
      this.#closed.delete(this.#closed.keys().next().value as number);
    const message: LaneMessage = { kind: 'close', error: errorToWire(error, false, encodeValue) };
    lane.caller.link.sendLane(lane.number, message);
    lane.provider.link.sendLane(lane.number, message);
    this.#services.announce('lane:closed', {
      caller: lane.caller.caller.id,
      provider: lane.provider.caller.id,
      reason: error.message,
    });
  }

  #laneOf(number: unknown, end: LaneEnd): Lane | undefined {
    const lane = this.#lanes.get(number as number);
    return lane?.caller === end || lane?.provider === end ? lane : undefined;
  }
}
