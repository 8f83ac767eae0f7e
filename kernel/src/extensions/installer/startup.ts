/** Starts plugins that ask to be started with the kernel, and that come later than it. */
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import { manifestOf, type PluginRecord } from '../../plugin/record.js';

/** Owns whether plugins may be started yet. */
export class Startup {
  readonly #lifecycle: Pick<Lifecycle, 'activate'>;
  #begun = false;

  constructor(lifecycle: Pick<Lifecycle, 'activate'>) {
    this.#lifecycle = lifecycle;
  }

  /** Plugins may be activated from now on. */
  begin(): void {
    this.#begun = true;
  }

  /**
   * Starts those whose activation asks for that, unless the kernel itself will. As at its start, a
   * failure is recorded, and the plugin stays enabled.
   */
  async start(records: () => readonly PluginRecord[]): Promise<void> {
    if (!this.#begun) return;
    for (const record of records())
      if (manifestOf(record)?.activation.includes('startup'))
        await this.#lifecycle.activate(record.key, 'startup').catch(() => {});
  }
}
