/**
 * One installed version of a plugin: its record, what is wanted of it, and what is under way with
 * it. Guests come and go behind it, and an update gives it another package and another key.
 */

import type { PluginError, StopReason } from '@plinth/sdk/contract';
import { type Outcome, Queue } from '../concurrency.js';
import { Mailbox } from '../guests/mailbox.js';
import type { Receiver } from '../guests/registrant.js';
import type { GuestRegistrations } from '../guests/registrations.js';
import type { PluginRecord, ResolvedPlugin } from './record.js';
import type { Snapshot } from './snapshot.js';

/** A start in progress. */
export interface Starting {
  /** Settles with its outcome. */
  readonly over: Promise<void>;
  /** The number of the word that asked for it. A stop with a higher one has overtaken it. */
  readonly asked: number;
  /** Whether something waits for it that may itself hold a parallel slot. It then takes none. */
  hurried: boolean;
}

/** How long work in flight may take. */
export interface Drain {
  /** Milliseconds. Infinity waits without a limit. */
  readonly time: number;
  /** Whether streams must have ended, too. Some never end. */
  readonly streams: boolean;
}

/** A stop by name, until nothing of the plugin runs. */
export interface Stop {
  readonly reason: StopReason;
  /** How long its calls in flight may take. */
  readonly drain: Drain;
  readonly over: Outcome<void>;
}

/** A start that was asked for, until the plugin runs or can't. */
export interface Wanted {
  /** The activation event, or `request`, `startup`, `restart`, `reload`. */
  readonly activatedBy: string;
  /** Whether a request names the plugin, and so its dependencies. */
  readonly named: boolean;
  /** Whether it takes a parallel slot. A start that another start waits for must not. */
  readonly together?: boolean;
  /** Whether the guest begins without the plugin's state. */
  readonly stateless?: boolean;
  /**
   * The number of the word that asks for it, and so for its needs. It undoes no later stop by name.
   */
  readonly asked: number;
}

/** What is to run in the place of a plugin. */
export interface Next {
  /** Absent when its own package is read again. */
  readonly resolved: ResolvedPlugin | undefined;
  /** Whether its guest begins without the state of this one. */
  readonly stateless: boolean;
  /** Whether a request asks for it, and not something that happens by itself. */
  readonly named: boolean;
}

/** The work of putting another package in the place of a plugin whose guest has ended. */
export interface Exchange {
  /** Whether plugins that would lose this one pause first. */
  readonly quiet: boolean;
  run(): Promise<void>;
}

/** Something that was asked of a plugin, and what comes of it. */
export type Asked<A, T> = A & { readonly answer: Outcome<T> };

/** A restart after a crash, from its plan until the plugin runs or the restart is given up. */
export interface Restart {
  /** When it is due, in milliseconds since the epoch. Undefined once it is. */
  due: number | undefined;
  /** Whether its start has begun. */
  begun: boolean;
  /** The number of the attempt since the plugin last ran. */
  attempt: number;
  /** Settles when it has succeeded or is given up. */
  readonly over: Outcome<void>;
}

/** Why a plugin isn't restarted. */
export interface Quarantine {
  readonly crashes: number;
  /** Milliseconds. */
  readonly within: number;
}

/** Why a plugin is paused, and what becomes of its calls meanwhile. */
export interface Pause {
  /** While the plugin isn't paused for it yet: resolves to whether it is. */
  pending?: Outcome<boolean> | undefined;
  /** Refuses calls with this. They wait where it is absent. */
  readonly refuse?: () => PluginError;
  /** The reason in half a sentence, where there is more to say than that it was asked for. */
  readonly because?: () => string;
  /** The pause in force whose place it takes. That one stays in force if this one is refused. */
  before?: Pause | undefined;
}

/** What pauses a plugin: its operator, a limit that it exceeds, or an extension by its own name. */
export type PausedBy = 'request' | 'limit' | `extension:${string}`;

/** What is wanted of a plugin. */
export interface Intent {
  /** Nothing starts a disabled plugin. */
  enabled: boolean;
  /**
   * The pauses in force. The plugin goes on when there is none. A start by name ends all of them,
   * and the end of its guest only that of a limit.
   */
  pausedBy: Map<PausedBy, Pause>;
  /** Whether its last pause was taken back, so that it goes on as soon as it can. */
  released: boolean;
  /** It is about to be forgotten, and nothing starts it. */
  removing: boolean;
  /** The number of the word that stopped it last. Starts that were asked for earlier are over. */
  stoppedAt: number;
  /** The stop that was asked for. */
  stop: Stop | undefined;
  /** It is asked to sleep. Resolves to whether it does. */
  sleep: Outcome<boolean> | undefined;
  /**
   * Who wants it to run. Its dependencies are there. Resolves to undefined when it runs, or to the
   * dependency that has gone meanwhile.
   */
  wantedBy: Asked<Wanted, string | undefined> | undefined;
  /**
   * What is to run in its place. Resolves to the key of what runs now, or to undefined when nothing
   * was there to be replaced.
   */
  next: Asked<Next, string | undefined> | undefined;
  /** Its guest ends, and another package takes its place. */
  exchange: Asked<Exchange, string | undefined> | undefined;
  /** Its restart after a crash. Calls and plugins that need it wait for that. */
  restart: Restart | undefined;
  /** Whether its restart lacked a need. It starts once that is back. */
  startsWithNeeds: boolean;
  /** It crashed too often. Only a start by name ends that. */
  quarantine: Quarantine | undefined;
}

/** Stays empty: most plugins are never paused. */
export const NO_PAUSES: Map<PausedBy, Pause> = new Map();

/** Holds what belongs to one version. Its record is the truth about it, its intent the aim. */
export class Plugin {
  /** Only the registry writes it. */
  record: PluginRecord;
  readonly intent: Intent = {
    enabled: true,
    pausedBy: NO_PAUSES,
    released: false,
    removing: false,
    stoppedAt: 0,
    stop: undefined,
    sleep: undefined,
    wantedBy: undefined,
    next: undefined,
    exchange: undefined,
    restart: undefined,
    startsWithNeeds: false,
    quarantine: undefined,
  };
  /** What waits for it while no guest of it takes messages. */
  readonly mailbox = new Mailbox<Receiver>();
  /** The state that the next guest begins with. */
  saved: Snapshot | undefined;
  /** The activation in progress, dependencies included. Requests meanwhile share it. */
  starting: Starting | undefined;
  /** The stop in progress. A start requested meanwhile runs after it. */
  stopping: Promise<void> | undefined;
  /** Its operations run one after the other. None may wait for another plugin's. */
  readonly operations = new Queue();
  /** Whether others could rely on it, and whether it was active, when the reconciler looked last. */
  there = false;
  active = false;
  /** The contracts that its last guest provided. Its record tells them only while it has one. */
  provided: readonly string[] = [];
  /** The step of the reconciler that is due or in progress. */
  step: string | undefined;
  /** Whether it was tried again because its needs were back, and they have been so since. */
  retried = false;
  /** Whether it starts from its sleep. Other plugins count on it as on one that sleeps. */
  waking = false;
  /** Whether its guest is about to be ended, so that other plugins can't rely on it any more. */
  going = false;
  /** Whether its guest ends only for another one to begin in its place. What needs it waits. */
  returning = false;
  /** Whether its guest is shutting down. Other failures aren't recorded until it is gone. */
  leaving = false;
  /** Its place in the order of activation while it is active. Plugins stop in reverse. */
  place: number | undefined;
  /** Listens for the events and hooks that activate it. */
  listening: GuestRegistrations | undefined;
  /** What its guest was last told about its optional needs. */
  told: string | undefined;

  constructor(record: PluginRecord) {
    this.record = record;
  }
}
