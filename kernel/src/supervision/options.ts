/** How a kernel looks after its guests. */
import { createError } from '@plinth/sdk/contract';

/** What happens to guests that crash, hang or stay silent. Times in milliseconds. */
export interface SupervisionOptions {
  /** Whether a plugin whose guest has ended by itself is started again; true when absent. */
  readonly restart?: boolean;
  /** Before the first restart; doubled with each crash that follows within {@link within}, with jitter. 250 when absent. */
  readonly backoff?: number;
  /** Longest wait before a restart; 30 000 when absent. */
  readonly maxBackoff?: number;
  /** Crashes within {@link within} after which a plugin is quarantined; 5 when absent. */
  readonly crashes?: number;
  /** 60 000 when absent. */
  readonly within?: number;
  /** Between two looks at a guest that sends nothing by itself; 1 000 when absent. */
  readonly heartbeat?: number;
  /** Silence after which a guest counts as hung and is ended; 4 000 when absent, Infinity for never. */
  readonly timeout?: number;
  /** Between two snapshots of a plugin that has `getState`: what a restart gives back. 10 000 when absent, Infinity for none. */
  readonly snapshot?: number;
}

/** {@link SupervisionOptions} with everything decided. */
export type Supervision = Required<SupervisionOptions>;

const DEFAULTS: Supervision = { restart: true, backoff: 250, maxBackoff: 30_000, crashes: 5, within: 60_000, heartbeat: 1_000, timeout: 4_000, snapshot: 10_000 };
const NONE: Supervision = { ...DEFAULTS, restart: false, timeout: Number.POSITIVE_INFINITY, snapshot: Number.POSITIVE_INFINITY };

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function supervisionOf(options: SupervisionOptions | boolean | undefined): Supervision {
  if (options === false) return NONE;
  if (options === undefined || options === true) return DEFAULTS;
  if (typeof options !== 'object' || options === null)
    throw createError('kernel/invalid-option', `'supervision' is a boolean or an object, not ${String(options)}`, { details: { option: 'supervision' } });
  for (const [key, value] of Object.entries(options)) {
    const sound = key === 'restart' ? typeof value === 'boolean' : Object.hasOwn(DEFAULTS, key) && typeof value === 'number' && value > 0;
    if (!sound)
      throw createError('kernel/invalid-option', `'supervision.${key}' is not an option, or ${String(value)} no value for it`, { details: { option: `supervision.${key}` } });
  }
  return { ...DEFAULTS, ...options };
}
