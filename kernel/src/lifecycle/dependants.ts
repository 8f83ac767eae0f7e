/**
 * What depends on a plugin follows it: it pauses when the plugin goes, goes on when it is back, and is told who is there.
 * Each is changed in its own turn, so nothing here waits for two plugins at once.
 */
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import type { KernelParts } from '../parts.js';
import { type ActivePlugin, asResolved, type FailedPlugin, isRunning, type PluginRecord, type RunningPlugin, type SuspendedPlugin } from '../record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Ledger } from './ledger.js';
import type { Relations } from './relations.js';
import { resume, suspendWithout } from './suspend.js';
import type { Turns } from './turns.js';

/** What is asked of the lifecycle. */
export interface Steering {
  /** Whether nothing may be started any more. */
  isOver(): boolean;
  isStarting(key: string): boolean;
  isEnabled(key: string): boolean;
  stillRuns(record: RunningPlugin): boolean;
  /** A hook's outcome, unless the guest ended meanwhile. */
  hook<R>(record: SuspendedPlugin, hook: string, running: Promise<R>): Promise<R>;
  /** Ends a plugin within its turn. */
  end(key: string): Promise<void>;
  /** Listens for what activates plugins that have not been started. */
  listen(): void;
  /** Starts a plugin by what happens; its failure is recorded. */
  start(key: string): Promise<void>;
}

/** Changes those that depend on others; decides nothing about these. */
export class Dependants {
  readonly #registry: PluginRegistry;
  readonly #ledger: Ledger;
  readonly #relations: Relations;
  readonly #turns: Turns;
  readonly #parts: KernelParts;
  readonly #steering: Steering;
  /** What each guest was told last of its optional needs. */
  readonly #told = new WeakMap<object, string>();

  constructor(ledger: Ledger, relations: Relations, turns: Turns, parts: KernelParts, steering: Steering) {
    this.#registry = ledger.registry;
    this.#ledger = ledger;
    this.#relations = relations;
    this.#turns = turns;
    this.#parts = parts;
    this.#steering = steering;
  }

  /** Pauses everything that can't do without a plugin, those that nobody depends on first. */
  async pause(key: string): Promise<void> {
    const all = () => true;
    // Somebody may resume one for the sake of another that is paused only then: it has lost that now.
    const lacking = (record: ActivePlugin) => this.#relations.lost(record) !== undefined;
    for (let again = await this.#pauseEach(key, all); again; again = await this.#pauseEach(key, lacking));
  }

  /** Answers whether somebody was paused. */
  async #pauseEach(key: string, wanted: (record: ActivePlugin) => boolean): Promise<boolean> {
    let paused = false;
    if (this.#steering.isOver()) return paused;
    for (const dependant of this.#relations.allDependants(key)) {
      await this.#turns.run(dependant.key, async () => {
        const record = this.#registry.get(dependant.key);
        if (record?.state !== 'active' || !wanted(record)) return;
        paused = true;
        const blame = () => this.#relations.blame(record, this.#relations.lost(record) ?? key);
        const { record: suspended, problem } = await suspendWithout(record, 'dependency', blame, this.#parts);
        if (problem !== undefined) this.#parts.log.write('kernel', 'warn', `${record.id} failed while it was suspended: ${messageOf(problem)}`, { plugin: record.id });
        if (this.#steering.stillRuns(record)) this.#ledger.advance(suspended, 'plugin:suspended');
      });
    }
    return paused;
  }

  /** Resumes what was paused for want of something that is there again, and has another try with what failed for it. */
  async resume(): Promise<void> {
    const paused = (record: PluginRecord | undefined): record is SuspendedPlugin =>
      record?.state === 'suspended' && record.reason === 'dependency' && this.#relations.lost(record) === undefined;
    for (let again = true; again && !this.#steering.isOver(); ) {
      again = false;
      const ready = this.#registry
        .all()
        .filter(paused)
        .sort((a, b) => a.level - b.level);
      for (const { key } of ready) again = (await this.#turns.run(key, async () => this.#resumeOne(key, paused))) || again;
    }
    if (!this.#steering.isOver()) this.#retryFailed();
  }

  /** Tells plugins with optional needs who is there now. */
  tell(): void {
    const wishful = this.#registry
      .all()
      .filter(
        (record): record is ActivePlugin | SuspendedPlugin =>
          isRunning(record) && (record.state === 'active' || record.state === 'suspended') && record.statics.needs.some((need) => need.optional),
      );
    if (wishful.length === 0) return;
    const provided = this.#relations.provided();
    for (const record of wishful) {
      const available = this.#relations.metNeeds(record, provided);
      const before = this.#told.get(record.connection);
      if (before === available.join()) continue;
      this.#told.set(record.connection, available.join());
      record.connection.ask('needs', this.#parts.limits.hook, available).catch(() => {});
      if (before !== undefined) this.#parts.announce('need:changed', { id: record.id, version: record.version, available });
    }
  }

  async #resumeOne(key: string, paused: (record: PluginRecord | undefined) => record is SuspendedPlugin): Promise<boolean> {
    const record = this.#registry.get(key);
    if (!paused(record)) return false;
    try {
      this.#ledger.advance(await this.#steering.hook(record, 'resume', resume(record, this.#parts)), 'plugin:resumed');
      return true;
    } catch (error) {
      if (!this.#steering.stillRuns(record)) return false;
      await this.#steering.end(key);
      this.#ledger.fail(asResolved(record), 'activate', error);
      return false;
    }
  }

  /** Those that failed for want of something that is there again may be started anew; who was running, or asks for it, is. */
  #retryFailed(): void {
    const failed = this.#registry.all().filter((record): record is FailedPlugin => record.state === 'failed');
    for (const { key, error, previous, stage } of failed) {
      const { code, details } = error as Partial<PluginError>;
      const wanted = Array.isArray(details?.path) ? String(details.path[1]) : undefined;
      if (code !== 'plugin/dependency-failed' || wanted === undefined || previous.state !== 'resolved' || stage === 'resolve') continue;
      if (this.#steering.isStarting(key) || !this.#steering.isEnabled(key) || this.#relations.missing(previous) !== undefined) continue;
      // What is needed by the code alone isn't in the manifest: who is named has to be there, else each start of anybody would be a try.
      if (!this.#registry.versions(wanted).some((one) => this.#relations.isThere(one.key))) continue;
      this.#ledger.put(previous);
      this.#steering.listen();
      if (this.#parts.supervisor.waits(key) || previous.manifest.activation.includes('startup')) this.#steering.start(key).catch(() => {});
    }
  }
}
