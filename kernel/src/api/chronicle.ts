/**
 * What happened to plugins last, and why: their changes of state, their failures, what they were
 * denied, and the breakers of their commands. A bounded memory of the kernel's own events.
 */
import { ownerOf, type PermissionName } from '@plinth/sdk/contract';
import type { EventBus } from '../events/event-bus.js';
import type { DenialReason, KernelEvents, KernelTopic } from '../kernel-events.js';
import { cureOf } from '../permissions/denial.js';

/** A change of a plugin. */
export interface PluginChange {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What happened: a topic of the kernel without `plugin:`, like `activated`. */
  readonly what: string;
  readonly version?: string;
  /** Why. */
  readonly because?: string;
}

/** A failure or a crash. */
export interface PluginFailure {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly code: string;
  readonly message: string;
  /** The stage that failed. Absent for a crash. */
  readonly stage?: string;
  /** Of a crash: the command whose handler has thrown, where that is known. */
  readonly command?: string;
  /** Of a crash: commands that were in progress. */
  readonly during?: readonly string[];
  /** Of what was thrown, in the plugin's sources where they are known. */
  readonly stack?: string;
}

/** A right that a plugin tried to use and doesn't have. */
export interface DeniedUse {
  readonly permission: PermissionName;
  readonly scope: string;
  readonly reason?: DenialReason;
  /**
   * What would allow it, where the reason is known: a line for the manifest (`manifest`), one for the
   * kernel's `policy` option (`policy`), or a call of the application (`revoked`).
   */
  readonly add?: string;
  readonly count: number;
  /** The last time, in milliseconds since the epoch. */
  readonly at: number;
}

/** The circuit breaker of a command. */
export interface BreakerState {
  readonly command: string;
  readonly state: 'open' | 'half-open';
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
}

/** A handler or listener that has held the thread of its guest. */
export interface LongTask {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds. */
  readonly took: number;
  readonly kind: 'command' | 'event' | 'hook' | 'middleware';
  /** A wire id, or a topic. */
  readonly name: string;
}

/** What is known of one plugin. */
export interface PluginStory {
  readonly longTasks: readonly LongTask[];
  readonly history: readonly PluginChange[];
  readonly failures: readonly PluginFailure[];
  readonly denials: readonly DeniedUse[];
  readonly breakers: readonly BreakerState[];
}

const MAX_CHANGES = 20;
const MAX_FAILURES = 5;
const MAX_LONG_TASKS = 10;
const MAX_DENIALS = 20;
const MAX_BREAKERS = 20;
/** The most plugins that something is known of. Those without news for the longest time go first. */
const MAX_PLUGINS = 10_000;

interface Story {
  readonly longTasks: LongTask[];
  readonly history: PluginChange[];
  readonly failures: PluginFailure[];
  readonly denials: Map<string, DeniedUse>;
  readonly breakers: Map<string, BreakerState>;
}

type Told = {
  readonly [T in KernelTopic]?: (payload: KernelEvents[T]) => string | undefined;
};

const nothing = (): undefined => undefined;

/** Changes that are remembered, and how each says why. */
const CHANGES: Told = {
  'plugin:activated': ({ activatedBy }) => `activated by ${activatedBy}`,
  'plugin:suspended': nothing,
  'plugin:resumed': nothing,
  'plugin:deactivated': ({ reason }) => reason,
  'plugin:reloaded': nothing,
  'plugin:enabled': ({ by }) => by && `decided by ${by}`,
  'plugin:disabled': ({ by }) => by && `decided by ${by}`,
  'plugin:installed': ({ by }) => by && `decided by ${by}`,
  'plugin:denied': ({ message }) => message,
  'plugin:updated': ({ from }) => `from ${from}`,
  'plugin:rolled-back': ({ from, reason }) => `from ${from}: ${reason}`,
  'plugin:failed': ({ message }) => message,
  'plugin:crashed': ({ message }) => message,
  'plugin:wake-failed': ({ message }) => message,
  'plugin:restarted': ({ attempt }) => `attempt ${attempt}`,
  'plugin:quarantined': ({ crashes, within }) => `${crashes} crashes within ${within} ms`,
};

/** Owns what happened to the plugins of one tenant. It ends with the bus. */
export class Chronicle {
  readonly #stories = new Map<string, Story>();

  constructor(bus: EventBus) {
    const on = <T extends KernelTopic>(topic: T, listener: (payload: KernelEvents[T]) => void) =>
      bus.on(topic, ({ event }) => {
        // A plugin's event with a similar topic is ignored.
        if (event.source === 'kernel') listener(event.payload as KernelEvents[T]);
      });
    for (const [topic, why] of Object.entries(CHANGES))
      on(topic as KernelTopic, (payload) =>
        this.#changed(topic, payload as PluginFact, why as Why),
      );
    on('plugin:failed', ({ id, stage, code, message, stack }) => {
      // A plugin that fails to run has crashed, and that was told with more.
      if (stage === 'run' && this.#story(id).failures.at(-1)?.message === message) return;
      this.#failed(id, { code, message, stage, ...(stack !== undefined && { stack }) });
    });
    on('plugin:crashed', ({ id, version: _, reason: __, ...crash }) => this.#failed(id, crash));
    on('plugin:long-task', ({ id, took, kind, name }) =>
      push(this.#story(id).longTasks, MAX_LONG_TASKS, { at: Date.now(), took, kind, name }),
    );
    on('permission:denied', ({ plugin, permission, scope, reason }) =>
      this.#denied(plugin, permission, scope, reason),
    );
    on('call:circuit-changed', ({ command, state }) => this.#breaker(command, state));
    on('plugin:uninstalled', ({ id }) => void this.#stories.delete(id));
  }

  /** What is known of a plugin. */
  of(plugin: string): PluginStory {
    const story = this.#stories.get(plugin);
    return {
      longTasks: [...(story?.longTasks ?? [])],
      history: [...(story?.history ?? [])],
      failures: [...(story?.failures ?? [])],
      denials: [...(story?.denials.values() ?? [])],
      breakers: [...(story?.breakers.values() ?? [])],
    };
  }

  #changed(topic: string, payload: PluginFact, why: Why): void {
    const { id, version } = payload;
    const because = why(payload as never);
    push(this.#story(id).history, MAX_CHANGES, {
      at: Date.now(),
      what: topic.slice('plugin:'.length),
      ...(version !== undefined && { version }),
      ...(because !== undefined && because !== '' && { because }),
    });
  }

  #failed(id: string, failure: Omit<PluginFailure, 'at'>): void {
    push(this.#story(id).failures, MAX_FAILURES, { at: Date.now(), ...failure });
  }

  #denied(
    plugin: string,
    permission: PermissionName,
    scope: string,
    reason: DenialReason | undefined,
  ): void {
    const { denials } = this.#story(plugin);
    const key = `${permission} ${scope}`;
    const { count = 0 } = denials.get(key) ?? {};
    // The latest last, and the oldest goes first.
    denials.delete(key);
    if (denials.size >= MAX_DENIALS) denials.delete(denials.keys().next().value as string);
    denials.set(key, {
      ...{ permission, scope },
      ...(reason && { reason, add: cureOf(reason, plugin, permission, scope) }),
      ...{ count: count + 1, at: Date.now() },
    });
  }

  #breaker(command: string, state: 'closed' | 'half-open' | 'open'): void {
    const { breakers } = this.#story(ownerOf(command));
    if (state === 'closed') breakers.delete(command);
    else if (breakers.has(command) || breakers.size < MAX_BREAKERS)
      breakers.set(command, { command, state, since: Date.now() });
  }

  #story(plugin: string): Story {
    const known = this.#stories.get(plugin);
    if (known !== undefined) {
      this.#stories.delete(plugin);
      this.#stories.set(plugin, known);
      return known;
    }
    if (this.#stories.size >= MAX_PLUGINS)
      this.#stories.delete(this.#stories.keys().next().value as string);
    const story: Story = {
      longTasks: [],
      history: [],
      failures: [],
      denials: new Map(),
      breakers: new Map(),
    };
    this.#stories.set(plugin, story);
    return story;
  }
}

interface PluginFact {
  readonly id: string;
  readonly version?: string;
}

type Why = (payload: never) => string | undefined;

function push<T>(list: T[], most: number, item: T): void {
  list.push(item);
  if (list.length > most) list.shift();
}
