/** What every part of a tenant stands on: its plugins, its events, and how parts tell what happens. */
import { messageOf } from '@plinth/sdk/contract';
import { EventBus } from '../events/event-bus.js';
import type { CoreBase } from '../extension/core.js';
import type { CoreOptions } from '../kernel-options.js';
import { limitsOf } from '../limits.js';
import { PluginRegistry } from '../registry/plugin-registry.js';
import type { Announce } from '../reporting.js';
import { consoleSink } from '../telemetry/console-sink.js';
import { Log } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { withOrigin } from '../telemetry/origin.js';
import { Redaction } from '../telemetry/redaction.js';
import type { Shared } from './shared.js';

/** The ground of a tenant. */
export interface Base extends CoreBase {
  readonly options: CoreOptions;
}

/** Makes the ground of a tenant. */
export function createBase({ options, storage }: Shared, tenant: string): Base {
  const redaction = new Redaction();
  const { log: sink = consoleSink } = options.telemetry ?? {};
  const log = new Log(sink === false ? [] : [sink], tenant, redaction);
  const bus = new EventBus((error, topic) =>
    log.write('kernel', 'error', `a listener of ${topic} threw: ${messageOf(error)}`, {
      topic,
      ...withOrigin(error),
    }),
  );
  const announce: Announce = (topic, payload) => {
    if (bus.hears(topic))
      bus.emit({ topic, payload: redaction.value(payload), source: 'kernel', tenant });
  };
  log.addSink((entry) => announce('log:written', entry));
  return {
    tenant,
    options,
    limits: limitsOf(options.limits),
    storage,
    registry: new PluginRegistry(),
    bus,
    redaction,
    reporting: { log, metrics: new Metrics(), announce },
  };
}
