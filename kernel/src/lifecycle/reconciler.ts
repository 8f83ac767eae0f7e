/**
 * Brings each plugin towards what is wanted of it, one step at a time, by the table of transitions.
 * Whatever changes says so once. Every plugin that a step is due for takes it in its own queue, so
 * a step never waits for another plugin. When no step is due or in progress, the kernel is at rest.
 */
import type { Plugin } from '../plugin/plugin.js';
import { isAsked } from './intents.js';
import { dueStep, fits, type Row, TRANSITIONS, type World } from './transitions.js';

/** What the reconciler is given. */
export interface ReconcilerParts {
  readonly world: World;
  readonly table?: readonly Row[];
  /** Every plugin that can take a step. */
  plugins(): Iterable<Plugin>;
  /** Other plugins whose steps depend on what has changed about one. */
  touched(plugin: Plugin): Iterable<Plugin>;
  /** Whether nothing is brought anywhere any more, because the kernel stops. */
  isOver(): boolean;
  /** Called when all steps that are due have begun. */
  looked(): void;
  report(plugin: Plugin, step: string, error: unknown): void;
  /** Runs a task after the event loop has had a turn. */
  defer(task: () => void): void;
}

/** Most steps for each plugin before the event loop gets a turn. Sound tables need fewer. */
const MOST_STEPS = 8;

/** Owns no state of a plugin but which step it is taking. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #waiters = new Set<Waiter>();
  /** Plugins to look at. */
  readonly #dirty = new Set<Plugin>();
  /** Plugins of which something was asked that is not done. */
  readonly #asked = new Set<Plugin>();
  #scheduled = false;
  /** Steps in progress that follow from others. */
  #running = 0;
  /** Steps since the event loop had a turn. */
  #steps = 0;
  /** How often steps had to wait for a turn of the event loop. */
  overflows = 0;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /**
   * Something about a plugin has changed, or about all of them. It and those that depend on it are
   * looked at in the next microtask.
   */
  changed(plugin?: Plugin): void {
    if (plugin !== undefined) this.#dirty.add(plugin);
    else for (const one of this.#parts.plugins()) this.#dirty.add(one);
    this.#schedule();
  }

  /**
   * Something was asked of a plugin. It is looked at with every change, until no row that was asked
   * for is left.
   */
  asked(plugin: Plugin): void {
    this.#asked.add(plugin);
    this.changed(plugin);
  }

  /** Resolves when a condition holds, which is asked after each change. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.add({ condition, resolve });
      this.#schedule();
    });
  }

  /** Resolves when everything has followed from what has changed. What was asked for goes on. */
  rest(): Promise<void> {
    return this.until(() => this.#running === 0 && this.#dirty.size === 0);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    void Promise.resolve().then(() => this.#look());
  }

  #look(): void {
    this.#scheduled = false;
    const over = this.#parts.isOver();
    if (over) this.#dirty.clear();
    for (const plugin of [...this.#dirty])
      for (const other of this.#parts.touched(plugin)) this.#dirty.add(other);
    for (const plugin of this.#asked) {
      if (isAsked(plugin)) this.#dirty.add(plugin);
      else this.#asked.delete(plugin);
    }
    const most = this.#mostSteps;
    for (const plugin of this.#dirty) {
      const row = plugin.step === undefined ? this.#due(plugin, over) : undefined;
      if (row !== undefined && this.#steps >= most) return this.#overflow();
      this.#dirty.delete(plugin);
      if (row !== undefined) this.#begin(row, plugin);
    }
    this.#parts.looked();
    for (const waiter of [...this.#waiters]) {
      if (!waiter.condition()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** When the kernel stops, only what stops a plugin is due. */
  #due(plugin: Plugin, over: boolean): Row | undefined {
    const { world, table = TRANSITIONS } = this.#parts;
    return dueStep(plugin, world, over ? table.filter(({ late }) => late === true) : table);
  }

  get #mostSteps(): number {
    return MOST_STEPS * Math.max(1, [...this.#parts.plugins()].length + this.#asked.size);
  }

  /** Plugins that set each other off get no more than their share of the thread. */
  #overflow(): void {
    this.overflows += 1;
    this.#scheduled = true;
    this.#parts.defer(() => {
      this.#steps = 0;
      this.#look();
    });
  }

  #begin(row: Row, plugin: Plugin): void {
    if (this.#steps === 0) this.#parts.defer(() => (this.#steps = 0));
    this.#steps += 1;
    if (row.asked !== true) this.#running += 1;
    plugin.step = row.name;
    const over = () => {
      plugin.step = undefined;
      if (row.asked !== true) this.#running -= 1;
      this.changed(plugin);
    };
    plugin.operations
      .run(() => this.#take(row, plugin))
      .catch((error: unknown) => this.#parts.report(plugin, row.name, error))
      .then(over);
  }

  /** What was due may have passed while the step waited for its turn. */
  async #take(row: Row, plugin: Plugin): Promise<void> {
    const { world, isOver } = this.#parts;
    if ((isOver() && row.late !== true) || !fits(row, plugin, world)) return;
    try {
      await row.run(plugin, world);
    } catch (error) {
      if (row.onFail === undefined) this.#parts.report(plugin, row.name, error);
      else await row.onFail(plugin, world, error);
    }
  }
}

interface Waiter {
  condition(): boolean;
  resolve(): void;
}
