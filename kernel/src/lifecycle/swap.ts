/**
 * Replaces a running plugin. The next guest starts beside the old one, takes its state, and takes
 * over all of its registrations in one step. Calls in flight finish on the old guest. Calls that
 * arrive meanwhile wait, in order. If anything fails before the step, the old guest goes on
 * unchanged.
 */
import { createError } from '@plinth/sdk/contract';
import type {
  ActivePlugin,
  LoadedPlugin,
  ResolvedPlugin,
  SuspendedPlugin,
} from '../plugin/record.js';
import type { Snapshot } from '../plugin/snapshot.js';
import { activate } from './activate.js';
import { catchUp, initialize, isBehind } from './initialize.js';
import { endGuest } from './sleep.js';
import { takeSnapshot } from './snapshot.js';
import type { Stages } from './stages.js';
import { Undoing } from './undoing.js';

/** What a replacement asks of the lifecycle. */
export interface SwapSteps {
  /** Whether the next guest begins without the state of the old one. */
  readonly stateless: boolean;
  /** Throws when a required dependency isn't available. */
  checkNeeds(loaded: LoadedPlugin): void;
  metNeeds(loaded: LoadedPlugin): readonly string[];
  /** The next guest as the pauses of its plugin leave it. */
  pause(active: ActivePlugin): Promise<ActivePlugin | SuspendedPlugin>;
  /** Throws when another plugin has taken the new one's place meanwhile. */
  checkFree(): void;
  /** Whether the old plugin still runs. */
  stillThere(): boolean;
  /** Puts the new record in the place of the old one. */
  replace(next: ActivePlugin | SuspendedPlugin): void;
}

/** Milliseconds in which a responsive guest answers. */
export const ALIVE = 1_000;

/**
 * Whether a plugin can be replaced while it runs. A hung guest must be stopped, and an object of the application
 * can't be created again.
 */
export async function isSwappable(old: ActivePlugin | SuspendedPlugin): Promise<boolean> {
  return old.package.exported === undefined && old.connection.alive(ALIVE);
}

/** The outcome of a replacement. */
export interface Swapped {
  /** Suspended if the old plugin was suspended by request. */
  readonly next: ActivePlugin | SuspendedPlugin;
  /** The state that the new guest has begun with. */
  readonly snapshot: Snapshot | undefined;
}

/**
 * @throws the cause of the failure. The old plugin is then as it was, and nothing of the new one is
 * left.
 */
export async function swap(
  old: ActivePlugin | SuspendedPlugin,
  resolved: ResolvedPlugin,
  stages: Stages,
  steps: SwapSteps,
): Promise<Swapped> {
  const before = old.connection;
  const { limits, lanes, steps: extended } = stages;
  const undo = new Undoing(extended);
  await undo.before('load', resolved);
  const loaded = await undo.unless(stages.loader.load(resolved, before.mailbox));
  let release: (() => void) | undefined;
  try {
    steps.checkNeeds(loaded);
    const initialized = await initialize(loaded, stages);
    await lanes.detour(before, limits.swap);
    release = before.mailbox.hold('swap');
    // State is complete only when no call is in flight. A plugin without state may finish its calls
    // beside its successor.
    if (before.has('getState') || extended.waits('replace', 'activate'))
      await before.drained(limits.swap);
    await undo.before('replace', old);
    const snapshot = steps.stateless ? undefined : await takeSnapshot(before, old, limits.hook);
    await undo.before('activate', resolved);
    const active = await activate(initialized, 'reload', steps.metNeeds(loaded), snapshot, stages);
    let next = await steps.pause(active);
    while (isBehind(next, stages)) next = await catchUp(next, stages);
    // From here on it is one step: no other code runs in between.
    if (!steps.stillThere())
      throw createError('guest/terminated', `${old.id} ended while it was replaced`, {
        plugin: old.id,
      });
    steps.checkFree();
    // Dependency losses meanwhile were reported to the old guest. They are checked again for
    // the new one.
    steps.checkNeeds(loaded);
    next.connection.registrations.takeOver(before.registrations);
    steps.replace(next);
    if (next.state === 'active') before.mailbox.release('pause', 'swap');
    else before.mailbox.release('swap');
    return { next, snapshot };
  } catch (error) {
    release?.();
    if (old.state === 'active') lanes.direct(before);
    await loaded.scope.dispose().catch(() => {});
    await loaded.connection.terminate();
    await undo.run();
    throw error;
  }
}

/** Ends a guest that has been replaced, once its calls have finished. */
export async function retire(
  old: ActivePlugin | SuspendedPlugin,
  parts: Pick<Stages, 'limits'>,
): Promise<void> {
  await old.connection.drained(parts.limits.swap, true);
  await endGuest(old, 'replace', parts);
}
