/**
 * The steps that a plugin takes by itself, because of what is wanted of it and of what it needs.
 * The first row that fits a plugin is its next step. A step changes one plugin and decides nothing
 * about others: they look at its record when it has changed.
 */
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import type { Plugin } from '../plugin/plugin.js';
import {
  asResolved,
  isAsleep,
  type RunningPlugin,
  type SuspendedPlugin,
} from '../plugin/record.js';
import type { PluginState } from '../plugin/state.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Ledger } from './ledger.js';
import { isUppermost } from './neighbours.js';
import type { Relations } from './relations.js';
import type { Stages } from './stages.js';
import { resume, resumed, suspendWithout } from './suspend.js';

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
  /** Listens for what activates a plugin, and starts it if it asks for that. */
  offer(plugin: Plugin): void;
}

/** One step. */
export interface Row {
  readonly name: string;
  readonly from: PluginState;
  readonly to: PluginState;
  /** Whether the step is due. It takes no time, and is asked again when the step begins. */
  when(plugin: Plugin, world: World): boolean;
  /** Takes the step. Absent when it only changes the record. */
  run(plugin: Plugin, world: World): Promise<void> | void;
  /** What becomes of the plugin when the step fails. */
  onFail?(plugin: Plugin, world: World, error: unknown): Promise<void> | void;
}

/** In the order in which they are looked at. */
export const TRANSITIONS: readonly Row[] = [
  {
    name: 'pause without a need',
    from: 'active',
    to: 'suspended',
    // Plugins above it pause first, so that it still answers their `suspend` hooks. Plugins that
    // need each other have different levels, too.
    when: (plugin, { ledger, relations }) =>
      plugin.record.state === 'active' &&
      relations.lost(plugin.record) !== undefined &&
      isUppermost(plugin, ledger.registry, relations),
    run: pauseWithout,
  },
  {
    name: 'resume with its needs',
    from: 'suspended',
    to: 'active',
    when: ({ record }, { relations }) =>
      record.state === 'suspended' &&
      !isAsleep(record) &&
      record.reason === 'dependency' &&
      relations.lost(record) === undefined,
    run: resumeWith,
    onFail: failToResume,
  },
  {
    name: 'retry with its needs',
    from: 'failed',
    to: 'resolved',
    when: (plugin, world) => !plugin.retried && hasNeedsBack(plugin, world),
    run: (plugin, world) => {
      if (plugin.record.state !== 'failed') return;
      plugin.retried = true;
      world.ledger.put(plugin.record.previous);
      world.offer(plugin);
    },
  },
];

/** The step that is due for a plugin. */
export function dueStep(
  plugin: Plugin,
  world: World,
  table: readonly Row[] = TRANSITIONS,
): Row | undefined {
  return table.find(({ from, when }) => from === plugin.record.state && when(plugin, world));
}

async function pauseWithout(plugin: Plugin, world: World): Promise<void> {
  const { record } = plugin;
  const { ledger, relations, stages } = world;
  if (record.state !== 'active') return;
  const blame = () => {
    const lost = relations.lost(record);
    return lost === undefined || world.isComing(record) ? undefined : relations.blame(record, lost);
  };
  const { record: suspended, problem } = await suspendWithout(record, 'dependency', blame, stages);
  if (problem !== undefined)
    stages.services.reporting.log.write(
      'kernel',
      'warn',
      `${record.id} failed while it was suspended: ${messageOf(problem)}`,
      { plugin: record.id, ...withOrigin(problem) },
    );
  if (world.stillRuns(record)) ledger.advance(suspended, 'plugin:suspended');
}

async function resumeWith({ record }: Plugin, world: World): Promise<void> {
  if (record.state !== 'suspended' || isAsleep(record)) return;
  const mayRun = () => world.relations.lost(record) === undefined;
  const answer = await world.hook(record, 'resume', resume(record, mayRun, world.stages));
  if (answer) world.ledger.advance(resumed(record, world.stages), 'plugin:resumed');
}

async function failToResume(plugin: Plugin, world: World, error: unknown): Promise<void> {
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
  const { code, details, cause } = record.error as Partial<PluginError>;
  const path = details?.path;
  const contract = (cause as Partial<PluginError> | undefined)?.details?.contract;
  if (
    code !== 'plugin/dependency-failed' ||
    !Array.isArray(path) ||
    previous.state !== 'resolved' ||
    stage === 'resolve' ||
    relations.missing(previous) !== undefined
  )
    return false;
  // A need of the code isn't in the manifest, so what it named must be available. Otherwise every
  // start of any plugin would cause a retry.
  return typeof contract === 'string'
    ? relations.isProvidedNow(contract)
    : ledger.registry.versions(String(path[1])).some((one) => relations.isThere(one.key));
}
