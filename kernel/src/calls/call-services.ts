/**
 * What every call of a tenant shares: its numbers, its deadlines, and the counts of ended calls.
 */
import { messageOf, randomMark } from '@plinth/sdk/contract';
import type { Deadlines, Turn, ValueBounds } from '@plinth/sdk/rpc';
import type { EventBus } from '../events/event-bus.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { withOrigin } from '../telemetry/origin.js';
import type { CallServices } from './kernel-call.js';
import type { ServiceScope } from './services.js';

/** What calls are made from. */
export interface CallServiceParts {
  readonly tenant: string;
  readonly bounds: ValueBounds;
  readonly deadlines: Deadlines;
  readonly turn: Turn;
  readonly metrics: Metrics;
  readonly bus: EventBus;
  readonly log: Log;
  createScope(): ServiceScope;
}

/** Makes the services of one tenant's calls. */
export function createCallServices({
  tenant,
  bounds,
  deadlines,
  turn,
  metrics,
  bus,
  log,
  createScope,
}: CallServiceParts): CallServices {
  let last = 0;
  let revision = -1;
  let heard = false;
  return {
    tenant,
    bounds,
    prefix: randomMark().slice(0, 8),
    deadlines,
    turn,
    createScope,
    report: (what, error) =>
      log.write('kernel', 'error', `${what}: ${messageOf(error)}`, withOrigin(error)),
    next: () => ++last,
    settled(call, ok, value, took) {
      metrics.calls += 1;
      if (!ok) metrics.failures += 1;
      call.target.counter?.settle(ok, took);
      metrics.recorder?.call(call, ok, value, took, turn.now());
      if (bus.revision !== revision) {
        revision = bus.revision;
        heard = bus.hears('call:settled');
      }
      if (!heard) return;
      const code = ok ? undefined : (value as { code?: unknown } | null)?.code;
      const payload = {
        command: call.id,
        caller: call.caller.id,
        requestId: call.requestId,
        ok,
        took,
        ...(typeof code === 'string' && { code }),
      };
      bus.emit({ topic: 'call:settled', payload, source: 'kernel', tenant });
    },
  };
}
