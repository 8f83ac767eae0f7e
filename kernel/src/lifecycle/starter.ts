/** One start of a plugin: load, initialize, activate, and its registrations become visible. */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { Plugin } from '../plugin/plugin.js';
import {
  type ActivePlugin,
  type AsleepPlugin,
  asResolved,
  type ResolvedPlugin,
  type RunningPlugin,
  type SuspendedPlugin,
} from '../plugin/record.js';
import type { Snapshot } from '../plugin/snapshot.js';
import type { Stage } from '../stage.js';
import { withOrigin } from '../telemetry/origin.js';
import { activate } from './activate.js';
import type { Core } from './core.js';
import type { Ending } from './ending.js';
import { activationFailed, disabled, hookOf, loadFailed } from './failures.js';
import { catchUp, initialize, isBehind } from './initialize.js';
import type { Pausing } from './pausing.js';
import { Undoing } from './undoing.js';

/** What starts a plugin, and with what. */
export interface Start {
  readonly activatedBy: string;
  readonly named: boolean;
  /** Whether it takes a parallel slot. A start that another start waits for must not. */
  readonly together?: boolean;
  /** Whether the guest begins without the plugin's state. */
  readonly stateless?: boolean;
  /** How often the plugin had been stopped by name when the start was asked for. */
  readonly stops?: number;
}

/** Owns a start from its first stage to its last, and undoes one that fails. */
export class Starter {
  readonly #core: Core;
  readonly #ending: Ending;
  readonly #pausing: Pausing;
  /** How often a plugin has become active. */
  #activations = 0;

  constructor(core: Core, ending: Ending, pausing: Pausing) {
    this.#core = core;
    this.#ending = ending;
    this.#pausing = pausing;
  }

  /** @param asleep the plugin's record when it wakes. It returns to that when it can't start. */
  async start(
    plugin: Plugin,
    resolved: ResolvedPlugin,
    { activatedBy, named, stateless = false }: Start,
    asleep: AsleepPlugin | undefined,
  ): Promise<string | undefined> {
    const { key } = resolved;
    const snapshot = stateless ? undefined : plugin.saved;
    const started = performance.now();
    const waiting = asleep?.registrations ?? plugin.listening;
    let stage: Stage = 'load';
    let running: RunningPlugin | undefined;
    let next: ActivePlugin | SuspendedPlugin;
    const undo = new Undoing(this.#core.stages.steps);
    try {
      await undo.before('load', resolved);
      running = this.#core.ledger.advance(
        await this.#core.stages.loader.load(resolved, plugin.mailbox),
        'plugin:loaded',
      );
      this.#core.relations.checkNeeds(running);
      this.#ending.watch(running);
      stage = 'initialize';
      running = this.#core.ledger.advance(
        await initialize(running, this.#core.stages),
        'plugin:initialized',
      );
      stage = 'activate';
      await undo.before('activate', resolved);
      const active = await activate(
        running,
        activatedBy,
        this.#core.relations.metNeeds(running),
        snapshot,
        this.#core.stages,
      );
      // A start by name ends every pause, and a replacement none.
      const goesOn = named && activatedBy !== 'reload';
      next = goesOn ? active : await this.#pausing.entered(plugin, active);
      while (isBehind(next, this.#core.stages)) next = await catchUp(next, this.#core.stages);
      running = next;
      if (!this.#core.stillRuns(running)) {
        // Its guest has ended, or another package has replaced it.
        throw running.connection.over
          ? await running.connection.ended
          : createError('plugin/unavailable', `${resolved.id} was replaced while it started`, {
              plugin: resolved.id,
            });
      }
      const lost = this.#core.relations.missing(resolved);
      if (lost !== undefined) {
        await this.#undo(running, asleep);
        await undo.run();
        return lost;
      }
      if (!this.#core.isEnabled(key)) throw disabled(resolved);
      // Registrations become visible only now, all in one step. Calls that waited go first.
      running.connection.registrations.takeOver(waiting);
      plugin.mailbox.release('start', 'sleep', 'restart');
      if (next.state === 'active') plugin.mailbox.release('pause');
      plugin.listening = undefined;
      this.#core.ledger.put(running);
    } catch (error) {
      const wrapped =
        stage === 'load'
          ? loadFailed(resolved.id, error)
          : activationFailed(resolved.id, stage, error);
      // The record of an earlier crash stays, because it names the cause.
      const crashed = running === undefined ? undefined : this.#core.registry.get(key);
      const known = crashed?.state === 'failed' ? crashed.error : undefined;
      const replaced =
        running !== undefined && known === undefined && !this.#core.stillRuns(running);
      if (running !== undefined && known === undefined) await this.#undo(running, asleep);
      await undo.run();
      // A state that the plugin can't take would keep it from ever starting.
      if (hookOf(wrapped) === 'restoreState' && asleep === undefined) plugin.saved = undefined;
      if (replaced) throw wrapped;
      if (asleep !== undefined) this.#core.ledger.put(asleep);
      else {
        this.#core.listening.stop(key, known ?? wrapped);
        if (known === undefined) this.#core.ledger.fail(resolved, stage, wrapped);
      }
      throw known ?? wrapped;
    }
    this.entered(plugin, next, activatedBy, started, snapshot);
    if (next.state === 'suspended')
      this.#core.reporting.announce('plugin:suspended', this.#core.ledger.fact(next));
    return undefined;
  }

  entered(
    plugin: Plugin,
    active: ActivePlugin | SuspendedPlugin,
    activatedBy: string,
    started: number,
    snapshot: Snapshot | undefined,
  ): void {
    const { key, version, connection } = active;
    this.#activations += 1;
    Object.assign(plugin, {
      place: this.#activations,
      saved: snapshot,
      told: undefined,
      retried: false,
    });
    if (active.state === 'active') plugin.intent.pausedBy.clear();
    this.#core.supervisor.started(plugin, version, connection);
    this.#core.reporting.announce('plugin:activated', {
      id: active.id,
      version,
      activatedBy,
      took: performance.now() - started,
      capabilities: capabilitiesOf(active),
    });
    // Only once the plugin is active: this waits for the operations in progress on it.
    if (active.restart)
      this.#core.steering
        .reload(key)
        .catch((error: unknown) =>
          this.#core.reporting.log.write(
            'kernel',
            'error',
            `could not restart ${active.id}: ${messageOf(error)}`,
            { plugin: active.id, ...withOrigin(error) },
          ),
        );
  }

  async #undo(running: RunningPlugin, asleep: AsleepPlugin | undefined): Promise<void> {
    await running.scope.dispose().catch(() => {});
    if (this.#core.stillRuns(running)) this.#core.ledger.put(asleep ?? asResolved(running));
    await running.connection.terminate();
  }
}

/** What a plugin answers: its contracts, then its commands and hooks by their wire ids. */
function capabilitiesOf({
  statics,
  connection,
}: ActivePlugin | SuspendedPlugin): readonly string[] {
  const answered = connection.registrations.all.filter(
    ({ kind }) => kind === 'command' || kind === 'hook',
  );
  return [...new Set([...statics.provides, ...answered.map(({ name }) => name)])];
}
