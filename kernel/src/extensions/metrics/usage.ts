/** Collects what one plugin uses. */
import { messageOf } from '@plinth/sdk/contract';
import type { Core } from '../../extension/core.js';
import type { ResourceUsage } from '../../host.js';
import { inTime } from '../../in-time.js';
import {
  isRunning,
  type PluginRecord,
  type RunningPlugin,
  versionOf,
} from '../../plugin/record.js';
import type { CountedBytes } from './bytes.js';
import type { EventCounts } from './event-counts.js';
import type { SeriesTable } from './series-table.js';
import { amountOf, type PluginUsage } from './usage-data.js';

/** What usage is collected from. */
export interface UsageParts {
  readonly core: Core;
  readonly counts: EventCounts;
  /** Bytes of a plugin's guest, by the plugin's key, where they are counted. */
  bytes(key: string): CountedBytes | undefined;
  /** Calls since the kernel was made. */
  series(): readonly SeriesTable[];
}

/**
 * Milliseconds in which a guest's host must tell what the guest uses, and the storage what it keeps.
 * A busy thread may not.
 */
const PATIENCE = 1_000;

/** What one plugin uses now. */
export async function usageOf(record: PluginRecord, parts: UsageParts): Promise<PluginUsage> {
  const { core, counts } = parts;
  const unknown: Record<string, string> = {};
  const running = isRunning(record) ? record : undefined;
  const version = versionOf(record);
  const mailbox = core.registry.plugin(record.key)?.mailbox.size ?? 0;
  const link = running?.connection.link;
  const [measured, storage] = await Promise.all([
    running === undefined ? undefined : resourcesOf(running, unknown),
    storageOf(record, parts, unknown),
  ]);
  if (running === undefined)
    for (const name of ['memory', 'cpu', 'eventLoop', 'messages'])
      unknown[name] = `${record.id} has no guest now`;
  return {
    id: record.id,
    ...(version !== undefined && { version }),
    state: record.state,
    ...(running !== undefined && { isolation: core.packages.launcher.isolationOf(running) }),
    ...measured,
    ...(running !== undefined && { messages: messagesOf(running, parts, unknown) }),
    calls: {
      ...answeredBy(record.id, parts.series()),
      pending: link?.pending ?? 0,
      serving: link?.serving ?? 0,
      streams: link?.streams ?? 0,
      waiting: mailbox,
    },
    ...(storage !== undefined && { storage }),
    logs: counts.logsOf(record.id),
    ...counts.crashesOf(record.id),
    ...(running !== undefined && { activation: phasesOf(running) }),
    unknown,
  };
}

async function resourcesOf(
  { id, connection, ...record }: RunningPlugin,
  unknown: Record<string, string>,
): Promise<Pick<PluginUsage, 'cpu' | 'eventLoop' | 'memory'>> {
  let usage: ResourceUsage = {};
  let why = connection.isolated
    ? 'this runtime does not tell it of a guest'
    : 'an inline guest shares the memory and the thread of the application';
  try {
    usage = (await inTime(connection.usage(), PATIENCE, 'its thread is busy')) ?? {};
  } catch (error) {
    why = messageOf(error);
  }
  const { memory, cpu, eventLoop } = usage;
  for (const [name, value] of Object.entries({ memory, cpu, eventLoop }))
    if (value === undefined) unknown[name] = why;
  const { limits } = connection.meter;
  const alive = 'since' in record ? Date.now() - record.since : 0;
  return {
    ...(memory !== undefined && { memory: amountOf(memory, limits.memory) }),
    ...(cpu !== undefined && {
      cpu: {
        time: cpu,
        share: alive > 0 ? Math.min(1, cpu / alive) : 0,
        ...(Number.isFinite(limits.cpu) && { limit: limits.cpu }),
      },
    }),
    ...(eventLoop !== undefined && { eventLoop }),
  };
}

async function storageOf(
  record: PluginRecord,
  { core }: UsageParts,
  unknown: Record<string, string>,
): Promise<PluginUsage['storage']> {
  if (versionOf(record) === undefined) {
    unknown['storage'] = 'its id is not known';
    return undefined;
  }
  try {
    const own = core.storageOf(record.id);
    const { bytes, keys } = await inTime(own.usage(), PATIENCE, 'the storage does not answer');
    return { ...amountOf(bytes, own.quota), keys };
  } catch (error) {
    unknown['storage'] = messageOf(error);
    return undefined;
  }
}

function messagesOf(
  { key, connection }: RunningPlugin,
  { bytes }: UsageParts,
  unknown: Record<string, string>,
): NonNullable<PluginUsage['messages']> {
  const { link, requests, refusals } = connection;
  const counted = bytes(key);
  if (counted === undefined)
    unknown['bytes'] = connection.isolated
      ? "bytes are counted only with the option 'metrics.bytes'"
      : 'an inline guest gets values as they are';
  return { received: link.received, sent: link.posted, requests, refused: refusals, ...counted };
}

function answeredBy(
  id: string,
  tables: readonly SeriesTable[],
): { readonly answered: number; readonly failed: number } {
  let answered = 0;
  let failed = 0;
  for (const table of tables)
    for (const { times, failures } of table.ofPlugin(id)) {
      answered += times.count;
      failed += failures;
    }
  return { answered, failed };
}

function phasesOf({ phases }: RunningPlugin): NonNullable<PluginUsage['activation']> {
  const total = Object.values(phases).reduce((sum, took) => sum + took, 0);
  return { ...phases, total };
}
