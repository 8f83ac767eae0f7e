/**
 * What a plugin can do: what its manifest declares, and what it has registered. The former is also
 * known of plugins that don't run.
 */
import { type Manifest, ownerOf, type Registration } from '@plinth/sdk/contract';
import { isAsleep, isRunning, manifestOf, type PluginRecord } from '../plugin/record.js';

/** What a manifest says about something that a plugin offers. */
interface Described {
  /** Wire id. */
  readonly id: string;
  readonly title?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

/** A command of a plugin. The schemas are JSON Schema. */
export interface CommandCapability extends Described {
  readonly input?: unknown;
  readonly output?: unknown;
  readonly requiresAuth?: boolean;
  /** Calls a minute for each caller. */
  readonly rateLimit?: number;
  /** Whether it is registered now. A command that isn't is activated by its first call. */
  readonly active: boolean;
}

/** An event that a plugin emits. */
export interface EventCapability extends Described {
  /** JSON Schema. */
  readonly payload?: unknown;
}

/** A hook that a plugin asks or answers. The schemas are JSON Schema. */
export interface HookCapability extends Described {
  readonly input?: unknown;
  readonly output?: unknown;
  /** Whether the plugin answers it now. */
  readonly active: boolean;
}

/** A contract that a plugin provides. */
export interface ContractCapability {
  /** `<id>@<major>`. */
  readonly id: string;
  /**
   * Wire ids of its commands, events and hooks, as far as they are known: all when the plugin runs,
   * otherwise those in its manifest.
   */
  readonly members: readonly string[];
}

/** What `kernel.plugins.capabilities(id)` answers. */
export interface PluginCapabilities {
  readonly id: string;
  readonly version?: string;
  readonly name?: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly contracts: readonly ContractCapability[];
  readonly commands: readonly CommandCapability[];
  readonly events: readonly EventCapability[];
  readonly hooks: readonly HookCapability[];
  /** Topics and patterns that it listens to, or that activate it. */
  readonly listens: readonly string[];
  /** The commands and events that its middleware wraps. */
  readonly middleware: readonly string[];
  /** Types of messages that it accepts. All types when its manifest lists none. */
  readonly messages: readonly string[];
}

/** Lists what a plugin can do. */
export function capabilitiesOf(record: PluginRecord): PluginCapabilities {
  const { id } = record;
  const manifest = manifestOf(record);
  const registered = isRunning(record)
    ? record.connection.registrations.all
    : isAsleep(record)
      ? record.registrations.all
      : [];
  const names = (kind: Registration['kind']) =>
    registered.filter((one) => one.kind === kind).map(({ name }) => name);
  const {
    commands = [],
    events = [],
    hooks = [],
    middleware = [],
    messages = [],
  } = manifest?.contributes ?? {};
  const triggers = (kind: string) =>
    (manifest?.activation ?? []).flatMap((one) =>
      one.startsWith(`${kind}:`) ? [one.slice(kind.length + 1)] : [],
    );
  const whole = <T extends { readonly id: string }>(one: T) => ({ ...one, id: `${id}:${one.id}` });

  const [liveCommands, liveHooks] = [new Set(names('command')), new Set(names('hook'))];
  const declaredCommands = commands
    .map(whole)
    .map(({ policy: _, ...one }) => ({ ...one, active: liveCommands.has(one.id) }));
  const declaredHooks = hooks.map(whole).map((one) => ({ ...one, active: liveHooks.has(one.id) }));
  const allCommands = withOthers(declaredCommands, liveCommands, (name) => ({
    id: name,
    active: true,
  }));
  const allHooks = withOthers(declaredHooks, [...liveHooks, ...triggers('hook')], (name) => ({
    id: name,
    active: liveHooks.has(name),
  }));
  const allEvents = events.map(whole);
  const members = [...allCommands, ...allEvents, ...allHooks].map((one) => one.id);
  return {
    id,
    ...headOf(manifest),
    contracts: contractsOf(record, manifest).map((contract) => {
      const base = contract.slice(0, contract.indexOf('@'));
      return { id: contract, members: members.filter((member) => ownerOf(member) === base) };
    }),
    commands: allCommands,
    events: allEvents,
    hooks: allHooks,
    listens: [...new Set([...names('event'), ...triggers('event')])],
    middleware: [...new Set([...names('middleware'), ...middleware.map(({ target }) => target)])],
    messages: messages.map(({ type }) => type),
  };
}

function headOf(
  manifest: Manifest | undefined,
): Pick<PluginCapabilities, 'version' | 'name' | 'description' | 'tags'> {
  const { version, name, description, tags = [] } = manifest ?? {};
  return {
    ...(version !== undefined && { version }),
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    tags,
  };
}

function contractsOf(record: PluginRecord, manifest: Manifest | undefined): readonly string[] {
  return [
    ...new Set([
      ...(manifest?.provides ?? []),
      ...('statics' in record ? record.statics.provides : []),
    ]),
  ];
}

/** Declared items and the registered ones beside them, ordered by id. */
function withOthers<T extends { readonly id: string }>(
  declared: readonly T[],
  others: Iterable<string>,
  make: (name: string) => T,
): readonly T[] {
  const known = new Set(declared.map(({ id }) => id));
  const more = [...new Set(others)].filter((name) => !known.has(name)).map(make);
  return [...declared, ...more].sort((a, b) => (a.id < b.id ? -1 : 1));
}
