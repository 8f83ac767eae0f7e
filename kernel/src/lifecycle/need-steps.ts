/** The steps that a plugin takes by itself, because what it needs has gone or is back. */
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import type { Plugin } from '../plugin/plugin.js';
import { asResolved, isAsleep, type RunningPlugin } from '../plugin/record.js';
import { withOrigin } from '../telemetry/origin.js';
import type { World } from './row.js';
import { resume, resumed, suspendWithout } from './suspend.js';

/** Why calls of a plugin that lacks a need are refused. Undefined where they wait for it. */
function blameOf(record: RunningPlugin, world: World): Error | undefined {
  const lost = world.relations.lost(record);
  return lost === undefined || world.isComing(record)
    ? undefined
    : world.relations.why.blame(record, lost);
}

/** Pauses a plugin that has lost a need, even if its hook fails. */
export async function pauseWithout(plugin: Plugin, world: World): Promise<void> {
  const { record } = plugin;
  const { ledger, stages } = world;
  if (record.state !== 'active') return;
  const { record: suspended, problem } = await suspendWithout(
    record,
    'dependency',
    () => blameOf(record, world),
    stages,
  );
  if (problem !== undefined)
    stages.services.reporting.log.write(
      'kernel',
      'warn',
      `${record.id} failed while it was suspended: ${messageOf(problem)}`,
      { plugin: record.id, ...withOrigin(problem) },
    );
  if (world.stillRuns(record)) ledger.advance(suspended, 'plugin:suspended');
}

/** A paused plugin that can't go on now waits for what it lacks. */
export async function waitForNeeds({ record, intent }: Plugin, world: World): Promise<void> {
  intent.released = false;
  if (record.state !== 'suspended' || isAsleep(record)) return;
  const { record: waiting } = await suspendWithout(
    record,
    'dependency',
    () => blameOf(record, world),
    world.stages,
  );
  world.ledger.put(waiting);
}

/** Lets a plugin go on whose needs are back. */
export async function resumeWith({ record }: Plugin, world: World): Promise<void> {
  if (record.state !== 'suspended' || isAsleep(record)) return;
  const mayRun = () => world.relations.lost(record) === undefined;
  const answer = await world.hook(record, 'resume', resume(record, mayRun, world.stages));
  if (answer) world.ledger.advance(resumed(record, world.stages), 'plugin:resumed');
}

/** Ends a plugin that can't go on. */
export async function failToResume(plugin: Plugin, world: World, error: unknown): Promise<void> {
  const { record } = plugin;
  // A guest that has ended is a crash, which is recorded where that is noticed.
  if (record.state !== 'suspended' || isAsleep(record) || record.connection.over) return;
  await world.end(plugin);
  world.ledger.fail(asResolved(record), 'activate', error);
}

/** Whether a plugin failed because it lacked another one that is available now. */
export function hasNeedsBack(plugin: Plugin, { ledger, relations }: World): boolean {
  const { record, starting, intent } = plugin;
  // It may have been uninstalled.
  if (ledger.registry.plugin(record.key) !== plugin) return false;
  if (record.state !== 'failed' || starting !== undefined || !intent.enabled) return false;
  const { previous, stage } = record;
  const { code, details } = record.error as Partial<PluginError>;
  // A need of the code isn't in the manifest, so what it named must be available. Otherwise every
  // start of any plugin would cause a retry.
  return (
    (code === 'plugin/dependency-failed' || code === 'plugin/cycle') &&
    details !== undefined &&
    previous.state === 'resolved' &&
    stage !== 'resolve' &&
    relations.missing(previous) === undefined &&
    relations.isBack(previous, details)
  );
}
