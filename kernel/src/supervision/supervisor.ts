/**
 * Brings plugins back. One whose guest ended by itself is started again after a while that doubles with each crash; one
 * that crashes too often is quarantined, alone, until somebody asks for it by name. Calls for a plugin that is on its
 * way back wait for it. Whoever steers a plugin by hand takes it out of here.
 */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { KernelEvents } from '../events/kernel-events.js';
import { type Snapshot, takeSnapshot } from '../lifecycle/snapshot.js';
import { idOf } from '../registry/key.js';
import type { Log } from '../telemetry/logger.js';
import { Heartbeat } from './heartbeat.js';
import type { Supervision } from './options.js';

/** What a supervisor needs of the kernel. */
export interface SupervisorParts {
  readonly options: Supervision;
  readonly log: Log;
  /** Milliseconds a hook of a plugin may take. */
  readonly hookTimeout: number;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
  /** Starts a failed plugin again; rejects when that fails. */
  restart(key: string, snapshot: Snapshot | undefined): Promise<void>;
  /** A plugin is quarantined. */
  givenUp(key: string): void;
}

/** A running guest as the supervisor sees it. */
export interface SupervisedGuest {
  readonly link: Link;
  /** Whether it has a thread of its own: one in this thread can't be silent while this thread isn't. */
  readonly isolated: boolean;
  has(hook: 'getState'): boolean;
  ask(method: 'getState', timeout: number): Promise<unknown>;
  endBecause(error: Error): void;
}

/** Why a plugin isn't started again. */
export interface Quarantine {
  readonly crashes: number;
  /** Milliseconds. */
  readonly within: number;
}

interface Ward {
  /** When it crashed, in milliseconds of the monotonic clock; only what still counts. */
  crashes: number[];
  snapshot: Snapshot | undefined;
  quarantine: Quarantine | undefined;
  /** The restart that is due or under way. */
  comeback: Comeback | undefined;
  stopWatching: (() => void) | undefined;
  snapshots: number | undefined;
  /** Whether it would be on its way back if what it needs were there. */
  waits: boolean;
}

interface Comeback {
  timer: number | undefined;
  readonly over: Promise<void>;
  end(): void;
}

/** Owns the restarts, quarantines and snapshots of a kernel. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #wards = new Map<string, Ward>();
  readonly #heartbeat: Heartbeat;
  #closed = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#heartbeat = new Heartbeat(parts.options.heartbeat, parts.options.timeout);
  }

  /**
   * A plugin has become active.
   *
   * @param snapshot the state it has begun with: until there is a later one, the next guest begins with it, too.
   */
  started(key: string, version: string, connection: SupervisedGuest, snapshot: Snapshot | undefined): void {
    const id = idOf(key);
    const ward = this.#wardOf(key);
    this.#release(ward);
    ward.snapshot = snapshot;
    ward.waits = false;
    if (connection.isolated) {
      ward.stopWatching = this.#heartbeat.watch({
        link: connection.link,
        onHung: (silent) =>
          connection.endBecause(createError('guest/unresponsive', `${id} did not answer for ${silent} ms`, { plugin: id, details: { reason: 'unresponsive', silent } })),
      });
    }
    if (connection.has('getState') && this.#parts.options.snapshot !== Number.POSITIVE_INFINITY) this.#snapshotLater(id, version, connection, ward);
  }

  /** Somebody starts a plugin by hand: what was planned for it is off, and what it did forgotten, but not its state. */
  steered(key: string): void {
    const ward = this.#wards.get(key);
    if (ward === undefined) return;
    this.#release(ward);
    ward.crashes = [];
    ward.quarantine = undefined;
    this.#endComeback(ward);
  }

  /** Somebody stops or replaces a plugin: nothing of it counts any more. */
  stopped(key: string): void {
    this.steered(key);
    this.#wards.delete(key);
  }

  /** A plugin sleeps, and has its state with it; its crashes still count. */
  slept(key: string): void {
    const ward = this.#wards.get(key);
    if (ward === undefined) return;
    this.#release(ward);
    ward.snapshot = undefined;
  }

  /** Whether a plugin would be on its way back if what it needs were there. */
  waits(key: string): boolean {
    return this.#wards.get(key)?.waits === true;
  }

  /** The last known state of a plugin that runs, or has crashed. */
  snapshot(key: string): Snapshot | undefined {
    return this.#wards.get(key)?.snapshot;
  }

  /** Its last state is of no use: it begins without. */
  forgetState(key: string): void {
    const ward = this.#wards.get(key);
    if (ward !== undefined) ward.snapshot = undefined;
  }

  /**
   * Somebody has steered a plugin to no avail: its state is kept.
   *
   * @param planned whether it was on its way back, and is again.
   */
  steeredInVain(key: string, snapshot: Snapshot | undefined, planned: boolean): void {
    if (this.#closed) return;
    const ward = this.#wardOf(key);
    ward.snapshot = snapshot;
    if (planned && this.#parts.options.restart && ward.comeback === undefined) this.#plan(key, ward, this.#parts.options.backoff, 1);
  }

  /** A guest has ended by itself. */
  crashed(key: string): void {
    const { options, announce, log } = this.#parts;
    const id = idOf(key);
    const ward = this.#wardOf(key);
    this.#release(ward);
    if (!options.restart || this.#closed) return;
    const now = performance.now();
    ward.crashes = [...ward.crashes.filter((at) => now - at < options.within), now];
    if (ward.crashes.length >= options.crashes) {
      ward.quarantine = { crashes: ward.crashes.length, within: options.within };
      log.write('kernel', 'error', `${id} is quarantined: it crashed ${ward.crashes.length} times within ${options.within} ms`, { plugin: id });
      announce('plugin:quarantined', { id, ...ward.quarantine });
      this.#endComeback(ward);
      this.#parts.givenUp(key);
      return;
    }
    const attempt = ward.crashes.length;
    const delay = Math.min(options.maxBackoff, options.backoff * 2 ** (attempt - 1));
    // Half of it is certain, the other half keeps plugins that fell together from coming back together.
    this.#plan(key, ward, delay / 2 + (Math.random() * delay) / 2, attempt);
  }

  /** Settles when a plugin that is on its way back has arrived or given up; undefined when none is planned. */
  comeback(key: string): Promise<void> | undefined {
    return this.#wards.get(key)?.comeback?.over;
  }

  /** Why a plugin isn't started again by itself. */
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
    comeback.timer = setTimeout(() => {
      comeback.timer = undefined;
      this.#parts.restart(key, ward.snapshot).then(
        () => {
          if (ward.comeback !== comeback) return;
          this.#parts.announce('plugin:restarted', { id: idOf(key), attempt });
          this.#endComeback(ward);
        },
        (error) => {
          if (ward.comeback !== comeback) return;
          // It isn't to blame: it is started with what it needs, by name.
          if ((error as { readonly code?: unknown }).code === 'plugin/dependency-failed') {
            ward.waits = true;
            this.#endComeback(ward);
            return;
          }
          this.#parts.log.write('kernel', 'warn', `could not restart ${idOf(key)}: ${messageOf(error)}`, { plugin: idOf(key) });
          this.crashed(key);
        },
      );
    }, delay);
  }

  /** Takes the plugin's state now and then: after a crash there is nobody to ask for it. */
  #snapshotLater(id: string, version: string, connection: SupervisedGuest, ward: Ward): void {
    const timer = setTimeout(async () => {
      try {
        ward.snapshot = await takeSnapshot(connection, { id, version }, this.#parts.hookTimeout);
      } catch (error) {
        // An older snapshot is better than none; a plugin that can't be asked shows elsewhere.
        this.#parts.log.write('kernel', 'debug', `no snapshot of ${id}: ${messageOf(error)}`, { plugin: id });
      }
      // Unless the plugin was stopped meanwhile, or runs in another guest.
      if (ward.snapshots === timer) this.#snapshotLater(id, version, connection, ward);
    }, this.#parts.options.snapshot);
    ward.snapshots = timer;
  }

  #release(ward: Ward): void {
    ward.stopWatching?.();
    ward.stopWatching = undefined;
    clearTimeout(ward.snapshots);
    ward.snapshots = undefined;
  }

  #endComeback(ward: Ward): void {
    clearTimeout(ward.comeback?.timer);
    ward.comeback?.end();
    ward.comeback = undefined;
  }

  #wardOf(key: string): Ward {
    const ward: Ward = this.#wards.get(key) ?? {
      crashes: [],
      snapshot: undefined,
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

function newComeback(): Comeback {
  let end!: () => void;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { timer: undefined, over, end };
}
