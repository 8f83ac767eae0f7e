/** The options of a call from the host, checked. */
import type { CallOptions } from '@plinth/sdk';
import { createError, DEFAULT_TIMEOUT, type Caller } from '@plinth/sdk/contract';
import { type CallSettings, HOST } from './call.js';

/** What the host may say of a call, beside what every caller may. */
export interface HostCallOptions extends CallOptions {
  /** On whose behalf; handlers see it as `call.user`. Only the host can set it. */
  readonly user?: string;
  readonly traceparent?: string;
  /** Called with each value the handler reports. */
  readonly onProgress?: (value: unknown) => void;
}

/** The shorter of what the caller wants and what the command allows, in milliseconds. */
export function effectiveTimeout(wanted: number | undefined, allowed: number | undefined): number {
  if (wanted !== undefined && (typeof wanted !== 'number' || !Number.isFinite(wanted) || wanted <= 0)) {
    throw createError('call/invalid-option', `timeout must be a positive number of milliseconds, not ${String(wanted)}`);
  }
  const limit = allowed ?? DEFAULT_TIMEOUT;
  return wanted === undefined ? limit : allowed === undefined ? wanted : Math.min(wanted, limit);
}

/** The settings of a call. */
export function settingsOf(options: HostCallOptions | undefined, allowed: number | undefined, tenant: string, caller: Caller = HOST): CallSettings {
  if (options === undefined) return { caller, tenant, timeout: allowed ?? DEFAULT_TIMEOUT };
  const { signal, user, traceparent, onProgress, timeout } = options;
  return {
    caller,
    tenant,
    timeout: effectiveTimeout(timeout, allowed),
    ...(signal !== undefined && { signal }),
    ...(user !== undefined && { user }),
    ...(traceparent !== undefined && { traceparent }),
    ...(onProgress !== undefined && { onProgress }),
  };
}
