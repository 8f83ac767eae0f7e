/** Replaces the guest of a plugin. A plugin that sleeps only wakes as the next one. */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { Next, Plugin } from '../plugin/plugin.js';
import {
  type ActivePlugin,
  type AsleepPlugin,
  asResolved,
  asValidated,
  isAsleep,
  isRunning,
  type PluginRecord,
  type ResolvedPlugin,
  type SuspendedPlugin,
  type ValidatedPlugin,
} from '../plugin/record.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Core } from './core.js';
import type { Ending } from './ending.js';
import { activationFailed } from './failures.js';
import { answer, ask, dropPause } from './intents.js';
import type { NeedStarts } from './need-starts.js';
import type { Pausing } from './pausing.js';
import { type Replacement, type Restarting, readAnew, resolveNext } from './restarting.js';
import type { Starter } from './starter.js';
import { isSwappable, retire, type SwapSteps, swap } from './swap.js';

/** Chooses how a plugin is replaced, and replaces one that has or keeps a guest. */
export class Replacing {
  readonly #core: Core;
  readonly #ending: Ending;
  readonly #starter: Starter;
  readonly #needs: NeedStarts;
  readonly #pausing: Pausing;
  readonly #restarting: Restarting;

  constructor(
    core: Core,
    ending: Ending,
    starter: Starter,
    needs: NeedStarts,
    pausing: Pausing,
    restarting: Restarting,
  ) {
    this.#core = core;
    this.#ending = ending;
    this.#starter = starter;
    this.#needs = needs;
    this.#pausing = pausing;
    this.#restarting = restarting;
  }

  /**
   * Replaces the guest by a fresh one, of another package when one is given. An active plugin is
   * replaced while it runs. When that fails, the old guest goes on and the rejection says why. Any
   * other plugin is stopped and started. Answers the key, which differs when the version does.
   *
   * @throws what keeps it from being replaced. It is then as it was.
   */
  async reload(key: string, next?: ValidatedPlugin, how: Replacement = {}): Promise<string> {
    this.#core.ledger.require(key);
    await this.#core.settled(key);
    const record = this.#core.ledger.require(key);
    if (next !== undefined && next.id !== record.id)
      throw createError(
        'plugin/illegal-transition',
        `cannot reload ${record.id} with a package of ${next.id}`,
        { plugin: record.id, details: { other: next.id } },
      );
    this.#core.checkEnabled(record);
    const hold = isRunning(record) ? record.connection.meter.letThrough() : undefined;
    try {
      return await this.#reload(this.#core.ledger.plugin(key), record, next, how);
    } finally {
      hold?.();
    }
  }

  /** Puts another package in the place of a plugin that doesn't run. Answers its key. */
  exchange(key: string, next: ValidatedPlugin): Promise<string> {
    return this.#restarting.exchange(key, next);
  }

  async #reload(
    plugin: Plugin,
    record: PluginRecord,
    next: ValidatedPlugin | undefined,
    how: Replacement,
  ): Promise<string> {
    const { key } = record;
    const { stateless = false, automatic = false } = how;
    // An invalid replacement is refused before anything changes.
    const resolved = next && resolveNext(this.#core, key, next);
    if (record.state === 'suspended' && !isAsleep(record)) {
      // A plugin that was stopped by name isn't started for a call that waits.
      await this.#needs.start(resolved ?? asResolved(record), {
        activatedBy: 'reload',
        named: false,
        asked: this.#core.word(),
      });
    }
    if (
      (record.state === 'active' || (record.state === 'suspended' && !isAsleep(record))) &&
      (await isSwappable(record))
    ) {
      if (record.state === 'active')
        await this.#needs.start(resolved ?? asResolved(record), {
          activatedBy: 'reload',
          named: !automatic,
          asked: this.#core.word(),
        });
      const swapped = await this.#ask(plugin, { resolved, stateless, named: !automatic });
      if (swapped !== undefined) {
        await this.#core.reconciler.rest();
        return swapped;
      }
    }
    if (isAsleep(record)) {
      await this.#needs.start(resolved ?? asResolved(record), {
        activatedBy: 'reload',
        named: !automatic,
        asked: this.#core.word(),
      });
      const woken = await this.#ask(plugin, { resolved, stateless, named: !automatic });
      if (woken !== undefined) {
        await this.#core.reconciler.rest();
        return woken;
      }
    }
    return this.#restarting.restart(plugin, next, how);
  }

  /** Resolves to the key of what runs now, or to undefined when nothing can be replaced any more. */
  #ask(plugin: Plugin, next: Next): Promise<string | undefined> {
    return ask(plugin, 'next', next, () => this.#core.reconciler.asked(plugin));
  }

  /** Puts another package in the place of a plugin whose guest ends first. */
  exchanged(plugin: Plugin): Promise<void> {
    return this.#restarting.take(plugin);
  }

  /** Does what was asked for. */
  take(plugin: Plugin): Promise<void> {
    return answer(plugin, 'next', (next) =>
      isAsleep(plugin.record) ? this.#wakeAs(plugin, next) : this.#swap(plugin, next),
    );
  }

  /** Replaces a guest that runs. */
  async #swap(plugin: Plugin, { resolved: next, stateless }: Next): Promise<string | undefined> {
    const old = plugin.record;
    if (
      (old.state !== 'active' && old.state !== 'suspended') ||
      isAsleep(old) ||
      this.#core.stopped
    )
      return undefined;
    const started = performance.now();
    if (next === undefined) readAnew(this.#core, old.package);
    const { next: successor, snapshot } = await swap(
      old,
      next ?? asResolved(old),
      this.#core.stages,
      this.#swapSteps(plugin, old, next, stateless),
    ).catch((error: unknown) => {
      this.#core.reporting.log.write(
        'kernel',
        'error',
        `could not replace ${old.id}: ${messageOf(error)}`,
        { plugin: old.id, ...withOrigin(error) },
      );
      const told = error instanceof Error && 'code' in error;
      throw told ? error : activationFailed(old.id, 'activate', error);
    });
    // The next guest has used nothing yet.
    dropPause(plugin, 'limit');
    this.#ending.watch(successor);
    this.#core.supervisor.stopped(plugin);
    this.#ending.retire(retire(old, this.#core.stages));
    this.#core.resolveAll();
    this.#starter.entered(plugin, successor, 'reload', started, snapshot);
    this.#core.reporting.announce('plugin:reloaded', {
      id: successor.id,
      version: successor.version,
    });
    if (successor.state === 'suspended')
      this.#core.reporting.announce('plugin:suspended', this.#core.ledger.fact(successor));
    return successor.key;
  }

  #swapSteps(
    plugin: Plugin,
    old: ActivePlugin | SuspendedPlugin,
    next: ResolvedPlugin | undefined,
    stateless: boolean,
  ): SwapSteps {
    const { relations, registry, admission } = this.#core;
    const { key } = old;
    return {
      stateless,
      checkNeeds: (loaded) => {
        const missing = relations.missing(loaded);
        if (missing !== undefined) throw relations.why.blame(loaded, missing);
        relations.why.checkNeeds(loaded);
      },
      metNeeds: (loaded) => relations.metNeeds(loaded),
      pause: (active) => this.#pausing.entered(plugin, active),
      stillThere: () => this.#core.stillRuns(old) && !this.#core.stopped,
      replace: (record) => {
        registry.rename(key, record);
      },
      checkFree: () => {
        if (next !== undefined && next.key !== key) admission.checkFree(asValidated(next));
      },
    };
  }

  /**
   * Wakes a plugin with another package, or its own read again. What arrived meanwhile is kept. On
   * failure it stays asleep. Answers the running key, or undefined if it doesn't sleep any more.
   */
  async #wakeAs(
    plugin: Plugin,
    { resolved: next, stateless, named }: Next,
  ): Promise<string | undefined> {
    const asleep = plugin.record;
    const { key } = asleep;
    if (!isAsleep(asleep) || this.#core.stopped) return undefined;
    const resolved = next ?? asResolved(asleep);
    const missing = this.#core.relations.missing(resolved);
    if (missing !== undefined) throw this.#core.relations.why.blame(resolved, missing);
    this.#core.supervisor.stopped(plugin);
    if (next === undefined) readAnew(this.#core, asleep.package);
    const renamed = resolved.key !== key;
    // What it returns to while its key is that of the next version.
    const { state, reason } = asleep;
    const still: AsleepPlugin = renamed ? { ...asleep, ...resolved, state, reason } : asleep;
    // The plugin is already waking. What arrives waits for the outcome.
    plugin.mailbox.hold('sleep');
    plugin.waking = true;
    if (renamed) this.#core.registry.rename(key, resolved);
    try {
      const lost = await this.#starter.start(
        plugin,
        resolved,
        { activatedBy: 'reload', named, stateless, asked: this.#core.word() },
        still,
      );
      if (lost !== undefined) throw this.#core.relations.why.blame(resolved, lost);
    } catch (error) {
      if (renamed) {
        this.#core.registry.rename(resolved.key, asleep);
        this.#core.resolveAll();
      }
      plugin.mailbox.hold('sleep', {
        onArrival: (activation) => this.#core.steering.wake(key, activation),
      });
      throw error;
    } finally {
      plugin.waking = false;
    }
    if (renamed) this.#core.resolveAll();
    this.#core.reporting.announce('plugin:reloaded', this.#core.ledger.fact(resolved));
    return resolved.key;
  }
}
