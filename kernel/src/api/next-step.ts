/** The one step that would let a plugin run, or run as it should. */
import { didYouMean, type PluginError, parseContractId } from '@plinth/sdk/contract';
import {
  type ActivePlugin,
  type FailedPlugin,
  type PluginRecord,
  versionOf,
} from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { PluginStory } from './chronicle.js';
import type { Circumstances } from './circumstances.js';

/** What a step is found with. */
export interface StepParts {
  readonly registry: PluginRegistry;
  circumstancesOf(record: PluginRecord): Circumstances;
  storyOf(id: string): PluginStory;
  /** The key of the plugin that keeps one from running, or a contract that nothing provides. */
  causeOf(record: PluginRecord): string | undefined;
}

/** How many plugins a chain of causes is followed over. */
const MAX_DEPTH = 16;

/** The step for an installed plugin. Undefined when nothing is wrong. */
export function nextStep(record: PluginRecord, parts: StepParts, depth = 0): string | undefined {
  const name = nameOf(record, parts);
  const { enabled, quarantine, restart, blame, pausedFor = [] } = parts.circumstancesOf(record);
  if (record.state === 'denied') return `change the policy that denies it: ${record.error.message}`;
  if (!enabled) return `kernel.plugins.enable('${name}')`;
  switch (record.state) {
    case 'failed':
      if (quarantine !== undefined)
        return `mend what crashes it (${record.error.message}), then kernel.plugins.activate('${name}')`;
      if (restart?.due !== undefined)
        return `wait until ${new Date(restart.due).toISOString()}: it is started again then`;
      return restart !== undefined ? 'wait: it is being started' : failedStep(record, parts, depth);
    case 'suspended': {
      if (record.reason === 'idle') return undefined;
      if (record.reason === 'limit') return blame?.message ?? `kernel.plugins.resume('${name}')`;
      const cause = causeStep(record, parts, depth);
      if (record.reason === 'dependency') return cause ?? `kernel.plugins.activate('${name}')`;
      // It could not go on before.
      if (cause !== undefined) return cause;
      return pausedFor.length > 0
        ? `it goes on when what pauses it ends (${pausedFor.join('; ')}), or with kernel.plugins.resume('${name}')`
        : `kernel.plugins.resume('${name}')`;
    }
    case 'unloaded':
    case 'resolved':
      return `kernel.plugins.activate('${name}')`;
    case 'active':
      return activeStep(record, parts);
    default:
      return 'wait: it is being started';
  }
}

/** How steps name a plugin: with its version where there are several. */
const nameOf = ({ id, key }: PluginRecord, { registry }: StepParts): string =>
  registry.versions(id).length > 1 ? key : id;

/** The step for a plugin that isn't installed. */
export function unknownStep(id: string, known: readonly string[]): string {
  return `install it with kernel.plugins.install(), or add its source${nearTo(id, known)}`;
}

function activeStep(
  { id, connection: { permissions } }: ActivePlugin,
  { storyOf }: StepParts,
): string | undefined {
  const { breakers, denials } = storyOf(id);
  const [breaker] = breakers;
  if (breaker !== undefined)
    return `see why ${breaker.command} fails: its circuit is ${breaker.state}, and closes when calls succeed again`;
  // It may have got the right since.
  const denied = denials.findLast(({ permission, scope }) => !permissions.check(permission, scope));
  if (denied === undefined) return undefined;
  const { permission, scope, reason } = denied;
  if (reason === 'revoked') return `kernel.permissions.grant('${id}', '${permission}', '${scope}')`;
  if (reason === 'extension')
    return `have the extension that bounds its rights allow ${permission} for '${scope}', if the plugin should have it`;
  return reason === 'policy'
    ? `allow ${permission} for '${scope}' in 'policy.permissions', if the plugin should have it`
    : `ask for ${permission} of '${scope}' in its plugin.json, if the plugin should have it`;
}

function failedStep(record: FailedPlugin, parts: StepParts, depth: number): string {
  const { id, error, previous } = record;
  const { code, details } = error as Partial<PluginError>;
  const again = `kernel.plugins.activate('${nameOf(record, parts)}')`;
  const facts = (details ?? {}) as Readonly<Record<string, unknown>>;
  switch (code) {
    case 'plugin/unsatisfied': {
      const { needs, range } = facts;
      if (typeof needs !== 'string') break;
      const found = parts.registry.versions(needs).map(versionOf);
      return found.length > 0
        ? `install a version of ${needs} in ${String(range)}: found ${found.join(', ')}`
        : `install ${needs}@${String(range)}${nearTo(needs, idsOf(parts.registry))}`;
    }
    case 'plugin/dependency-failed':
      return causeStep(record, parts, depth) ?? again;
    case 'plugin/cycle':
      return 'make one of the dependencies in the circle optional';
    case 'config/invalid':
      return `kernel.config.set('${id}', …) with values that fit: ${error.message}`;
    case 'plugin/timeout':
      return `find what it waits for (${error.message}), then ${again}`;
    case 'guest/out-of-memory':
      return `give it more memory (policy.resources, or 'resources.memory' of its plugin.json), then ${again}`;
    default:
  }
  // A package that can't be read as a plugin doesn't become one by another start.
  return previous.state === 'resolved'
    ? `mend what it says (${error.message}), then ${again}`
    : `mend its package (${error.message}), and install it again`;
}

/** The step for what a plugin lacks. Undefined when it lacks nothing, or nothing is wrong with that. */
function causeStep(record: PluginRecord, parts: StepParts, depth: number): string | undefined {
  const lost = parts.causeOf(record);
  if (lost === undefined || depth >= MAX_DEPTH) return undefined;
  const other = parts.registry.get(lost);
  if (other !== undefined) return nextStep(other, parts, depth + 1);
  const base = parseContractId(lost)?.base;
  if (base === undefined || parts.registry.versions(base).length === 0)
    return base === undefined
      ? unknownStep(idOf(lost), idsOf(parts.registry))
      : `install a plugin that provides ${lost}${nearTo(base, idsOf(parts.registry))}`;
  return `install a version of ${base} that provides ${lost}`;
}

/** The id that was probably meant. Ids have beginnings in common, so only the last part is compared. */
function nearTo(id: string, known: readonly string[]): string {
  const at = id.lastIndexOf('.') + 1;
  const start = id.slice(0, at);
  const lasts = known.flatMap((one) => (one.startsWith(start) ? [one.slice(at)] : []));
  return didYouMean(id.slice(at), lasts, []).replace("'", `'${start}`);
}

const idsOf = (registry: PluginRegistry): readonly string[] => [
  ...new Set(registry.all().map(({ id }) => id)),
];
