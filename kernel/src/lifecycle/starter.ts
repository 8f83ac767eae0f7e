/** One start of a plugin: load, initialize, activate, and its registrations become visible. */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { Plugin, Wanted } from '../plugin/plugin.js';
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
import { activationFailed, hookOf, loadFailed } from './failures.js';
import { catchUp, initialize, isBehind } from './initialize.js';
import { leavePauses } from './intents.js';
import type { Pausing } from './pausing.js';
import { Undoing } from './undoing.js';

/** A start in progress. */
interface Run {
  readonly plugin: Plugin;
  readonly resolved: ResolvedPlugin;
  readonly asleep: AsleepPlugin | undefined;
  /** The state that the guest begins with. */
  readonly snapshot: Snapshot | undefined;
  readonly undo: Undoing;
  stage: Stage;
  /** The guest so far. */
  running: RunningPlugin | undefined;
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

  /**
   * Answers undefined when the plugin is active, or what it has lost meanwhile.
   *
   * @param asleep the plugin's record when it wakes. It returns to that when it can't start.
   */
  async start(
    plugin: Plugin,
    resolved: ResolvedPlugin,
    start: Wanted,
    asleep: AsleepPlugin | undefined,
  ): Promise<string | undefined> {
    const run: Run = {
      plugin,
      resolved,
      asleep,
      snapshot: start.stateless === true ? undefined : plugin.saved,
      undo: new Undoing(this.#core.stages.steps),
      stage: 'load',
      running: undefined,
    };
    const started = performance.now();
    const waiting = asleep?.registrations ?? plugin.listening;
    let next: ActivePlugin | SuspendedPlugin;
    try {
      next = await this.#bringUp(run, start);
      const lost = this.#core.relations.missing(resolved);
      if (lost !== undefined) {
        await this.#undo(next, asleep);
        await run.undo.run();
        return lost;
      }
      this.#core.checkEnabled(resolved);
      // Registrations become visible only now, all in one step. Calls that waited go first.
      next.connection.registrations.takeOver(waiting);
      plugin.mailbox.release('start', 'sleep', 'restart');
      if (next.state === 'active') plugin.mailbox.release('pause');
      plugin.listening = undefined;
      this.#core.ledger.put(next);
    } catch (error) {
      throw await this.#failed(run, error);
    }
    this.entered(plugin, next, start.activatedBy, started, run.snapshot);
    if (next.state === 'suspended')
      this.#core.reporting.announce('plugin:suspended', this.#core.ledger.fact(next));
    return undefined;
  }

  /** Takes a plugin from its code to an activated guest, whose registrations nothing sees yet. */
  async #bringUp(
    run: Run,
    { activatedBy, named }: Wanted,
  ): Promise<ActivePlugin | SuspendedPlugin> {
    const { plugin, resolved, undo, snapshot } = run;
    const { ledger, relations, stages } = this.#core;
    await undo.before('load', resolved);
    const loaded = await stages.loader.load(resolved, plugin.mailbox);
    run.running = ledger.advance(loaded, 'plugin:loaded');
    relations.why.checkNeeds(loaded);
    this.#ending.watch(loaded);
    run.stage = 'initialize';
    const initialized = ledger.advance(await initialize(loaded, stages), 'plugin:initialized');
    run.running = initialized;
    run.stage = 'activate';
    await undo.before('activate', resolved);
    const met = relations.metNeeds(initialized);
    const active = await activate(initialized, activatedBy, met, snapshot, stages);
    // A start by name ends every pause, and a replacement none.
    const goesOn = named && activatedBy !== 'reload';
    let next = goesOn ? active : await this.#pausing.entered(plugin, active);
    while (isBehind(next, stages)) next = await catchUp(next, stages);
    run.running = next;
    if (this.#core.stillRuns(next)) return next;
    // Its guest has ended, or another package has replaced it.
    throw next.connection.over
      ? await next.connection.ended
      : createError('plugin/unavailable', `${resolved.id} was replaced while it started`, {
          plugin: resolved.id,
        });
  }

  /** Undoes a start, records why it failed, and answers the error. */
  async #failed(
    { plugin, resolved, asleep, undo, stage, running }: Run,
    error: unknown,
  ): Promise<Error> {
    const { key, id } = resolved;
    const wrapped = stage === 'load' ? loadFailed(id, error) : activationFailed(id, stage, error);
    // The record of an earlier crash stays, because it names the cause.
    const crashed = running === undefined ? undefined : this.#core.registry.get(key);
    const known = crashed?.state === 'failed' ? crashed.error : undefined;
    const replaced = running !== undefined && known === undefined && !this.#core.stillRuns(running);
    if (running !== undefined && known === undefined) await this.#undo(running, asleep);
    await undo.run();
    // A state that the plugin can't take would keep it from ever starting.
    if (hookOf(wrapped) === 'restoreState' && asleep === undefined) plugin.saved = undefined;
    if (replaced) return wrapped;
    if (asleep !== undefined) this.#core.ledger.put(asleep);
    else {
      // What waits for a restart waits on while there is another try.
      if (plugin.intent.restart === undefined) this.#core.listening.stop(key, known ?? wrapped);
      if (known === undefined) this.#core.ledger.fail(resolved, stage, wrapped);
    }
    return known ?? wrapped;
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
    // A pause that was asked for meanwhile is still to come.
    if (active.state === 'active') leavePauses(plugin);
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
