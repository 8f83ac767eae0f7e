/** Writes and announces records. This is the only place where a plugin's state changes. */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { KernelEvents } from '../kernel-events.js';
import type { Plugin } from '../plugin/plugin.js';
import {
  type FailedPlugin,
  type PluginRecord,
  type ValidatedPlugin,
  versionOf,
} from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Reporting } from '../reporting.js';
import type { Stage } from '../stage.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Redaction } from '../telemetry/redaction.js';

/** Kernel events that only identify the plugin. */
type Advance = {
  [T in keyof KernelEvents]: KernelEvents[T] extends {
    readonly id: string;
    readonly version?: string;
  }
    ? { id: string; version?: string } extends KernelEvents[T]
      ? T
      : never
    : never;
}[keyof KernelEvents];

/** Owns every change of a record. */
export class Ledger {
  readonly registry: PluginRegistry;
  readonly #reporting: Reporting;
  readonly #redaction: Redaction;
  /** Called after each change of a record. */
  onChange: (plugin: Plugin) => void = () => {};

  constructor(registry: PluginRegistry, reporting: Reporting, redaction: Redaction) {
    this.registry = registry;
    this.#reporting = reporting;
    this.#redaction = redaction;
  }

  /** @throws PluginUnavailableError `plugin/not-found`. */
  require(key: string): PluginRecord {
    const record = this.registry.get(key);
    if (record === undefined)
      throw createError('plugin/not-found', `no plugin '${key}' is installed`, {
        plugin: idOf(key),
      });
    return record;
  }

  /** @throws PluginUnavailableError `plugin/not-found`. */
  plugin(key: string): Plugin {
    this.require(key);
    return this.registry.plugin(key) as Plugin;
  }

  /** Replaces a record and announces it. */
  advance<R extends PluginRecord>(record: R, topic: Advance): R {
    this.put(record);
    this.#reporting.announce(topic, this.fact(record));
    return record;
  }

  /** Replaces a record. Newer findings about its dependencies are kept. */
  put(record: PluginRecord): void {
    const current = this.registry.get(record.key);
    const known = current !== undefined && 'level' in current && 'level' in record;
    this.registry.put(
      known ? { ...record, dependencies: current.dependencies, level: current.level } : record,
    );
    this.#changed(record.key);
  }

  /**
   * Records and announces a failure.
   *
   * @param previous the record that the plugin returns to when it is tried again.
   * @param how what happens between the two, and whether it is recorded only.
   */
  fail(
    previous: FailedPlugin['previous'],
    stage: Stage,
    thrown: unknown,
    { first, isEarly }: { readonly first?: () => void; readonly isEarly?: boolean } = {},
  ): void {
    const { key, id, origin } = previous;
    const error = this.#redaction.value(
      thrown instanceof Error
        ? thrown
        : createError('plugin/activation-failed', messageOf(thrown), { plugin: id }),
    );
    this.registry.put({
      state: 'failed',
      key,
      id,
      origin,
      package: previous.package,
      stage,
      error,
      previous,
      ...(isEarly === true && { isEarly }),
    });
    this.#changed(key);
    first?.();
    if (isEarly === true) return;
    const code =
      typeof (error as Partial<PluginError>).code === 'string'
        ? (error as PluginError).code
        : 'plugin/activation-failed';
    const shown = withOrigin(error);
    this.#reporting.log.write('kernel', 'error', error.message, {
      code,
      plugin: id,
      stage,
      ...shown,
    });
    this.#reporting.announce('plugin:failed', {
      ...this.fact(previous),
      stage,
      code,
      message: error.message,
      ...shown,
    });
  }

  /** Records that policy doesn't let a plugin run that had another state until now. */
  deny(key: string, validated: ValidatedPlugin, error: PluginError): void {
    this.registry.rename(key, { ...validated, state: 'denied', error });
    this.#reporting.log.write('kernel', 'info', error.message, {
      code: error.code,
      plugin: validated.id,
    });
    this.#reporting.announce('plugin:denied', { ...this.fact(validated), message: error.message });
  }

  #changed(key: string): void {
    const plugin = this.registry.plugin(key);
    if (plugin !== undefined) this.onChange(plugin);
  }

  fact(record: PluginRecord): { readonly id: string; readonly version?: string } {
    const version = versionOf(record);
    return version === undefined ? { id: record.id } : { id: record.id, version };
  }
}
