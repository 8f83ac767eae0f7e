/**
 * Restarts plugins after unexpected ends, with a delay that doubles with each crash. Too many
 * crashes quarantine a plugin, alone, until it is activated by name. Calls wait for a pending
 * restart. Starting or stopping a plugin manually cancels it. Restarts and quarantines stand in the
 * intents of plugins, and the table of transitions has the step.
 */
import { alarm, createError, messageOf } from '@plinth/sdk/contract';
import { outcome } from '../../concurrency.js';
import { takeSnapshot } from '../../lifecycle/snapshot.js';
import type { FailedRestart, Supervision } from '../../lifecycle/supervision.js';
import type { Plugin } from '../../plugin/plugin.js';
import { withOrigin } from '../../telemetry/origin.js';
import { Heartbeat } from './heartbeat.js';
import type { SupervisedGuest, SupervisorParts, Ward } from './ward.js';

/** Owns the crashes and back-offs of a kernel's plugins, and when snapshots are taken. */
export class Supervisor implements Supervision {
  readonly #parts: SupervisorParts;
  readonly #wards = new Map<Plugin, Ward>();
  readonly #heartbeat: Heartbeat;
  #closed = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#heartbeat = new Heartbeat(parts.options.heartbeat, parts.options.timeout, parts.debugged);
  }

  /** A plugin has become active. */
  started(plugin: Plugin, version: string, connection: SupervisedGuest): void {
    if (this.#closed) return;
    const { id } = plugin.record;
    const ward = this.#wardOf(plugin);
    release(ward);
    plugin.intent.startsWithNeeds = false;
    ward.misses = 0;
    if (connection.isolated) {
      ward.stopWatching = this.#heartbeat.watch({
        link: connection.link,
        onHung: (silent) =>
          connection.endBecause(
            createError('guest/unresponsive', `${id} did not answer for ${silent} ms`, {
              plugin: id,
              details: { reason: 'unresponsive', silent },
            }),
          ),
      });
    }
    if (connection.has('getState') && this.#parts.options.snapshot !== Number.POSITIVE_INFINITY)
      this.#snapshotLater(plugin, version, connection, ward);
  }

  /**
   * A manual start begins. It drops the crash history, but not the state. A pending restart is not
   * due meanwhile, and what waits for it goes on waiting.
   */
  steered(plugin: Plugin): void {
    const ward = this.#wards.get(plugin);
    if (ward === undefined) return;
    this.#forget(plugin, ward);
    const { restart } = plugin.intent;
    if (restart !== undefined) Object.assign(restart, { due: undefined, begun: true });
  }

  /** It has succeeded. */
  steeredWell(plugin: Plugin): void {
    const ward = this.#wards.get(plugin);
    if (ward !== undefined) endRestart(plugin, ward);
  }

  /** It has failed. A restart that was pending is planned again. */
  steeredInVain(plugin: Plugin): void {
    if (plugin.intent.restart === undefined || this.#closed) return;
    this.#plan(plugin, this.#wardOf(plugin), this.#parts.options.backoff);
    this.#parts.reconsider(plugin);
  }

  /** A plugin is stopped or replaced. Everything about it is dropped. */
  stopped(plugin: Plugin): void {
    plugin.intent.startsWithNeeds = false;
    const ward = this.#wards.get(plugin);
    if (ward === undefined) return;
    this.#forget(plugin, ward);
    endRestart(plugin, ward);
    this.#wards.delete(plugin);
  }

  /** A plugin has gone to sleep. Its crashes still count. */
  slept(plugin: Plugin): void {
    const ward = this.#wards.get(plugin);
    if (ward !== undefined) release(ward);
  }

  /**
   * A guest has ended unexpectedly. The answer tells of a quarantine, after the crash was told.
   */
  crashed(plugin: Plugin): (() => void) | undefined {
    const { options, announce, log, reconsider } = this.#parts;
    const { id } = plugin.record;
    const ward = this.#wardOf(plugin);
    release(ward);
    if (!options.restart || this.#closed) return undefined;
    const now = performance.now();
    ward.crashes = [...ward.crashes.filter((at) => now - at < options.within), now];
    if (ward.crashes.length >= options.crashes) {
      const quarantine = { crashes: ward.crashes.length, within: options.within };
      plugin.intent.quarantine = quarantine;
      return () => {
        log.write(
          'kernel',
          'error',
          `${id} is quarantined: it crashed ${quarantine.crashes} times within ${options.within} ms`,
          { plugin: id },
        );
        announce('plugin:quarantined', { id, ...quarantine });
        endRestart(plugin, ward);
        reconsider();
      };
    }
    this.#plan(plugin, ward, this.#delay(ward));
    return undefined;
  }

  /** A restart that was due has succeeded. */
  restarted(plugin: Plugin): void {
    const ward = this.#wardOf(plugin);
    this.#parts.announce('plugin:restarted', {
      id: plugin.record.id,
      attempt: Math.max(1, ward.crashes.length),
    });
    endRestart(plugin, ward);
  }

  /** A restart that was due has failed. It counts as a crash when the plugin is to blame. */
  notRestarted(plugin: Plugin, failure?: FailedRestart): void {
    if (failure === undefined) {
      this.stopped(plugin);
      this.#parts.reconsider();
      return;
    }
    const ward = this.#wardOf(plugin);
    const { error, own } = failure;
    // It is started with its dependencies, by name.
    if ((error as { readonly code?: unknown } | null)?.code === 'plugin/dependency-failed') {
      plugin.intent.startsWithNeeds = true;
      endRestart(plugin, ward);
      this.#parts.reconsider();
      return;
    }
    if (!own) return this.#missed(plugin, ward, error);
    const { id } = plugin.record;
    this.#parts.log.write('kernel', 'warn', `could not restart ${id}: ${messageOf(error)}`, {
      plugin: id,
      ...withOrigin(error),
    });
    this.crashed(plugin)?.();
  }

  /** A restart failed through no fault of the plugin. It is retried after the next longer delay. */
  #missed(plugin: Plugin, ward: Ward, error: unknown): void {
    const { id } = plugin.record;
    if (!this.#parts.options.restart || this.#closed) return;
    ward.misses += 1;
    const delay = this.#delay(ward);
    this.#parts.log.write(
      'kernel',
      'warn',
      `could not restart ${id}, which is tried again in ${Math.round(delay)} ms: ${messageOf(error)}`,
      { plugin: id },
    );
    this.#plan(plugin, ward, delay);
  }

  /** Forgets the crashes of a plugin, and watches its guest no longer. */
  #forget({ intent }: Plugin, ward: Ward): void {
    release(ward);
    ward.crashes = [];
    ward.misses = 0;
    ward.backoff?.clear();
    ward.backoff = undefined;
    intent.quarantine = undefined;
  }

  /** Milliseconds until the next restart. */
  #delay({ crashes, misses }: Ward): number {
    const { backoff, maxBackoff } = this.#parts.options;
    const delay = Math.min(maxBackoff, backoff * 2 ** (Math.max(1, crashes.length) - 1 + misses));
    // Half of the delay is random, so that plugins that crashed together do not restart together.
    return delay * (0.5 + Math.random() / 2);
  }

  close(): void {
    this.#closed = true;
    this.#heartbeat.close();
    for (const [plugin, ward] of this.#wards) {
      release(ward);
      endRestart(plugin, ward);
      plugin.intent.startsWithNeeds = false;
    }
    this.#wards.clear();
  }

  /** Plans a restart, or the next try of one that calls wait for already. */
  #plan(plugin: Plugin, ward: Ward, delay: number): void {
    const { intent } = plugin;
    const due = Date.now() + delay;
    const attempt = Math.max(1, ward.crashes.length) + ward.misses;
    const restart = intent.restart ?? { due, begun: false, attempt, over: outcome() };
    intent.restart = Object.assign(restart, { due, begun: false, attempt });
    ward.backoff?.clear();
    ward.backoff = alarm(() => {
      ward.backoff = undefined;
      restart.due = undefined;
      this.#parts.reconsider(plugin);
    }, delay);
  }

  /** Takes snapshots at intervals, because a crashed guest can't be asked for its state. */
  #snapshotLater(plugin: Plugin, version: string, connection: SupervisedGuest, ward: Ward): void {
    const { id } = plugin.record;
    const next = alarm(async () => {
      try {
        const snapshot = await takeSnapshot(connection, { id, version }, this.#parts.hookTimeout);
        if (ward.snapshots === next) plugin.saved = snapshot;
      } catch (error) {
        // An older snapshot is better than none. Other checks report such a plugin.
        this.#parts.log.write('kernel', 'debug', `no snapshot of ${id}: ${messageOf(error)}`, {
          plugin: id,
        });
      }
      // Continues unless the plugin was stopped meanwhile, or runs in another guest.
      if (ward.snapshots === next) this.#snapshotLater(plugin, version, connection, ward);
    }, this.#parts.options.snapshot);
    ward.snapshots = next;
  }

  #wardOf(plugin: Plugin): Ward {
    const ward: Ward = this.#wards.get(plugin) ?? {
      crashes: [],
      misses: 0,
      backoff: undefined,
      stopWatching: undefined,
      snapshots: undefined,
    };
    this.#wards.set(plugin, ward);
    return ward;
  }
}

/** Watches a guest no longer. */
function release(ward: Ward): void {
  ward.stopWatching?.();
  ward.stopWatching = undefined;
  ward.snapshots?.clear();
  ward.snapshots = undefined;
}

/** A restart has succeeded or is given up. What waits for it goes on. */
function endRestart({ intent }: Plugin, ward: Ward): void {
  ward.backoff?.clear();
  ward.backoff = undefined;
  const { restart } = intent;
  intent.restart = undefined;
  restart?.over.resolve();
}
