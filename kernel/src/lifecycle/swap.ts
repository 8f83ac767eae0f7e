/**
 * Replacing a running plugin: the next guest starts beside the old one, takes its state, and takes over all of its
 * registrations in one step. Calls that are in flight finish on the old guest; those that arrive meanwhile wait, in
 * order. Whatever goes wrong before the step, the old guest goes on as if nothing had happened.
 */
import { createError } from '@plinth/sdk/contract';
import type { KernelParts } from '../parts.js';
import type { ActivePlugin, LoadedPlugin, ResolvedPlugin, SuspendedPlugin } from '../record.js';
import { activate } from './activate.js';
import { catchUp, initialize, isBehind } from './initialize.js';
import { load } from './load.js';
import { endGuest } from './sleep.js';
import { type Snapshot, takeSnapshot } from './snapshot.js';
import { suspend } from './suspend.js';

/** What a swap asks of the lifecycle. */
export interface SwapSteps {
  /** Whether the next guest begins without the state of the old one. */
  readonly stateless: boolean;
  /** Throws when something that the plugin can't do without isn't there. */
  checkNeeds(loaded: LoadedPlugin): void;
  metNeeds(loaded: LoadedPlugin): readonly string[];
  /** Throws when somebody else has taken the new one's place meanwhile. */
  checkFree(): void;
  /** Whether the old plugin still runs. */
  stillThere(): boolean;
  /** Puts the new record in the place of the old one. */
  replace(next: ActivePlugin | SuspendedPlugin): void;
}

/** Milliseconds in which a guest that isn't hung answers. */
export const ALIVE = 1_000;

/** Whether a plugin can be swapped: a hung guest has to be stopped, and an object of the application is there only once. */
export async function isSwappable(old: ActivePlugin | SuspendedPlugin): Promise<boolean> {
  return old.package.exported === undefined && old.connection.alive(ALIVE);
}

/** What a swap has come to. */
export interface Swapped {
  /** Suspended when the old one was, by request. */
  readonly next: ActivePlugin | SuspendedPlugin;
  /** The state that it has begun with. */
  readonly snapshot: Snapshot | undefined;
}

/** @throws what made it impossible; the old plugin is as it was then, and nothing of the new one is left. */
export async function swap(old: ActivePlugin | SuspendedPlugin, resolved: ResolvedPlugin, parts: KernelParts, steps: SwapSteps): Promise<Swapped> {
  const loaded = await load(resolved, parts);
  const before = old.connection;
  let release: (() => void) | undefined;
  try {
    steps.checkNeeds(loaded);
    const initialized = await initialize(loaded, parts);
    await parts.lanes.detour(before, parts.limits.swap);
    release = before.registrations.hold();
    // State is only whole when nobody works on it; a plugin without any may finish beside its successor.
    if (before.has('getState')) await before.drained(parts.limits.swap);
    const snapshot = steps.stateless ? undefined : await takeSnapshot(before, old, parts.limits.hook);
    const active = await activate(initialized, 'reload', steps.metNeeds(loaded), snapshot, parts);
    let next = old.state === 'suspended' && old.reason === 'request' ? await suspend(active, parts) : active;
    while (isBehind(next, parts)) next = await catchUp(next, parts);
    // One step from here on: nothing else runs in between.
    if (!steps.stillThere()) throw createError('guest/terminated', `${old.id} ended while it was replaced`, { plugin: old.id });
    steps.checkFree();
    // Who has lost something was told so under the old one's name: nobody would tell the new one.
    steps.checkNeeds(loaded);
    next.connection.registrations.takeOver(before.registrations);
    steps.replace(next);
    return { next, snapshot };
  } catch (error) {
    release?.();
    if (old.state === 'active') parts.lanes.direct(before);
    await loaded.scope.dispose().catch(() => {});
    await loaded.connection.terminate();
    throw error;
  }
}

/** Ends a guest that has been replaced, once its calls are through. */
export async function retire(old: ActivePlugin | SuspendedPlugin, parts: KernelParts): Promise<void> {
  await old.connection.drained(parts.limits.swap, true);
  await endGuest(old, parts);
}
