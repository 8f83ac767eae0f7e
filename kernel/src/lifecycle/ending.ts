/** How guests end: asked to, once their dependants have paused, or by themselves. */
import { createError, messageOf, type PluginError, type StopReason } from '@plinth/sdk/contract';
import { outcome } from '../concurrency.js';
import { standInFor } from '../guests/dormant.js';
import type { GuestConnection } from '../guests/guest-connection.js';
import type { Plugin } from '../plugin/plugin.js';
import { asResolved, isAsleep, isRunning, type RunningPlugin } from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Core } from './core.js';
import { deactivate } from './deactivate.js';
import { AT_ONCE, type Drain } from './drain.js';
import { gone } from './failures.js';
import { dropPause } from './intents.js';
import { Undoing } from './undoing.js';

/** Owns the guests that are about to end. */
export class Ending {
  readonly #core: Core;
  /** Guests that were replaced or put to sleep, and are shutting down. */
  readonly #ending = new Set<Promise<void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Asks a plugin to stop. Stops that are asked for meanwhile share this one. */
  stop(plugin: Plugin, reason: StopReason, drain: Drain): Promise<void> {
    plugin.going = true;
    plugin.intent.stop ??= { reason, drain, over: outcome() };
    const { promise } = plugin.intent.stop.over;
    this.#core.reconciler.asked(plugin);
    return promise;
  }

  /** Does what {@link stop} was asked. */
  async take(plugin: Plugin): Promise<void> {
    const { record, intent } = plugin;
    const { stop } = intent;
    if (stop === undefined) return;
    await this.end(record.key, stop.reason, stop.drain);
    // A start that was under way when the stop was asked for may have begun to watch its guest.
    this.#core.supervisor.stopped(plugin);
    intent.stop = undefined;
    stop.over.resolve();
  }

  /** Whether no plugin runs that would lose this one. */
  isQuiet({ record: { key } }: Plugin): boolean {
    return (
      this.#core.stopped ||
      this.#core.relations.dependants(key).every(({ state }) => state !== 'active')
    );
  }

  async end(key: string, reason: StopReason, drain = AT_ONCE): Promise<void> {
    const plugin = this.#core.registry.plugin(key);
    if (plugin === undefined) return;
    const { record } = plugin;
    plugin.saved = undefined;
    // Others are asked only once its record says that it has ended.
    plugin.going = isRunning(record);
    if (isAsleep(record)) {
      record.registrations.close(gone(record.id));
      this.#core.ledger.advance({ ...asResolved(record), state: 'unloaded' }, 'plugin:unloaded');
      return;
    }
    if (record.state === 'resolved') {
      // From now on only the plugin's name or a request by name starts it.
      this.#core.listening.stop(key, gone(record.id));
      this.#core.ledger.advance({ ...record, state: 'unloaded' }, 'plugin:unloaded');
    }
    if (!isRunning(record)) return this.#endFailed(plugin, reason);
    plugin.place = undefined;
    try {
      await new Undoing(this.#core.stages.steps).before('deactivate', record);
    } catch (error) {
      plugin.going = false;
      this.#core.reconciler.changed(plugin);
      throw error;
    }
    // The plugin leaves `active` first, so that the end of its guest doesn't count as a crash.
    this.#core.ledger.put({ ...asResolved(record), state: 'unloaded' });
    plugin.going = false;
    plugin.leaving = true;
    const { record: unloaded, problem } = await deactivate(
      record,
      reason,
      drain,
      gone(record.id),
      this.#core.stages,
    );
    plugin.leaving = false;
    if (problem !== undefined) {
      const error = createError(
        'plugin/deactivation-failed',
        `${record.id} was stopped, but failed while stopping: ${messageOf(problem)}`,
        { plugin: record.id, cause: problem },
      );
      this.#core.reporting.log.write('kernel', 'error', error.message, {
        code: error.code,
        plugin: record.id,
        ...withOrigin(error),
      });
    }
    this.#core.reporting.announce('plugin:deactivated', {
      id: record.id,
      version: unloaded.version,
      reason,
    });
    this.#core.ledger.advance(unloaded, 'plugin:unloaded');
  }

  /** A failed plugin has no guest. What waits for it is refused, and only its name starts it. */
  #endFailed({ record, intent }: Plugin, reason: StopReason): void {
    if (record.state !== 'failed') return;
    // What waits for its restart waits for the one that takes its place.
    if (reason === 'replace' && intent.restart !== undefined) return;
    this.#core.listening.stop(record.key, gone(record.id));
    // Otherwise it would start when what it lacked comes back.
    const { previous, stage } = record;
    if (reason !== 'replace' && previous.state === 'resolved' && stage !== 'resolve')
      this.#core.ledger.advance({ ...previous, state: 'unloaded' }, 'plugin:unloaded');
  }

  watch({ key, connection }: RunningPlugin): void {
    connection.onEnd = (error) => this.#guestEnded(key, connection, error);
    // The guest may have ended before `onEnd` was set.
    void connection.ended.then((error) => this.#guestEnded(key, connection, error));
  }

  /** A guest has ended. That is a crash unless the kernel asked for it. */
  #guestEnded(key: string, connection: GuestConnection, error: PluginError): void {
    const plugin = this.#core.registry.plugin(key);
    const record = plugin?.record;
    if (plugin === undefined || record === undefined) return;
    if (!isRunning(record) || record.connection !== connection) return;
    plugin.place = undefined;
    const { id, version } = record;
    const starting = record.state === 'loaded' || record.state === 'initialized';
    dropPause(plugin, 'limit');
    // Planned, and out of reach, before anything is told of the crash: a call that a listener makes
    // waits for the restart.
    const told = starting ? undefined : this.#core.supervisor.crashed(plugin);
    // Its record comes first: a guard must count as absent before its middleware is removed.
    const first = () => {
      // One that starts has not taken over what waits: that waits on, in its place.
      if (!starting) this.#keepWaiting(plugin, record);
      connection.registrations.close(error);
      this.#core.reporting.announce('plugin:crashed', {
        id,
        version,
        reason: String(error.details.reason ?? error.code),
        code: error.code,
        message: error.message,
        ...blameOf(connection),
        ...withOrigin(error),
      });
    };
    const stage = starting ? 'activate' : 'run';
    this.#core.ledger.fail(asResolved(record), stage, error, { first });
    record.scope.dispose().catch((problem) =>
      this.#core.reporting.log.write('kernel', 'error', messageOf(problem), {
        plugin: idOf(key),
        ...withOrigin(problem),
      }),
    );
    told?.();
  }

  /**
   * What waits for a guest that has ended waits for the next one, when one comes by itself, and so
   * do the events that follow. Calls to a plugin that was not held wait for the restart itself.
   */
  #keepWaiting(plugin: Plugin, { connection }: RunningPlugin): void {
    const { restart } = plugin.intent;
    if (restart === undefined) return;
    const { registrations } = connection;
    const only = plugin.mailbox.open ? 'event' : undefined;
    if (only !== undefined && !registrations.all.some(({ kind }) => kind === only)) return;
    plugin.mailbox.hold('restart');
    const stood = standInFor(connection, registrations, this.#core.stages.services, only);
    plugin.listening = stood;
    void restart.over.promise.then(() => {
      // Given up, and no start is under way: what waits is refused.
      if (plugin.listening === stood && plugin.starting === undefined)
        this.#core.listening.stop(plugin.record.key, gone(plugin.record.id));
    });
  }

  retire(ending: Promise<void>): void {
    const ended = ending.finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  /** Stops all plugins, the latest started first. Nothing can be started again. */
  async stopAll(stop: (key: string) => Promise<void>): Promise<void> {
    this.#core.stopped = true;
    const plugins = () => [...this.#core.registry.plugins()];
    await Promise.allSettled(plugins().flatMap(({ starting }) => starting?.over ?? []));
    for (const { operations } of plugins()) await operations.idle();
    const active = plugins().filter(({ place }) => place !== undefined);
    active.sort((a, b) => (b.place ?? 0) - (a.place ?? 0));
    // A plugin that was started again is later than its dependants, which still need it.
    while (active.length > 0) {
      const at = active.findIndex(
        ({ record }) => !this.#core.relations.isNeeded(record.key, active),
      );
      const [last] = active.splice(Math.max(at, 0), 1);
      if (last !== undefined) await stop(last.record.key).catch(() => {});
    }
    for (const record of this.#core.registry.all())
      if (isRunning(record) || isAsleep(record)) await stop(record.key).catch(() => {});
    for (const { record, listening } of plugins())
      if (listening !== undefined) this.#core.listening.stop(record.key, gone(record.key));
    await Promise.allSettled([...this.#ending]);
  }
}

/** What a guest worked on when it ended. A single command in progress is the one at fault. */
function blameOf({ culprit, during }: GuestConnection): {
  readonly command?: string;
  readonly during?: readonly string[];
} {
  const command = culprit ?? (during.length === 1 ? during[0] : undefined);
  return {
    ...(command !== undefined && { command }),
    ...(during.length > 0 && { during }),
  };
}
