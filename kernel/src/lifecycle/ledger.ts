/** Writes records down and says so: the only place where a plugin's state changes. */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { KernelEvents } from '../events/kernel-events.js';
import type { KernelParts } from '../parts.js';
import { type FailedPlugin, type PluginRecord, versionOf } from '../record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Stage } from './stage.js';

/** Kernel events that tell nothing but who. */
type Advance = {
  [T in keyof KernelEvents]: KernelEvents[T] extends { readonly id: string; readonly version?: string }
    ? { id: string; version?: string } extends KernelEvents[T]
      ? T
      : never
    : never;
}[keyof KernelEvents];

/** Owns every change of a record. */
export class Ledger {
  readonly registry: PluginRegistry;
  readonly #parts: KernelParts;

  constructor(registry: PluginRegistry, parts: KernelParts) {
    this.registry = registry;
    this.#parts = parts;
  }

  /** @throws PluginUnavailableError `plugin/not-found`. */
  require(key: string): PluginRecord {
    const record = this.registry.get(key);
    if (record === undefined) throw createError('plugin/not-found', `no plugin '${key}' is installed`, { plugin: idOf(key) });
    return record;
  }

  /** Replaces a record and announces it. */
  advance<R extends PluginRecord>(record: R, topic: Advance): R {
    this.put(record);
    this.#parts.announce(topic, this.fact(record));
    return record;
  }

  /** Replaces a record; what others have found out about its dependencies meanwhile stays. */
  put(record: PluginRecord): void {
    const current = this.registry.get(record.key);
    const known = current !== undefined && 'level' in current && 'level' in record;
    this.registry.put(known ? { ...record, dependencies: current.dependencies, level: current.level } : record);
  }

  /** @param previous what the plugin goes back to when it is tried again. */
  fail(previous: FailedPlugin['previous'], stage: Stage, thrown: unknown): void {
    const { key, id, origin } = previous;
    const error = this.#parts.redaction.value(thrown instanceof Error ? thrown : createError('plugin/activation-failed', messageOf(thrown), { plugin: id }));
    this.registry.put({ state: 'failed', key, id, origin, package: previous.package, stage, error, previous });
    const code = typeof (error as Partial<PluginError>).code === 'string' ? (error as PluginError).code : 'plugin/activation-failed';
    this.#parts.log.write('kernel', 'error', error.message, { code, plugin: id, stage });
    this.#parts.announce('plugin:failed', { ...this.fact(previous), stage, code, message: error.message });
  }

  fact(record: PluginRecord): { readonly id: string; readonly version?: string } {
    const version = versionOf(record);
    return version === undefined ? { id: record.id } : { id: record.id, version };
  }
}
