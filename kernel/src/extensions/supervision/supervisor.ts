/**
 * Restarts plugins after unexpected ends, with a delay that doubles with each crash. Too many
 * crashes quarantine a plugin, alone, until it is activated by name. Calls wait for a pending
 * restart. Starting or stopping a plugin manually cancels it.
 */
import { alarm, createError, messageOf } from '@plinth/sdk/contract';
import { takeSnapshot } from '../../lifecycle/snapshot.js';
import type { PlannedRestart, Quarantine, Supervision } from '../../lifecycle/supervision.js';
import { idOf } from '../../registry/key.js';
import { withOrigin } from '../../telemetry/origin.js';
import { Heartbeat } from './heartbeat.js';
import {
  newComeback,
  type SupervisedGuest,
  type SupervisedPlugin,
  type SupervisorParts,
  type Ward,
} from './ward.js';

/** Owns the restarts and quarantines of a kernel, and when snapshots are taken. */
export class Supervisor implements Supervision {
  readonly #parts: SupervisorParts;
  readonly #wards = new Map<string, Ward>();
  readonly #heartbeat: Heartbeat;
  #closed = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#heartbeat = new Heartbeat(parts.options.heartbeat, parts.options.timeout, parts.debugged);
  }

  /** A plugin has become active. */
  started(plugin: SupervisedPlugin, version: string, connection: SupervisedGuest): void {
    if (this.#closed) return;
    const { key, id } = plugin.record;
    const ward = this.#wardOf(key);
    this.#release(ward);
    ward.waits = false;
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

  /** A manual start drops the pending restart and the crash history, but not the state. */
  steered(key: string): void {
    const ward = this.#wards.get(key);
    if (ward === undefined) return;
    this.#release(ward);
    ward.crashes = [];
    ward.misses = 0;
    ward.quarantine = undefined;
    this.#endComeback(ward);
  }

  /** A plugin is stopped or replaced. Everything about it is dropped. */
  stopped(key: string): void {
    this.steered(key);
    this.#wards.delete(key);
  }

  /** A plugin has gone to sleep. Its crashes still count. */
  slept(key: string): void {
    const ward = this.#wards.get(key);
    if (ward === undefined) return;
    this.#release(ward);
  }

  /** Whether a plugin's restart waits only for missing dependencies. */
  waits(key: string): boolean {
    return this.#wards.get(key)?.waits === true;
  }

  /** A manual start has failed while a restart was pending. That is scheduled again. */
  steeredInVain(key: string): void {
    if (this.#closed) return;
    const ward = this.#wardOf(key);
    if (this.#parts.options.restart && ward.comeback === undefined)
      this.#plan(key, ward, this.#parts.options.backoff, 1);
  }

  /**
   * A guest has ended unexpectedly. The answer tells of a quarantine, after the crash was told.
   */
  crashed(key: string): (() => void) | undefined {
    const { options, announce, log } = this.#parts;
    const id = idOf(key);
    const ward = this.#wardOf(key);
    this.#release(ward);
    if (!options.restart || this.#closed) return undefined;
    const now = performance.now();
    ward.crashes = [...ward.crashes.filter((at) => now - at < options.within), now];
    if (ward.crashes.length >= options.crashes) {
      const quarantine = { crashes: ward.crashes.length, within: options.within };
      ward.quarantine = quarantine;
      return () => {
        log.write(
          'kernel',
          'error',
          `${id} is quarantined: it crashed ${quarantine.crashes} times within ${options.within} ms`,
          { plugin: id },
        );
        announce('plugin:quarantined', { id, ...quarantine });
        this.#endComeback(ward);
        this.#parts.givenUp();
      };
    }
    this.#plan(key, ward, this.#delay(ward), ward.crashes.length);
    return undefined;
  }

  /** A restart failed through no fault of the plugin. It is retried after the next longer delay. */
  #missed(key: string, ward: Ward, error: unknown): void {
    const id = idOf(key);
    if (!this.#parts.options.restart || this.#closed) return;
    ward.misses += 1;
    const delay = this.#delay(ward);
    this.#parts.log.write(
      'kernel',
      'warn',
      `could not restart ${id}, which is tried again in ${Math.round(delay)} ms: ${messageOf(error)}`,
      { plugin: id },
    );
    this.#plan(key, ward, delay, Math.max(1, ward.crashes.length));
  }

  /** Milliseconds until the next restart. */
  #delay({ crashes, misses }: Ward): number {
    const { backoff, maxBackoff } = this.#parts.options;
    const delay = Math.min(maxBackoff, backoff * 2 ** (Math.max(1, crashes.length) - 1 + misses));
    // Half of the delay is random, so that plugins that crashed together do not restart together.
    return delay * (0.5 + Math.random() / 2);
  }

  /** Settles when a pending restart succeeds or is given up; undefined without one. */
  comeback(key: string): Promise<void> | undefined {
    return this.#wards.get(key)?.comeback?.over;
  }

  /** The restart of a plugin that is pending or in progress. Undefined when there is none. */
  planned(key: string): PlannedRestart | undefined {
    const ward = this.#wards.get(key);
    return (
      ward?.comeback && {
        due: ward.comeback.due,
        attempt: Math.max(1, ward.crashes.length) + ward.misses,
      }
    );
  }

  /** Why a plugin isn't restarted automatically. */
  quarantine(key: string): Quarantine | undefined {
    return this.#wards.get(key)?.quarantine;
  }

  close(): void {
    this.#closed = true;
    this.#heartbeat.close();
    for (const ward of this.#wards.values()) {
      this.#release(ward);
      this.#endComeback(ward);
    }
    this.#wards.clear();
  }

  #plan(key: string, ward: Ward, delay: number, attempt: number): void {
    const comeback = ward.comeback ?? newComeback();
    ward.comeback = comeback;
    comeback.due = Date.now() + delay;
    comeback.alarm = alarm(() => {
      comeback.alarm = undefined;
      comeback.due = undefined;
      this.#parts.restart(key).then(
        () => {
          if (ward.comeback !== comeback) return;
          this.#parts.announce('plugin:restarted', { id: idOf(key), attempt });
          this.#endComeback(ward);
        },
        (error) => {
          if (ward.comeback !== comeback) return;
          // The plugin isn't to blame. It is started with its dependencies, by name.
          if ((error as { readonly code?: unknown }).code === 'plugin/dependency-failed') {
            ward.waits = true;
            this.#endComeback(ward);
            this.#parts.givenUp();
            return;
          }
          if (!this.#parts.isToBlame(key, error)) {
            this.#missed(key, ward, error);
            return;
          }
          this.#parts.log.write(
            'kernel',
            'warn',
            `could not restart ${idOf(key)}: ${messageOf(error)}`,
            { plugin: idOf(key), ...withOrigin(error) },
          );
          this.crashed(key)?.();
        },
      );
    }, delay);
  }

  /** Takes snapshots at intervals, because a crashed guest can't be asked for its state. */
  #snapshotLater(
    plugin: SupervisedPlugin,
    version: string,
    connection: SupervisedGuest,
    ward: Ward,
  ): void {
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

  #release(ward: Ward): void {
    ward.stopWatching?.();
    ward.stopWatching = undefined;
    ward.snapshots?.clear();
    ward.snapshots = undefined;
  }

  #endComeback(ward: Ward): void {
    ward.comeback?.alarm?.clear();
    ward.comeback?.end();
    ward.comeback = undefined;
  }

  #wardOf(key: string): Ward {
    const ward: Ward = this.#wards.get(key) ?? {
      crashes: [],
      misses: 0,
      quarantine: undefined,
      comeback: undefined,
      stopWatching: undefined,
      snapshots: undefined,
      waits: false,
    };
    this.#wards.set(key, ward);
    return ward;
  }
}
