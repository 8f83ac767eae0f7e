/** Replaces a plugin by stopping and starting it, and puts the old one back when that fails. */
import { messageOf } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { Plugin } from '../plugin/plugin.js';
import {
  asValidated,
  isAsleep,
  isRunning,
  type PluginRecord,
  type ResolvedPlugin,
  type ValidatedPlugin,
} from '../plugin/record.js';
import type { Snapshot } from '../plugin/snapshot.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Activation } from './activation.js';
import type { Core } from './core.js';
import type { Ending } from './ending.js';
import { gone } from './failures.js';
import { answer, ask } from './intents.js';
import { takeSnapshot } from './snapshot.js';
import { ALIVE } from './swap.js';

/** How a plugin is replaced. */
export interface Replacement {
  /** Whether the next guest begins without the state of this one. */
  readonly stateless?: boolean;
  /** Whether nothing that was stopped by name is started for it. */
  readonly automatic?: boolean;
}

/** Milliseconds for a paused plugin to finish its work in flight before it is restarted. */
const PATIENCE = 500;

/** Changes one plugin at a time, in its queue. */
export class Restarting {
  readonly #core: Core;
  readonly #ending: Ending;
  readonly #activation: Activation;

  constructor(core: Core, ending: Ending, activation: Activation) {
    this.#core = core;
    this.#ending = ending;
    this.#activation = activation;
  }

  /**
   * Puts another package in the place of a plugin that doesn't run. Answers its key.
   * @throws PluginResolutionError when it can't be resolved, or its version is installed. Nothing
   * is changed then.
   */
  async exchange(key: string, next: ValidatedPlugin): Promise<string> {
    await this.#ask(this.#core.ledger.plugin(key), false, async () => {
      if (next.key !== key) this.#core.admission.checkFree(next);
      this.#core.admission.resolveNext(next, key, []);
      const stopped = this.#core.registry.get(key)?.state === 'unloaded';
      await this.#ending.end(key, 'replace');
      this.#core.listening.stop(key, gone(next.id));
      this.#core.supervisor.stopped(this.#core.ledger.plugin(key));
      this.#core.registry.rename(key, next);
      this.#core.resolveAll();
      // A plugin that was stopped by name stays stopped in another version.
      const record = this.#core.registry.get(next.key);
      if (stopped && record?.state === 'resolved') await this.#ending.end(next.key, 'request');
    });
    return next.key;
  }

  async #ask(plugin: Plugin, quiet: boolean, run: () => Promise<void>): Promise<void> {
    await ask(plugin, 'exchange', { quiet, run }, () => this.#core.reconciler.asked(plugin));
  }

  /** Does what was asked for. */
  take(plugin: Plugin): Promise<void> {
    return answer(plugin, 'exchange', async ({ run }) => {
      await run();
      return undefined;
    });
  }

  /** Restarts a plugin, with its state if offered. A failed start restores the old record. */
  async restart(
    plugin: Plugin,
    next: ValidatedPlugin | undefined,
    how: Replacement,
  ): Promise<string> {
    plugin.returning = true;
    try {
      return await this.#restart(plugin, next, how);
    } finally {
      plugin.returning = false;
      // What waited for one that doesn't come is refused.
      this.#core.reconciler.changed(plugin);
    }
  }

  async #restart(
    plugin: Plugin,
    next: ValidatedPlugin | undefined,
    { stateless = false, automatic = false }: Replacement,
  ): Promise<string> {
    const { key } = plugin.record;
    const now = next?.key ?? key;
    const { supervisor } = this.#core;
    const asked = this.#core.word();
    supervisor.steered(plugin);
    plugin.going = true;
    let before!: { readonly record: PluginRecord; readonly snapshot: Snapshot | undefined };
    const stopping = this.#ask(plugin, true, async () => {
      const record = this.#core.ledger.require(key);
      if (next !== undefined) resolveNext(this.#core, key, next);
      const snapshot = stateless ? undefined : await this.#snapshot(plugin, record);
      // What waits for a restart waits for this one.
      if (plugin.intent.restart === undefined) supervisor.stopped(plugin);
      else supervisor.steered(plugin);
      if (next === undefined) readAnew(this.#core, record.package);
      await this.#ending.end(key, 'replace');
      if (next !== undefined) this.#core.registry.rename(key, next);
      else if (record.state === 'failed' && record.previous.state !== 'resolved')
        this.#core.ledger.put(record.previous);
      plugin.saved = snapshot;
      this.#core.resolveAll();
      before = { record, snapshot };
    });
    await stopping.catch((error: unknown) => {
      plugin.going = false;
      supervisor.steeredInVain(plugin);
      this.#core.reconciler.changed(plugin);
      throw error;
    });
    // It was stopped by name meanwhile, and stays so.
    if (plugin.intent.stoppedAt > asked) {
      await plugin.stopping;
      return now;
    }
    try {
      await (plugin.starting?.over ??
        this.#activation.begin(plugin, { activatedBy: 'reload', named: !automatic, asked }));
      supervisor.steeredWell(plugin);
    } catch (error) {
      plugin.saved = undefined;
      if (next !== undefined) await this.#putBack(plugin, before.record, before.snapshot);
      const back = this.#core.registry.plugin(before.record.key) === plugin;
      if (back && plugin.record.state === 'failed') {
        plugin.saved = before.snapshot;
        supervisor.steeredInVain(plugin);
      } else supervisor.steeredWell(plugin);
      throw error;
    }
    // It may have been stopped or removed since it started. That was announced then.
    const record = this.#core.registry.get(now);
    if (record !== undefined && isRunning(record))
      this.#core.reporting.announce('plugin:reloaded', this.#core.ledger.fact(record));
    return now;
  }

  /** Restores a plugin whose replacement can't start. It runs again when it ran before. */
  async #putBack(
    plugin: Plugin,
    before: PluginRecord,
    snapshot: Snapshot | undefined,
  ): Promise<void> {
    const { key } = plugin.record;
    const ran = isRunning(before) || isAsleep(before);
    await this.#ask(plugin, false, async () => {
      await this.#ending.end(key, 'replace');
      // Another operation may have installed that version meanwhile. It keeps it.
      if (before.key !== key && this.#core.registry.get(before.key) !== undefined) {
        this.#core.registry.remove(key);
        this.#core.resolveAll();
        return;
      }
      this.#core.registry.rename(
        key,
        before.state === 'discovered' || before.state === 'denied' || before.state === 'failed'
          ? before
          : asValidated(before),
      );
      if (ran) plugin.saved = snapshot;
      this.#core.resolveAll();
      if (before.state === 'unloaded') await this.#ending.end(before.key, 'request');
    });
    if (!ran) return;
    try {
      await this.#activation.begin(this.#core.ledger.plugin(before.key), {
        activatedBy: 'reload',
        named: true,
        asked: this.#core.word(),
      });
    } catch (error) {
      this.#core.reporting.log.write(
        'kernel',
        'error',
        `${before.id} could not be started as it was: ${messageOf(error)}`,
        { plugin: before.id, ...withOrigin(error) },
      );
    }
  }

  /** The next guest's state: the current one, or the last snapshot if the guest can't answer. */
  async #snapshot({ saved: last }: Plugin, record: PluginRecord): Promise<Snapshot | undefined> {
    if (isAsleep(record)) return last;
    if (record.state !== 'active' && record.state !== 'suspended')
      return record.state === 'failed' ? last : undefined;
    if (record.connection.has('getState') && !(await record.connection.alive(ALIVE))) {
      this.#core.reporting.log.write(
        'kernel',
        'warn',
        `${record.id} does not answer: it is restarted with the state of its last snapshot`,
        { plugin: record.id },
      );
      return last;
    }
    // Held calls don't affect the state. Calls in flight still belong to it.
    if (!record.connection.mailbox.open && record.connection.has('getState'))
      await record.connection.drained(Math.min(this.#core.stages.limits.swap, PATIENCE));
    return takeSnapshot(record.connection, record, this.#core.stages.limits.hook);
  }
}

/** A reload reads the package again instead of using what was read before. */
export function readAnew({ stages }: Core, found: PluginPackage): void {
  stages.loader.forget(found);
}

/**
 * What a plugin would be with another package.
 *
 * @throws PluginResolutionError when it can't be resolved, or when a running dependant can't.
 */
export function resolveNext(
  { admission, relations }: Core,
  key: string,
  next: ValidatedPlugin,
): ResolvedPlugin {
  if (next.key !== key) admission.checkFree(next);
  return admission.resolveNext(next, key, relations.reliant(key));
}
