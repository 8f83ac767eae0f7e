/** Answers "Why isn't it running?" exactly, in a sentence and as data. */
import type { PluginError } from '@plinth/sdk/contract';
import type { CanaryInfo } from '../lifecycle/inventory.js';
import {
  type FailedPlugin,
  manifestOf,
  type PluginRecord,
  type PluginState,
} from '../plugin/record.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Circumstances } from './circumstances.js';
import type { Cut, Usage } from './explain-details.js';
import type { ExplainedStory } from './explain-story.js';

/**
 * Why a plugin is in the state it is in, who is involved, and what would help. Empty lists are left
 * out.
 */
export interface Explanation extends ExplainedStory {
  readonly id: string;
  readonly state: PluginState | 'unknown';
  readonly running: boolean;
  /** One sentence that names the cause. */
  readonly because: string;
  /** The path from the plugin to the cause. */
  readonly path: readonly string[];
  /**
   * The next restart: its time in milliseconds since the epoch (absent while it is in progress),
   * and its attempt number.
   */
  readonly restart?: { readonly due?: number; readonly attempt: number };
  /** What it asks for and lacks: by policy, by an extension, or because it was revoked. */
  readonly cut?: Cut;
  /** What it currently uses. Present only for a running plugin. */
  readonly uses?: Usage;
  /** The later version that answers a share of its calls. Present while there is one. */
  readonly canary?: CanaryInfo;
  /** `stack` is that of what was thrown, in the plugin's sources where they are known. */
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly stage: string;
    readonly details: unknown;
    readonly stack?: string;
  };
}

/** Explains the state of a plugin, also of one that isn't installed. */
export function explain(
  id: string,
  record: PluginRecord | undefined,
  circumstances: Circumstances,
): Explanation {
  if (record === undefined)
    return {
      id,
      state: 'unknown',
      running: false,
      because: `no plugin '${id}' is installed`,
      path: [id],
    };
  const base = { id, state: record.state, running: record.state === 'active' };
  if (record.state === 'failed') return failed(id, record, circumstances);
  if (record.state === 'denied') {
    const error = errorOf(record.error, 'plugin/disabled', 'validate');
    return { ...base, because: record.error.message, path: [id], error };
  }
  const { enabled, blame, pausedFor = [] } = circumstances;
  if (!enabled) return { ...base, because: `${id} is disabled: enable it first`, path: [id] };
  if (record.state === 'suspended' && record.reason === 'limit')
    return {
      ...base,
      because: blame?.message ?? `${id} is suspended: it was over a limit`,
      path: [id],
    };
  if (record.state === 'suspended' && record.reason === 'dependency') {
    const path = (blame?.details.path as readonly string[] | undefined) ?? [id];
    return {
      ...base,
      because: `${id} is suspended until what it needs is back${blame === undefined ? '' : `: ${blame.message}`}`,
      path,
    };
  }
  if (record.state === 'suspended' && pausedFor.length > 0)
    return { ...base, because: `${id} is paused: ${pausedFor.join('; ')}`, path: [id] };
  // One that was suspended by request stays so, and could not go on.
  const lacks = blame === undefined ? '' : `, and lacks what it needs: ${blame.message}`;
  const path = (blame?.details.path as readonly string[] | undefined) ?? [id];
  return { ...base, because: becauseOf(record) + lacks, path };
}

function failed(
  id: string,
  { state, stage, error }: FailedPlugin,
  { quarantine, restart }: Circumstances,
): Explanation {
  const { details } = error as Partial<PluginError>;
  return {
    id,
    state,
    running: false,
    because:
      quarantine === undefined
        ? `${id} failed to ${stage}: ${error.message}${comingOf(restart)}`
        : `${id} is quarantined: it crashed ${quarantine.crashes} times within ${quarantine.within} ms, the last time because ${error.message}; activate it by name to try again`,
    path: (details?.path as readonly string[] | undefined) ?? [id],
    ...(restart !== undefined && {
      restart: {
        attempt: restart.attempt,
        ...(restart.due !== undefined && { due: restart.due }),
      },
    }),
    error: { ...errorOf(error, 'call/failed', stage), ...withOrigin(error) },
  };
}

/** An error as data. */
function errorOf(error: Error, unnamed: string, stage: string): NonNullable<Explanation['error']> {
  const { code, details } = error as Partial<PluginError>;
  return { code: code ?? unnamed, message: error.message, stage, details: details ?? {} };
}

/** Says when a plugin is restarted. */
function comingOf(restart: Circumstances['restart']): string {
  if (restart === undefined) return '';
  return restart.due === undefined
    ? '; it is being started again'
    : `; it is started again at ${new Date(restart.due).toISOString()} (attempt ${restart.attempt})`;
}

function becauseOf(record: Exclude<PluginRecord, { state: 'failed' | 'denied' }>): string {
  switch (record.state) {
    case 'active':
      return `${record.id} is active since ${new Date(record.since).toISOString()}, activated by ${record.activatedBy}`;
    case 'suspended':
      return record.reason === 'idle'
        ? `${record.id} sleeps until it is called`
        : `${record.id} was suspended and waits to be resumed`;
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
