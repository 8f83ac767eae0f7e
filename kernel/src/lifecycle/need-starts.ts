/** Starts what a plugin needs before the plugin itself. */
import { settleEach } from '../concurrency.js';
import type { Wanted } from '../plugin/plugin.js';
import type { PluginRecord, ResolvedPlugin } from '../plugin/record.js';
import type { Core } from './core.js';

/** Owns nothing: each start is the needed plugin's own. */
export class NeedStarts {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Activates dependencies. An optional one may fail; the manifest says which are required. */
  async start(record: ResolvedPlugin, { named, together = false, asked }: Wanted): Promise<void> {
    const needed: Wanted = { activatedBy: `need:${record.id}`, named, together, asked };
    const start = (dependency: string) => this.#startOneOf(record, dependency, needed);
    const results = await settleEach(record.dependencies, this.#core.stages.limits.parallel, start);
    const failed = record.dependencies.find(
      (key, index) =>
        results[index]?.status === 'rejected' &&
        this.#core.relations.missing({ ...record, dependencies: [key] }) !== undefined,
    );
    if (failed !== undefined) throw this.missing(record, failed);
  }

  /** Starts what the graph has chosen for a plugin, or the first of what suits as well. */
  async #startOneOf(record: ResolvedPlugin, chosen: string, needed: Wanted): Promise<void> {
    const { relations } = this.#core;
    let first: { readonly error: unknown } | undefined;
    for (const one of relations.standby.startable(record, chosen)) {
      if (relations.isThere(one.key)) return;
      try {
        return await this.#startNeed(one, needed);
      } catch (error) {
        first ??= { error };
      }
    }
    if (relations.standby.isServed(record, chosen)) return;
    throw first?.error ?? relations.why.blame(record, chosen);
  }

  #startNeed({ key, state }: PluginRecord, needed: Wanted): Promise<void> {
    const { registry, steering, ledger } = this.#core;
    const restart = registry.plugin(key)?.intent.restart;
    const start = () => steering.activateNeed(key, needed);
    if (restart !== undefined) return restart.over.promise.then(start);
    // A failed dependency is retried only when a request names it, not because a plugin needs it.
    const known = ledger.require(key);
    if (state === 'failed' && known.state === 'failed') return Promise.reject(known.error);
    return start();
  }

  /** Records and answers the failure of a plugin whose dependency doesn't run. */
  missing(record: ResolvedPlugin, dependency: string): Error {
    const error = this.#core.relations.why.blame(record, dependency);
    const current = this.#core.registry.get(record.key);
    // A plugin that is paused for this dependency stays paused. It resumes when that is back.
    if (
      current !== undefined &&
      current.state !== 'suspended' &&
      current.state !== 'active' &&
      this.#core.registry.plugin(record.key)?.leaving !== true
    )
      this.#core.ledger.fail(record, 'activate', error);
    return error;
  }
}
