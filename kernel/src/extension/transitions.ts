/**
 * Lets extensions take part in steps of plugins. A hook before a step is awaited, and undone when
 * the step fails. A hook after a step is called.
 */
import { createError, messageOf } from '@plinth/sdk/contract';
import { contained } from '../contained.js';
import { inTime } from '../in-time.js';
import type { KernelEvents, KernelTopic } from '../kernel-events.js';
import {
  type PluginFacts,
  type Undo,
  WANTED_TRANSITIONS,
  type WantedTransition,
} from '../lifecycle/extending.js';
import type { PluginState } from '../plugin/state.js';
import { checkKind, checkShape } from './check-arguments.js';
import type { PluginView, Registered } from './views.js';

/** The steps of a plugin. */
export const TRANSITIONS = ['resolve', ...WANTED_TRANSITIONS, 'fail', 'crash', 'remove'] as const;

/** A step of a plugin. */
export type Transition = (typeof TRANSITIONS)[number];

/** A change of a plugin. */
export interface Change {
  readonly name: Transition;
  /** The state before. Undefined for a new plugin. */
  readonly from: PluginState | undefined;
  readonly to: PluginState | undefined;
  /** For an activation its activation event, for an end its reason. */
  readonly by: string | undefined;
  /** The error of a failure or a crash. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** The hooks of an extension around steps. */
export type TransitionHook<T extends Transition = Transition> = {
  /** Called when the change is made and announced. Its errors are logged. */
  after?(plugin: PluginView, change: Change): void;
} & ([T] extends [WantedTransition]
  ? {
      /**
       * Awaited, within `limits.hook`. Before `load` and `activate` an error makes the plugin fail.
       * In a replacement, before `load`, `replace` and `activate`, the replacement fails and the
       * old guest stays. Before other steps it is logged, and the step continues. If the step fails
       * later, the returned functions undo the work, the latest first.
       */
      before?(plugin: PluginView, signal: AbortSignal): Undo | void | Promise<Undo | void>;
    }
  : { before?: never });

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkHook(where: string, steps: readonly unknown[], hook: unknown): void {
  for (const step of steps) checkKind(where, 'a step', step, TRANSITIONS);
  checkShape(where, hook, { before: 'function?', after: 'function?' });
  const { before } = hook as { readonly before?: unknown };
  if (before === undefined) return;
  // Other steps merely happen, so nothing would call it.
  for (const step of steps) checkKind(where, "a step with 'before'", step, WANTED_TRANSITIONS);
}

interface Registration {
  readonly extension: string;
  readonly names: ReadonlySet<Transition>;
  readonly hook: {
    after?(plugin: PluginView, change: Change): void;
    before?(plugin: PluginView, signal: AbortSignal): Undo | void | Promise<Undo | void>;
  };
}

/** Steps that an error makes fail. */
const DECIDING: ReadonlySet<Transition> = new Set(['load', 'activate', 'replace']);

/** The step that each kernel event reports. */
const STEP_OF: Partial<Record<KernelTopic, Transition>> = {
  'plugin:resolved': 'resolve',
  'plugin:loaded': 'load',
  'plugin:activated': 'activate',
  'plugin:suspended': 'suspend',
  'plugin:resumed': 'resume',
  'plugin:reloaded': 'replace',
  'plugin:deactivated': 'deactivate',
  'plugin:failed': 'fail',
  'plugin:crashed': 'crash',
};

/** What this needs of the kernel. */
export interface TransitionParts {
  readonly timeout: number;
  view(id: string, version: string | undefined): PluginView | undefined;
  of(key: string): PluginView;
  /** Also accepts a version that isn't installed yet. */
  viewOf(record: PluginFacts): PluginView;
  report(extension: string, what: string, error: unknown): void;
}

/** Owns the hooks of all extensions of a tenant. */
export class Transitions {
  readonly #parts: TransitionParts;
  readonly #registrations = new Set<Registration>();
  /** Called before the first hook is there: from then on it has to hear of every step. */
  onFirst: () => void = () => {};
  #any = false;
  /** The last known state of each plugin. */
  readonly #states = new WeakMap<PluginView, PluginState>();

  constructor(parts: TransitionParts) {
    this.#parts = parts;
  }

  add(
    extension: string,
    names: readonly Transition[],
    hook: Registration['hook'],
    registered: (end: () => void) => Registered,
  ): Registered {
    const registration = { extension, names: new Set(names), hook };
    if (!this.#any) this.onFirst();
    this.#any = true;
    this.#registrations.add(registration);
    return registered(() => this.#registrations.delete(registration));
  }

  /** Whether a hook runs before a step. The guest must be idle for it then. */
  waits(...names: readonly WantedTransition[]): boolean {
    for (const { names: own, hook } of this.#registrations)
      if (hook.before !== undefined && names.some((name) => own.has(name))) return true;
    return false;
  }

  /**
   * Runs the hooks before a step. Returns a function that undoes all of them.
   *
   * @throws PluginLifecycleError `plugin/activation-failed` for a step in which an error makes the
   * plugin fail. Completed hooks are then undone.
   */
  async before(name: WantedTransition, record: PluginFacts): Promise<Undo> {
    const { id } = record;
    const plugin = this.#parts.viewOf(record);
    const undos: (readonly [extension: string, undo: Undo])[] = [];
    const takeBack = ([extension, one]: readonly [string, Undo]) =>
      this.#inTime(one).catch((error) =>
        this.#parts.report(
          extension,
          `could not undo what it did before '${name}' of ${id}`,
          error,
        ),
      );
    const undo = async () => {
      for (const one of undos.splice(0).reverse()) await takeBack(one);
    };
    for (const { extension, names, hook } of this.#registrations) {
      if (hook.before === undefined || !names.has(name)) continue;
      const ending = new AbortController();
      const working = Promise.resolve().then(() => hook.before?.(plugin, ending.signal));
      try {
        const done = await this.#inTime(() => working);
        if (typeof done === 'function') undos.push([extension, done]);
      } catch (cause) {
        ending.abort(cause);
        // It counts as failed, so what it does late is undone when it says how.
        working.then(
          (done) => typeof done === 'function' && takeBack([extension, done]),
          () => {},
        );
        if (!DECIDING.has(name)) {
          this.#parts.report(extension, `failed before '${name}' of ${id}`, cause);
          continue;
        }
        await undo();
        throw createError(
          'plugin/activation-failed',
          `the extension '${extension}' failed before '${name}' of ${id}: ${messageOf(cause)}`,
          { plugin: id, details: { extension, transition: name }, cause },
        );
      }
    }
    return undo;
  }

  #inTime<T>(work: () => T | Promise<T>): Promise<T> {
    const { timeout } = this.#parts;
    return inTime(Promise.resolve().then(work), timeout, `it did not end within ${timeout} ms`);
  }

  /** The topics that report a step. */
  get topics(): readonly KernelTopic[] {
    return Object.keys(STEP_OF) as KernelTopic[];
  }

  /** A kernel event reports a step. */
  told(topic: KernelTopic, payload: KernelEvents[KernelTopic]): void {
    const { id, version, reason, activatedBy, code, message } = payload as {
      readonly id: string;
      readonly version?: string;
      readonly reason?: string;
      readonly activatedBy?: string;
      readonly code?: string;
      readonly message?: string;
    };
    const plugin = this.#parts.view(id, version);
    if (plugin === undefined) return;
    const from = this.#states.get(plugin);
    const to = plugin.state;
    if (to !== undefined) this.#states.set(plugin, to);
    const asleep = topic === 'plugin:suspended' && plugin.reason === 'idle';
    const name = asleep ? 'hibernate' : (STEP_OF[topic] as Transition);
    const error = code === undefined ? undefined : { code, message: message ?? '' };
    this.#after(plugin, { name, from, to, by: activatedBy ?? reason, error });
  }

  /** A plugin is about to leave the registry. Call the answer when it has. */
  removing(key: string): () => void {
    const plugin = this.#parts.of(key);
    const from = plugin.state;
    return () =>
      this.#after(plugin, { name: 'remove', from, to: undefined, by: undefined, error: undefined });
  }

  #after(plugin: PluginView, change: Change): void {
    const { name } = change;
    for (const { extension, names, hook } of [...this.#registrations]) {
      if (!names.has(name)) continue;
      contained(
        () => hook.after?.(plugin, change),
        (error) => this.#parts.report(extension, `failed after '${name}' of ${plugin.id}`, error),
      );
    }
  }
}
