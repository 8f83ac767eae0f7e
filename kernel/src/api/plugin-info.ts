/** What listings show of a plugin. */
import type { Manifest } from '@plinth/sdk';
import type { PluginError } from '@plinth/sdk/contract';
import type { PluginTimes } from '../lifecycle/inventory.js';
import { manifestOf, type PluginRecord, type PluginState } from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

/** One plugin, as listings show it. */
export interface PluginInfo {
  /** The plugin's id, or its origin while its manifest can't be read. */
  readonly id: string;
  readonly name?: string;
  readonly version?: string;
  readonly state: PluginState;
  /** Whether it may be started. */
  readonly enabled: boolean;
  /**
   * Why it is suspended: by request, a missing dependency, no work, or a limit that it exceeded.
   */
  readonly reason?: 'request' | 'dependency' | 'idle' | 'limit';
  readonly origin: string;
  readonly manifest?: Manifest;
  readonly dependencies: readonly string[];
  /** The activation event. Only while it is active or suspended. */
  readonly activatedBy?: string;
  /** Milliseconds since the epoch. Only while it is active or suspended. */
  readonly since?: number;
  /**
   * When it was first found or installed over this storage, in milliseconds since the epoch. Only
   * once its manifest is known.
   */
  readonly createdAt?: number;
  /**
   * When its versions, its settings, or whether it may run were last changed, in milliseconds since
   * the epoch.
   */
  readonly updatedAt?: number;
  /** Why it failed, or which decision of the application keeps it from running (`denied`). */
  readonly error?: Error & { readonly code?: string };
  readonly stage?: string;
}

/**
 * Makes what shows a record.
 *
 * @param timesOf when a plugin was found and changed, as far as that is known.
 */
export function infosOf(
  registry: Pick<PluginRegistry, 'isEnabled'>,
  timesOf: (id: string) => PluginTimes | undefined,
): (record: PluginRecord) => PluginInfo {
  // Records are replaced, never changed, so the view of a record can be reused.
  const infos = new WeakMap<PluginRecord, PluginInfo>();
  return (record) => {
    const enabled = registry.isEnabled(record.key);
    const known = infos.get(record);
    const since = timesOf(record.id);
    if (known?.enabled === enabled && known.updatedAt === since?.updatedAt) return known;
    const made = Object.freeze({ ...infoOf(record), ...since, enabled });
    infos.set(record, made);
    return made;
  };
}

/** A record as the host may see it. */
function infoOf(record: PluginRecord): Omit<PluginInfo, 'enabled'> {
  const manifest = manifestOf(record);
  const lasting = record.state === 'failed' ? record.previous : record;
  return {
    id: record.id,
    state: record.state,
    origin: record.origin,
    dependencies: 'dependencies' in lasting ? lasting.dependencies.map(idOf) : [],
    ...(manifest !== undefined && {
      manifest,
      version: manifest.version,
      ...(manifest.name !== undefined && { name: manifest.name }),
    }),
    ...(record.state === 'suspended' && { reason: record.reason }),
    ...((record.state === 'active' || record.state === 'suspended') && {
      activatedBy: record.activatedBy,
      since: record.since,
    }),
    ...((record.state === 'failed' || record.state === 'denied') && {
      error: record.error as PluginError,
    }),
    ...(record.state === 'failed' && { stage: record.stage }),
  };
}
