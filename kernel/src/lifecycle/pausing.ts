/** Pauses: by request, over a limit, and hibernation. */
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import type { Plugin } from '../plugin/plugin.js';
import { isAsleep } from '../plugin/record.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Core } from './core.js';
import type { Ending } from './ending.js';
import { illegal } from './failures.js';
import { endGuest, sleep } from './sleep.js';
import { suspend, suspendWithout } from './suspend.js';
import { Undoing } from './undoing.js';

/** Takes plugins out of `active` without stopping them. */
export class Pausing {
  readonly #core: Core;
  readonly #ending: Ending;

  constructor(core: Core, ending: Ending) {
    this.#core = core;
    this.#ending = ending;
  }

  /** Pauses a plugin until {@link resume}, whatever else happens. */
  async suspend(key: string): Promise<void> {
    const plugin = this.#core.ledger.plugin(key);
    return plugin.operations.run(async () => {
      const record = this.#core.ledger.require(key);
      if (record.state === 'active') {
        const undo = new Undoing(this.#core.stages.steps);
        await undo.before('suspend', record);
        const suspended = await undo.unless(
          this.#core.hook(record, 'suspend', suspend(record, this.#core.stages)),
        );
        this.#core.ledger.advance(suspended, 'plugin:suspended');
      } else if (record.state === 'suspended') {
        // A sleeping plugin isn't woken, and a waiting one doesn't resume with its dependency.
        plugin.mailbox.hold('pause');
        this.#core.ledger.put({ ...record, reason: 'request' });
      } else throw illegal(record, 'suspend');
    });
  }

  /** Suspends the plugin of a guest that is over a limit. Its callers get the reason. */
  async suspendOver(guest: object, blame: () => PluginError): Promise<void> {
    const plugin = this.#core.pluginOf(guest);
    if (plugin === undefined) return;
    await plugin.operations.run(async () => {
      const { record } = plugin;
      if (record.state !== 'active' || record.connection !== guest) return;
      plugin.overLimit = blame;
      const { record: suspended, problem } = await suspendWithout(
        record,
        'limit',
        blame,
        this.#core.stages,
      );
      if (problem !== undefined)
        this.#core.reporting.log.write(
          'kernel',
          'warn',
          `${record.id} failed while it was suspended: ${messageOf(problem)}`,
          { plugin: record.id, ...withOrigin(problem) },
        );
      if (this.#core.stillRuns(record)) this.#core.ledger.advance(suspended, 'plugin:suspended');
    });
  }

  /** The suspension for a limit is over. */
  async resumeOver(guest: object): Promise<void> {
    const plugin = this.#core.pluginOf(guest);
    const record = plugin?.record;
    if (plugin === undefined || record?.state !== 'suspended' || record.reason !== 'limit') return;
    try {
      await this.#core.steering.activate(record.key, 'limit');
    } catch (error) {
      this.#core.reporting.log.write(
        'kernel',
        'warn',
        `could not resume ${record.id}: ${messageOf(error)}`,
        { plugin: record.id, ...withOrigin(error) },
      );
      await plugin.operations.run(() => this.#waitForLost(plugin, guest));
    }
  }

  /** A plugin that can't resume because a dependency is missing resumes when that is back. */
  async #waitForLost({ record }: Plugin, guest: object): Promise<void> {
    if (record.state !== 'suspended' || record.reason !== 'limit' || record.connection !== guest)
      return;
    const lost = this.#core.relations.lost(record);
    if (lost === undefined) return;
    const { record: suspended } = await suspendWithout(
      record,
      'dependency',
      () => this.#core.relations.blame(record, this.#core.relations.lost(record) ?? lost),
      this.#core.stages,
    );
    this.#core.ledger.put(suspended);
  }

  /**
   * Puts an active plugin to sleep: its guest ends, its state and registrations stay. Answers
   * whether it sleeps. A busy plugin stays active, and so does an object of the application.
   * @throws PluginLifecycleError `plugin/hook-failed` when `getState` failed; it then stays active.
   */
  async sleep(key: string): Promise<boolean> {
    const plugin = this.#core.ledger.plugin(key);
    return plugin.operations.run(async () => {
      const record = this.#core.ledger.require(key);
      if (isAsleep(record)) return true;
      if (record.state !== 'active') throw illegal(record, 'hibernate');
      if (record.package.exported !== undefined) return false;
      const undo = new Undoing(this.#core.stages.steps);
      await undo.before('hibernate', record);
      const asleep = await undo.unless(
        this.#core.hook(
          record,
          'getState',
          sleep(record, this.#core.stages, (activation) =>
            this.#core.steering.wake(key, activation),
          ),
        ),
      );
      if (asleep === undefined) {
        await undo.run();
        return false;
      }
      this.#core.supervisor.slept(key);
      plugin.place = undefined;
      plugin.saved = asleep.snapshot;
      this.#core.ledger.advance(asleep.record, 'plugin:suspended');
      this.#ending.retire(endGuest(record, 'idle', this.#core.stages));
      return true;
    });
  }
}
