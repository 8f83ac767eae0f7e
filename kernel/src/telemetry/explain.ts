/** "Why isn't it running?": the exact answer, in a sentence and as data. */
import type { PluginError } from '@plinth/sdk/contract';
import type { Quarantine } from '../supervision/supervisor.js';
import { manifestOf, type PluginRecord, type PluginState } from '../record.js';

/** Why a plugin is in the state it is in. */
export interface Explanation {
  readonly id: string;
  readonly state: PluginState | 'unknown';
  readonly running: boolean;
  /** One sentence that names the cause. */
  readonly because: string;
  /** From the plugin down to what is at fault. */
  readonly path: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly stage: string; readonly details: unknown };
}

/** What its record doesn't say of a plugin. */
export interface Circumstances {
  readonly quarantine: Quarantine | undefined;
  readonly enabled: boolean;
  /** Why it is paused for want of another. */
  readonly blame?: (PluginError & { readonly details: { readonly path?: unknown } }) | undefined;
}

/** Explains a plugin; one that isn't installed too. */
export function explain(id: string, record: PluginRecord | undefined, { quarantine, enabled, blame }: Circumstances): Explanation {
  if (record === undefined) return { id, state: 'unknown', running: false, because: `no plugin '${id}' is installed`, path: [id] };
  const base = { id, state: record.state, running: record.state === 'active' };
  if (record.state === 'failed') {
    const error = record.error as Partial<PluginError> & Error;
    const path = (error.details?.path as readonly string[] | undefined) ?? [id];
    return {
      ...base,
      because:
        quarantine === undefined
          ? `${id} failed to ${record.stage}: ${error.message}`
          : `${id} is quarantined: it crashed ${quarantine.crashes} times within ${quarantine.within} ms, the last time because ${error.message}; activate it by name to try again`,
      path,
      error: { code: error.code ?? 'call/failed', message: error.message, stage: record.stage, details: error.details ?? {} },
    };
  }
  if (!enabled) return { ...base, because: `${id} is disabled: enable it first`, path: [id] };
  if (record.state === 'suspended' && record.reason === 'limit') return { ...base, because: blame?.message ?? `${id} is suspended: it was over a limit`, path: [id] };
  if (record.state === 'suspended' && record.reason === 'dependency') {
    const path = (blame?.details.path as readonly string[] | undefined) ?? [id];
    return { ...base, because: `${id} is suspended until what it needs is back${blame === undefined ? '' : `: ${blame.message}`}`, path };
  }
  return { ...base, because: becauseOf(record), path: [id] };
}

function becauseOf(record: Exclude<PluginRecord, { state: 'failed' }>): string {
  switch (record.state) {
    case 'active':
      return `${record.id} is active since ${new Date(record.since).toISOString()}, activated by ${record.activatedBy}`;
    case 'suspended':
      return record.reason === 'idle' ? `${record.id} sleeps until it is called` : `${record.id} was suspended and waits to be resumed`;
    case 'unloaded':
      return `${record.id} was deactivated and may be activated again`;
    case 'resolved': {
      const events = manifestOf(record)?.activation ?? [];
      return `${record.id} is ready and waits to be activated${events.length > 0 ? ` by ${events.join(' or ')}` : ''}`;
    }
    default:
      return `${record.id} is ${record.state}: it is starting, or the kernel has not been started`;
  }
}
