/** What was asked of a plugin, and what becomes of it when another word takes its place. */
import { outcome } from '../concurrency.js';
import type { Pause, PausedBy, Plugin } from '../plugin/plugin.js';

/** Whether something was asked of a plugin that is not done. */
export const isAsked = ({ intent }: Plugin): boolean =>
  intent.stop !== undefined ||
  intent.wantedBy !== undefined ||
  intent.next !== undefined ||
  intent.exchange !== undefined ||
  intent.sleep !== undefined ||
  isPausePending(intent.pausedBy);

/** Whether a plugin is to be paused for a reason that it isn't paused for yet. */
export function isPausePending(pausedBy: ReadonlyMap<PausedBy, Pause>): boolean {
  for (const { pending } of pausedBy.values()) if (pending !== undefined) return true;
  return false;
}

/** The plugin is paused for all of its reasons now. */
export function paused(pausedBy: ReadonlyMap<PausedBy, Pause>): void {
  for (const pause of pausedBy.values()) {
    pause.pending?.resolve(true);
    pause.pending = undefined;
    pause.before = undefined;
  }
}

/** A later word ends all pauses. One that was still to come counts as done: it was overtaken. */
export function endPauses({ intent: { pausedBy } }: Plugin): void {
  paused(pausedBy);
  pausedBy.clear();
}

/** A start by name overtakes pauses. Those in force of a paused plugin end once it goes on. */
export function overtakePauses(plugin: Plugin): void {
  if (plugin.record.state !== 'suspended') endPauses(plugin);
  else withdraw(plugin.intent.pausedBy, (pending) => pending.resolve(true));
}

/** The plugin goes on, so no pause is in force any more. Some may still be to come. */
export function leavePauses({ intent: { pausedBy } }: Plugin): void {
  for (const [by, { pending }] of [...pausedBy]) if (pending === undefined) pausedBy.delete(by);
}

/** A pause is over without a word. One that was still to come never begins. */
export function dropPause({ intent: { pausedBy } }: Plugin, by: PausedBy): void {
  pausedBy.get(by)?.pending?.resolve(false);
  pausedBy.delete(by);
}

/** Takes back the pauses that were still to come. What was in force before them still is. */
export function withdraw(
  pausedBy: Map<PausedBy, Pause>,
  settle: (pending: NonNullable<Pause['pending']>) => void,
): void {
  for (const [by, pause] of [...pausedBy]) {
    if (pause.pending === undefined) continue;
    if (pause.before === undefined) pausedBy.delete(by);
    else pausedBy.set(by, pause.before);
    settle(pause.pending);
    pause.pending = undefined;
  }
}

/** A slot of an intent that takes one request at a time. */
type Slot = 'exchange' | 'next' | 'wantedBy';

type Request<S extends Slot> = NonNullable<Plugin['intent'][S]>;

/** Asks for something. It waits for an earlier request of its kind. */
export async function ask<S extends Slot>(
  { intent }: Plugin,
  slot: S,
  request: Omit<Request<S>, 'answer'>,
  asked: () => void,
): Promise<string | undefined> {
  for (;;) {
    const earlier = intent[slot];
    if (earlier === undefined) break;
    await earlier.answer.promise.catch(() => {});
  }
  const answer = outcome<string | undefined>();
  intent[slot] = { ...request, answer } as Plugin['intent'][S];
  asked();
  return answer.promise;
}

/** Does what was asked for, and answers it. */
export async function answer<S extends Slot>(
  { intent }: Plugin,
  slot: S,
  work: (request: Request<S>) => Promise<string | undefined>,
): Promise<void> {
  const request = intent[slot];
  if (request === undefined) return;
  try {
    const done = await work(request);
    intent[slot] = undefined;
    request.answer.resolve(done);
  } catch (error) {
    intent[slot] = undefined;
    request.answer.reject(error);
  }
}
