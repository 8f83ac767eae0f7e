/** Runs later versions beside those that they may replace: started, promoted, rolled back. */
import { type Alarm, alarm, createError, messageOf, satisfies } from '@plinth/sdk/contract';
import type { CommandRegistry } from '../../../commands/command-registry.js';
import type { EventBus } from '../../../events/event-bus.js';
import type { PluginPackage } from '../../../host.js';
import type { CanaryInfo } from '../../../lifecycle/inventory.js';
import type { Lifecycle } from '../../../lifecycle/lifecycle.js';
import { isAsleep, type PluginRecord, type ValidatedPlugin } from '../../../plugin/record.js';
import type { PluginRegistry } from '../../../registry/plugin-registry.js';
import type { Reporting } from '../../../reporting.js';
import type { Entries } from '../entries.js';
import type { Routing } from '../routing.js';
import { CanaryCalls } from './canary-calls.js';
import { type Canarying, type CanaryOptions, canaryingOf } from './options.js';
import { decide } from './rule.js';

/** What this needs of the kernel. */
export interface CanariesParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Pick<Lifecycle, 'members' | 'activate' | 'deactivate'>;
  readonly commands: Pick<CommandRegistry, 'beside'>;
  readonly bus: EventBus;
  readonly reporting: Reporting;
  readonly entries: Pick<Entries, 'run'>;
  readonly routing: Pick<Routing, 'changed'>;
  /** Puts the version in the place of the one before, for good. */
  update(key: string, next: PluginPackage, promotion: Promotion): Promise<void>;
}

/** What was said when the canary was started. */
export interface Promotion {
  readonly state?: 'required' | 'optional';
  readonly by: string | undefined;
}

interface Running {
  readonly id: string;
  readonly next: ValidatedPlugin;
  readonly from: string;
  /** The key of the version before. */
  readonly old: string;
  readonly options: Canarying;
  readonly promotion: Promotion;
  readonly calls: CanaryCalls;
  readonly since: number;
  readonly ends: (() => void)[];
  over: boolean;
  /** Its end, once that has begun. */
  ended?: Promise<void>;
}

/** Owns the canaries of a tenant. Nothing of them is stored. */
export class Canaries {
  readonly #parts: CanariesParts;
  readonly #running = new Map<string, Running>();

  constructor(parts: CanariesParts) {
    this.#parts = parts;
  }

  /** The canary of a plugin. */
  of(id: string): CanaryInfo | undefined {
    const running = this.#running.get(id);
    if (running === undefined) return undefined;
    const { next, from, options, calls } = running;
    const { share } = options;
    const { version } = next;
    return { version, from, share, canary: calls.canary.counted, before: calls.before.counted };
  }

  /**
   * Starts a version beside the one that runs. It is called within the turn of its id.
   *
   * @throws PluginLifecycleError `plugin/illegal-transition` when it can't be one, or what its
   * activation threw. Nothing is changed then.
   */
  async start(
    old: PluginRecord,
    next: ValidatedPlugin,
    given: CanaryOptions,
    promotion: Promotion,
  ): Promise<void> {
    const options = canaryingOf(given);
    const { registry, commands, lifecycle, routing, reporting } = this.#parts;
    const { id, key, version } = next;
    const from = checked(old, next, this.#running.get(id));
    lifecycle.members.checkAddable(next);
    const running: Running = {
      id,
      next,
      from,
      old: old.key,
      options,
      promotion,
      calls: new CanaryCalls({
        ...options,
        id,
        version,
        from,
        // While its operator or a limit pauses the plugin, its calls wait for that.
        isUp: () => isUp(registry.get(key)) && !isPaused(registry.get(old.key)),
        counted: () => this.#look(running),
      }),
      since: performance.now(),
      ends: [],
      over: false,
    };
    // From here on it is known as one that is never the default, and that hears no events.
    registry.behind.add(key);
    commands.beside.set(id, running.calls);
    this.#running.set(id, running);
    try {
      lifecycle.members.setEnabled(key, true);
      await lifecycle.members.add(next);
      routing.changed(id);
      await lifecycle.activate(key, 'canary', true);
    } catch (error) {
      await this.#end(running);
      throw error;
    }
    // The kernel may stop meanwhile.
    if (!running.over) this.#watch(running);
    const { by } = promotion;
    const { share } = options;
    reporting.announce('plugin:canary-started', {
      id,
      version,
      from,
      share,
      ...(by !== undefined && { by }),
    });
  }

  /** @throws PluginLifecycleError `plugin/illegal-transition` without a canary. */
  async promote(id: string, reason = 'request'): Promise<void> {
    const running = this.#running.get(id);
    if (running === undefined || running.over)
      throw createError('plugin/illegal-transition', `cannot promote ${id}: no canary of it runs`, {
        plugin: id,
      });
    const { next, from, old, promotion } = running;
    const { version } = next;
    const { entries, update, reporting } = this.#parts;
    running.over = true;
    await entries.run(id, () => this.#end(running));
    try {
      await update(old, next.package, promotion);
    } catch (error) {
      const why = `it could not be promoted: ${messageOf(error)}`;
      reporting.announce('plugin:canary-rolled-back', { id, version, from, reason: why });
      throw error;
    }
    reporting.announce('plugin:canary-promoted', { id, version, from, reason });
  }

  /** Ends the canary of a plugin. Answers whether there was one. */
  async rollback(id: string, reason = 'request'): Promise<boolean> {
    const running = this.#running.get(id);
    if (running === undefined || running.over) return false;
    running.over = true;
    const { next, from } = running;
    await this.#parts.entries.run(id, () => this.#end(running));
    const { version } = next;
    this.#parts.reporting.announce('plugin:canary-rolled-back', { id, version, from, reason });
    return true;
  }

  /** The kernel stops. The next one has the version before. */
  close(): void {
    for (const running of this.#running.values()) {
      running.over = true;
      for (const end of running.ends.splice(0)) end();
    }
  }

  /**
   * Its calls go to the version before. Those that it works on may finish. It ends once, as a later
   * canary of the plugin has its place by then.
   */
  #end(running: Running): Promise<void> {
    running.ended ??= this.#endOnce(running);
    return running.ended;
  }

  async #endOnce(running: Running): Promise<void> {
    const { id, next, ends } = running;
    const { registry, commands, lifecycle, routing } = this.#parts;
    running.over = true;
    for (const end of ends.splice(0)) end();
    commands.beside.delete(id);
    this.#running.delete(id);
    try {
      if (registry.get(next.key) === undefined) return;
      await lifecycle.deactivate(next.key, 'replace');
      await lifecycle.members.remove(next.key);
    } finally {
      registry.behind.delete(next.key);
      routing.changed(id);
    }
  }

  /** A canary that ends by itself, and one whose version before is stopped, is rolled back. */
  #watch(running: Running): void {
    const { bus } = this.#parts;
    const { id, next, from, options, ends } = running;
    for (const topic of ['plugin:crashed', 'plugin:failed', 'plugin:deactivated'] as const) {
      const listener = bus.on(topic, ({ event }) => {
        const told = event.payload as {
          readonly id: string;
          readonly version?: string;
          readonly message?: string;
          readonly reason?: string;
        };
        if (event.source !== 'kernel' || told.id !== id || told.reason === 'idle') return;
        if (told.version === next.version)
          this.#settle(running, 'rollback', `it has ended: ${told.message ?? told.reason}`);
        else if (told.version === from && topic === 'plugin:deactivated')
          this.#settle(running, 'rollback', `${from} was stopped`);
      });
      ends.push(() => listener.dispose());
    }
    if (options.compare === undefined) return;
    const timer: Alarm = alarm(() => this.#look(running), options.compare.window);
    ends.push(() => timer.clear());
  }

  /** Decides by the rule. */
  #look(running: Running): void {
    const { over, options, calls, since } = running;
    if (over || options.compare === undefined) return;
    const age = performance.now() - since;
    const { what, because } = decide(
      calls.before.counted,
      calls.canary.counted,
      options.compare,
      age,
    );
    if (what === 'promote') this.#settle(running, 'promote', because);
    if (what === 'roll back') this.#settle(running, 'rollback', because);
  }

  #settle({ id, over }: Running, verb: 'promote' | 'rollback', reason: string): void {
    if (over) return;
    const { log } = this.#parts.reporting;
    log.write(
      'kernel',
      verb === 'promote' ? 'info' : 'warn',
      `${verb} the canary of ${id}: ${reason}`,
      {
        plugin: id,
      },
    );
    this[verb](id, reason).catch((error: unknown) =>
      log.write('kernel', 'error', `could not ${verb} the canary of ${id}: ${messageOf(error)}`, {
        plugin: id,
      }),
    );
  }
}

/** Whether a canary can answer: it runs, or wakes with the next call. */
const isUp = (record: PluginRecord | undefined): boolean =>
  record !== undefined && (record.state === 'active' || isAsleep(record));

const isPaused = (record: PluginRecord | undefined): boolean =>
  record?.state === 'suspended' && record.reason !== 'idle';

/**
 * Whether a version can run beside another one.
 *
 * @throws PluginLifecycleError `plugin/illegal-transition`.
 */
function checked(old: PluginRecord, next: ValidatedPlugin, running: Running | undefined): string {
  const from = 'version' in old ? old.version : '';
  const refuse = (why: string) =>
    createError('plugin/illegal-transition', `${next.key} cannot be a canary: ${why}`, {
      plugin: next.id,
      details: { version: next.version, from },
    });
  if (running !== undefined)
    throw refuse(`${running.next.version} is one already: promote it or roll it back`);
  if (!isUp(old)) throw refuse(`${old.key} does not run, so there is nothing to compare it with`);
  // Both work on the same stored data.
  if (!satisfies(next.version, `^${from}`))
    throw refuse(
      `both would work on the same data, and ${next.version} need not be compatible with ${from}`,
    );
  return from;
}
