/** What the parts of the lifecycle share: the plugins, what is known of them, and the reconciler. */
import { messageOf } from '@plinth/sdk/contract';
import type { Plugin, Wanted } from '../plugin/plugin.js';
import {
  type ActivePlugin,
  isAsleep,
  isRunning,
  type PluginRecord,
  type RunningPlugin,
  type SuspendedPlugin,
} from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Reporting } from '../reporting.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Admission } from './admission.js';
import { disabled, gone, hookFailed } from './failures.js';
import type { Ledger } from './ledger.js';
import { Listening } from './listening.js';
import { touched } from './neighbours.js';
import { Reconciler } from './reconciler.js';
import type { Relations } from './relations.js';
import type { Stages } from './stages.js';
import type { Supervision } from './supervision.js';
import { type Actions, hasNeedsBack, type World } from './transitions.js';
import { tellWishes } from './wishes.js';

/** The verbs, as the parts of the lifecycle use them. */
export interface Steering {
  activate(key: string, activatedBy?: string, named?: boolean): Promise<void>;
  /** Starts what another start needs. It undoes no stop that is later than what asks for it. */
  activateNeed(key: string, start: Wanted): Promise<void>;
  reload(key: string): Promise<unknown>;
  /** Wakes a plugin. Never rejects, but answers why it could not wake it. */
  wake(key: string, activation: string): Promise<Error | undefined>;
  /** Ends the guest of a plugin that can't resume. */
  end(plugin: Plugin): Promise<void>;
  /** What rows do that were asked for. */
  readonly actions: Actions;
}

/** What the lifecycle is made of. */
export interface LifecycleParts {
  readonly ledger: Ledger;
  readonly admission: Admission;
  readonly relations: Relations;
  readonly stages: Stages;
  readonly supervisor: Supervision;
  /** Runs a task after the event loop has had a turn. */
  defer(task: () => void): void;
}

/** Owns the reconciler and what waits for plugins that have not been started. */
export class Core {
  readonly registry: PluginRegistry;
  readonly stages: Stages;
  readonly supervisor: Supervision;
  readonly reporting: Reporting;
  readonly steering: Steering;
  readonly ledger: Ledger;
  readonly admission: Admission;
  readonly relations: Relations;
  readonly listening: Listening;
  readonly reconciler: Reconciler;
  readonly #world: World;
  #words = 0;
  /** Whether the kernel has stopped, so that nothing starts any more. */
  stopped = false;

  constructor(parts: LifecycleParts, steering: Steering) {
    const { ledger, stages } = parts;
    const { registry } = ledger;
    this.registry = registry;
    this.stages = stages;
    this.supervisor = parts.supervisor;
    this.reporting = stages.services.reporting;
    this.steering = steering;
    this.ledger = ledger;
    this.admission = parts.admission;
    this.relations = parts.relations;
    this.listening = new Listening(registry, stages.services, (key, activation) =>
      steering.wake(key, activation),
    );
    this.#world = {
      ledger: this.ledger,
      relations: this.relations,
      stages,
      isComing: (record) => this.relations.standby.isComing(record),
      stillRuns: (record) => this.stillRuns(record),
      hook: (record, hook, running) => this.hook(record, hook, running),
      end: (plugin) => steering.end(plugin),
      actions: steering.actions,
      offer: (plugin) => this.#offer(plugin),
    };
    this.reconciler = new Reconciler({
      world: this.#world,
      plugins: () => registry.live(),
      touched: (plugin) => touched(plugin, registry, this.relations),
      isOver: () => this.stopped,
      looked: () => this.#looked(),
      defer: parts.defer,
      report: ({ record: { id } }, step, error) =>
        this.reporting.log.write(
          'kernel',
          'error',
          `${id} could not ${step}: ${messageOf(error)}`,
          {
            plugin: id,
            ...withOrigin(error),
          },
        ),
    });
    this.ledger.onChange = (plugin) => this.reconciler.changed(plugin);
  }

  /** Makes a plugin startable again, and starts it if it waits for a restart or asks for that. */
  #offer({ record, intent }: Plugin): void {
    this.listening.listen();
    const asks = record.state === 'resolved' && record.manifest.activation.includes('startup');
    if (asks || intent.startsWithNeeds)
      this.steering.activate(record.key, 'restart').catch(() => {});
  }

  /**
   * Answers a hook's outcome. Rejects if the guest ended meanwhile, as the record has changed.
   * @throws PluginLifecycleError `plugin/hook-failed`, PluginTimeoutError `plugin/timeout`, or what
   * the guest ended with.
   */
  async hook<R>(
    record: ActivePlugin | SuspendedPlugin,
    hook: string,
    running: Promise<R>,
  ): Promise<R> {
    try {
      const next = await running;
      if (this.stillRuns(record)) return next;
    } catch (cause) {
      if (this.stillRuns(record)) throw hookFailed(record.id, hook, cause);
    }
    throw await record.connection.ended;
  }

  /** Whether a record's guest is still the plugin's guest. Records are replaced on each change. */
  stillRuns({ key, connection }: RunningPlugin): boolean {
    const record = this.registry.get(key);
    return record !== undefined && isRunning(record) && record.connection === connection;
  }

  pluginOf(guest: object): Plugin | undefined {
    for (const plugin of this.registry.plugins())
      if (isRunning(plugin.record) && plugin.record.connection === guest) return plugin;
    return undefined;
  }

  isEnabled(key: string): boolean {
    const intent = this.registry.plugin(key)?.intent;
    return intent === undefined || (intent.enabled && !intent.removing);
  }

  /**
   * @throws PluginUnavailableError `plugin/disabled`, and `plugin/unavailable` for a plugin that is
   * about to be forgotten.
   */
  checkEnabled({ key, id }: PluginRecord): void {
    if (this.isEnabled(key)) return;
    throw this.registry.plugin(key)?.intent.removing === true ? gone(id) : disabled({ id });
  }

  /** The number of a word on plugins. A later word has a higher one, and takes its place. */
  word(): number {
    this.#words += 1;
    return this.#words;
  }

  /** Whether a plugin is on its way to `active`. */
  isStarting(key: string): boolean {
    return this.registry.plugin(key)?.starting !== undefined;
  }

  /** Settles when no operation on the plugin is in progress. Its state is known then. */
  async settled(key: string): Promise<void> {
    const plugin = this.registry.plugin(key);
    while (plugin?.starting !== undefined || plugin?.operations.busy) {
      await plugin.starting?.over.catch(() => {});
      await plugin.operations.idle();
    }
  }

  resolveAll(): void {
    this.admission.resolveAll();
    this.listening.listen();
    this.reconciler.changed();
  }

  /** What follows a change of records, once the steps that it causes have begun. */
  #looked(): void {
    for (const plugin of this.registry.live()) {
      const { record, starting } = plugin;
      if (record.state === 'suspended' && !isAsleep(record)) record.connection.mailbox.reconsider();
      // One that has failed again is tried again only after its needs were gone once more.
      if (record.state === 'failed' && starting === undefined && !hasNeedsBack(plugin, this.#world))
        plugin.retried = false;
    }
    tellWishes(this.registry.live(), this.relations, this.stages);
  }
}
