/** What extensions do before a step of a plugin, kept until the step has succeeded. */
import type { Extending, PluginFacts, Undo, WantedTransition } from './extending.js';

/** The undo list of one step. */
export class Undoing {
  readonly #steps: Extending['steps'];
  readonly #undos: Undo[] = [];

  constructor(steps: Extending['steps']) {
    this.#steps = steps;
  }

  /**
   * Runs what extensions do before a step.
   *
   * @throws PluginLifecycleError `plugin/activation-failed` where that is the plugin's failure.
   */
  async before(name: WantedTransition, record: PluginFacts): Promise<void> {
    if (!this.#steps.waits(name)) return;
    this.#undos.push(await this.#steps.before(name, record));
  }

  /** Undoes everything, the latest first. */
  async run(): Promise<void> {
    for (const undo of this.#undos.splice(0).reverse()) await undo();
  }

  /** The outcome of a step. When it fails, what was done before it is undone. */
  async unless<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      await this.run();
      throw error;
    }
  }
}
