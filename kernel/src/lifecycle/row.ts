/** One row of the table of transitions, and what its work reads and uses. */
import type { KernelTopic } from '../kernel-events.js';
import type { Plugin } from '../plugin/plugin.js';
import type { RunningPlugin, SuspendedPlugin } from '../plugin/record.js';
import type { PluginState } from '../plugin/state.js';
import type { Ledger } from './ledger.js';
import type { Relations } from './relations.js';
import type { Stages } from './stages.js';

/** What steps read and use. */
export interface World {
  readonly ledger: Ledger;
  readonly relations: Relations;
  readonly stages: Stages;
  /** Whether a restart is pending for what a paused plugin has lost. Its calls then wait. */
  isComing(record: RunningPlugin): boolean;
  /** Whether its guest is still the plugin's guest. */
  stillRuns(record: RunningPlugin): boolean;
  /** A hook's outcome, unless the guest ended meanwhile. */
  hook<R>(record: SuspendedPlugin, hook: string, running: Promise<R>): Promise<R>;
  /** Ends the guest of a plugin that can't resume. */
  end(plugin: Plugin): Promise<void>;
  /** What rows do that were asked for. */
  readonly actions: Actions;
  /** Listens for what activates a plugin, and starts it if it asks for that. */
  offer(plugin: Plugin): void;
}

/** The work of rows that were asked for. */
export interface Actions {
  /** Whether no plugin runs that would lose this one. */
  isQuiet(plugin: Plugin): boolean;
  /** Whether the kernel stops. Then everything is refused that was asked for. */
  isOver(): boolean;
  stop(plugin: Plugin): Promise<void>;
  /** Starts, wakes or resumes a plugin. */
  start(plugin: Plugin): Promise<void>;
  /** Ends its guest, and puts another package in its place. */
  exchange(plugin: Plugin): Promise<void>;
  /** Puts another guest, or another package, in its place while it runs. */
  replace(plugin: Plugin): Promise<void>;
  /** Begins the start of a plugin that crashed. */
  restart(plugin: Plugin): void;
  pause(plugin: Plugin): Promise<void>;
  hibernate(plugin: Plugin): Promise<void>;
  /** Refuses what was asked of a plugin in a state in which it can't be done. */
  decline(plugin: Plugin): void;
}

/** One step. */
export interface Row {
  readonly name: string;
  /** The states in which it may be due. */
  readonly from: PluginState | readonly PluginState[];
  /** The state that it leads to. It is the same for a step that only settles what was asked. */
  readonly to: PluginState | 'same';
  /** What is announced when it has been taken. A step without one changes nothing that shows. */
  readonly event?: KernelTopic;
  /** Whether it was asked for. Steps that weren't follow from others, and verbs wait for them. */
  readonly asked?: boolean;
  /** Whether it is still taken when the kernel stops. */
  readonly late?: boolean;
  /** Whether the step is due. It takes no time, and is asked again when the step begins. */
  when(plugin: Plugin, world: World): boolean;
  /** Takes the step. Absent when it only changes the record. */
  run(plugin: Plugin, world: World): Promise<void> | void;
  /** What becomes of the plugin when the step fails. */
  onFail?(plugin: Plugin, world: World, error: unknown): Promise<void> | void;
}
