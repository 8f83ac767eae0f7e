/** Which plugins there are: admitted, added, removed, enabled. Plugins are named by their keys. */
import type { PluginError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { ValidatedPlugin } from '../plugin/record.js';
import type { Wanted } from './admission.js';
import type { Core } from './core.js';
import type { Drain } from './drain.js';
import { gone } from './failures.js';

/** Changes the set of plugins. It starts none. */
export class Members {
  readonly #core: Core;
  readonly #stop: (key: string, drain: Drain | undefined) => Promise<void>;

  /** @param stop stops a plugin that is about to be forgotten. */
  constructor(core: Core, stop: (key: string, drain: Drain | undefined) => Promise<void>) {
    this.#core = core;
    this.#stop = stop;
  }

  /** Why discovery found fewer plugins than expected. */
  get problems(): readonly PluginError[] {
    return this.#core.admission.problems;
  }

  report(problem: PluginError): void {
    this.#core.admission.report(problem);
  }

  /** Validates and resolves packages. One bad plugin never stops the others. */
  admit(packages: readonly PluginPackage[], wanted: Wanted = () => true): void {
    this.#core.admission.admit(packages, wanted);
    this.#core.resolveAll();
  }

  /** Reads a package's manifest. Throws what is wrong with it. */
  validate(found: PluginPackage): ValidatedPlugin {
    return this.#core.admission.validate(found);
  }

  /** @throws PluginResolutionError `plugin/duplicate` when this version is already installed. */
  checkFree(record: ValidatedPlugin): void {
    this.#core.admission.checkFree(record);
  }

  /** @throws when a plugin can't be added: its version is installed, or a dependency is missing. */
  checkAddable(record: ValidatedPlugin): void {
    this.#core.admission.checkFree(record);
    this.#core.admission.resolveNext(record, undefined, []);
  }

  /** Adds a plugin to the running kernel without activating it. */
  async add(record: ValidatedPlugin): Promise<void> {
    this.checkAddable(record);
    // A version that has failed may be added again, and is a new one then.
    const failed = this.#core.registry.plugin(record.key);
    if (failed !== undefined) this.#core.supervisor.stopped(failed);
    this.#core.ledger.put(this.#core.admission.resolveNext(record, undefined, []));
    this.#core.resolveAll();
    await this.#core.reconciler.rest();
  }

  /**
   * Checks what was added while extensions opened, as some have added their checks and points since.
   * What is refused now has failed, as if it was found only now.
   */
  async checkAgain(): Promise<void> {
    for (const record of this.#core.registry.all())
      if (!this.#core.admission.passes(record)) {
        await this.remove(record.key);
        this.admit([record.package]);
      }
  }

  /** The plugins that may answer open contracts have changed. Others may find one now. */
  async rightsChanged(): Promise<void> {
    this.#core.resolveAll();
    await this.#core.reconciler.rest();
  }

  /** Stops a plugin and forgets it. */
  async remove(key: string, drain?: Drain): Promise<void> {
    const plugin = this.#core.registry.plugin(key);
    // What waited for the stop, or needs the plugin, must not start it before it is forgotten.
    if (plugin !== undefined) plugin.intent.removing = true;
    try {
      await this.#stop(key, drain);
    } catch (error) {
      if (plugin !== undefined) plugin.intent.removing = false;
      throw error;
    }
    this.#core.listening.stop(key, gone(key));
    const removed = this.#core.stages.steps.removing(key);
    this.#core.registry.remove(key);
    removed();
    this.#core.resolveAll();
    await this.#core.reconciler.rest();
  }

  /** Nothing starts a disabled plugin. This doesn't stop a plugin that runs. */
  setEnabled(key: string, enabled: boolean): void {
    const plugin = this.#core.registry.plugin(key);
    if (plugin === undefined) return;
    plugin.intent.enabled = enabled;
    if (!enabled && plugin.record.state === 'failed') this.#core.supervisor.stopped(plugin);
    this.#core.registry.onChange?.(plugin.record);
    this.#core.reconciler.changed();
    this.#core.listening.listen();
  }
}
