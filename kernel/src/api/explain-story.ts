/** What explanations say beside the reason: who is involved, what happened, and what would help. */
import type { Permissions } from '@plinth/sdk/contract';
import type { Hold } from '../guests/mailbox.js';
import type { Relations } from '../lifecycle/relations.js';
import { isAsleep, isRunning, type PluginRecord } from '../plugin/record.js';
import type { CallRecorder, SlowCall } from '../telemetry/metrics.js';
import type { PluginStory } from './chronicle.js';
import type { Used } from './explain-details.js';
import { nextStep, type StepParts } from './next-step.js';

/** The part of an explanation that is there for each plugin whose manifest is known. */
export interface ExplainedStory extends Partial<PluginStory> {
  /** Why messages for it wait, and how many do. */
  readonly waits?: { readonly holds: readonly Hold[]; readonly messages: number };
  /** The chain of plugins from it to the one that keeps it from running, each with its state. */
  readonly chain?: readonly { readonly id: string; readonly state: string }[];
  /** Plugins that can't do without it. */
  readonly neededBy?: readonly Used[];
  /** Who has called it since the kernel was made, the most frequent first. */
  readonly calledBy?: readonly { readonly id: string; readonly calls: number }[];
  /** Calls that took more than a second, the latest last. */
  readonly slowCalls?: readonly SlowCall[];
  /** The rights that it has. Only of a running plugin. */
  readonly rights?: Permissions;
  /** What it may use, where something limits it. Only of a running plugin. */
  readonly limits?: Readonly<Record<string, number>>;
  /** The one step that would let it run, or run as it should. Absent when nothing is wrong. */
  readonly next?: string;
}

/** What a story is collected from. */
export interface StoryParts extends StepParts {
  readonly relations: Pick<Relations, 'reliant'>;
  /** Knows who has called a plugin. Absent without metrics. */
  readonly recorder: Pick<CallRecorder, 'callersOf' | 'slowCallsOf'> | undefined;
  /** The path from the plugin to what keeps it from running. */
  readonly path: readonly string[];
}

/** Collects what is known. Empty lists are left out. */
export function explainStory(record: PluginRecord, parts: StoryParts): ExplainedStory {
  const { registry, relations, path } = parts;
  const mailbox = registry.plugin(record.key)?.mailbox;
  const next = nextStep(record, parts);
  const lists = {
    chain:
      path.length > 1
        ? path.map((id) => ({ id, state: registry.find(id)?.state ?? 'not installed' }))
        : [],
    neededBy:
      isRunning(record) || isAsleep(record)
        ? relations.reliant(record.key).map(({ id, version, state }) => ({ id, version, state }))
        : [],
    calledBy: parts.recorder?.callersOf(record.id) ?? [],
    slowCalls: parts.recorder?.slowCallsOf(record.id) ?? [],
    ...parts.storyOf(record.id),
  };
  const told = Object.entries(lists).filter(([, list]) => list.length > 0);
  return {
    ...(mailbox !== undefined &&
      !mailbox.open && { waits: { holds: mailbox.holds, messages: mailbox.size } }),
    ...Object.fromEntries(told),
    ...(isRunning(record) && rightsOf(record)),
    ...(next !== undefined && { next }),
  };
}

function rightsOf({
  connection,
}: Extract<PluginRecord, { readonly connection: unknown }>): ExplainedStory {
  const limited = Object.entries(connection.meter.limits).filter(([, limit]) =>
    Number.isFinite(limit),
  );
  return {
    rights: connection.permissions.grants,
    ...(limited.length > 0 && { limits: Object.fromEntries(limited) }),
  };
}
