/** What `plinth.system@1` tells: the runtime, the versions, and how much there is to do. */

import type { CorePlugins } from '../../../api/host-plugins.js';
import type { Host } from '../../../host.js';
import type { Metrics } from '../../../telemetry/metrics.js';

/** What this module needs of the kernel. */
export interface SystemParts {
  readonly metrics: Pick<Metrics, 'calls' | 'failures'>;
  readonly plugins: Pick<CorePlugins, 'list'>;
  readonly hosts: readonly Host[];
  readonly version: string;
  readonly tenant: string;
  /** Milliseconds since the kernel was made. */
  uptime(): number;
}

/** The facts as they are now. */
export function systemFacts(parts: SystemParts): unknown {
  const { hosts, plugins, metrics, version, tenant, uptime } = parts;
  const states = plugins.list().map(({ state }) => state);
  const count = (state: string) => states.filter((one) => one === state).length;
  const told = hosts.flatMap((host) => host.system?.() ?? []);
  const { memory, cpu } =
    told.find((one) => one.memory !== undefined || one.cpu !== undefined) ?? {};
  const runtime = hosts.find((host) => host.runtime !== undefined)?.runtime;
  const { calls, failures } = metrics;
  return {
    ...(runtime !== undefined && { runtime }),
    isolations: [
      ...new Set(
        hosts.flatMap((host) => host.isolations.filter((one) => host.offers?.(one) !== false)),
      ),
    ],
    tenant,
    versions: { ...Object.assign({}, ...told.map(({ versions }) => versions)), plinth: version },
    load: {
      uptime: uptime(),
      plugins: {
        total: states.length,
        active: count('active'),
        suspended: count('suspended'),
        failed: count('failed'),
      },
      calls,
      failures,
      ...(memory !== undefined && { memory }),
      ...(cpu !== undefined && { cpu }),
    },
  };
}
