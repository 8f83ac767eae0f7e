/**
 * Sets running plugins aside, and brings them back as they were. It changes memory alone: a host
 * that crashes meanwhile starts with all of its plugins.
 */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Plugin } from '../plugin/plugin.js';
import { isAsleep, type PluginRecord } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Suspect } from './search.js';

/** What this needs of the kernel. */
export interface SettingAsideParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
}

/** Milliseconds for which a busy plugin is asked to sleep, and between two attempts. */
const PATIENCE = 500;
const PAUSE = 10;

/** A plugin as it was found. */
interface Kept {
  readonly plugin: Plugin;
  readonly suspect: Suspect;
  readonly asleep: boolean;
  readonly activatedBy: string;
  /** What `getState` answered when it was set aside. */
  saved: Plugin['saved'];
  aside: boolean;
}

/** Owns what is set aside, until {@link restore}. */
export class SettingAside {
  readonly #parts: SettingAsideParts;
  readonly #kept: readonly Kept[];
  /** `id@version` of plugins that the operator disables meanwhile. They stay so. */
  readonly #disabled = new Set<string>();

  /**
   * @param keep plugins that stay on, with all that they need.
   * @throws PluginUnavailableError `plugin/not-found` for one that isn't installed.
   */
  constructor(parts: SettingAsideParts, keep: readonly string[]) {
    this.#parts = parts;
    const { registry } = parts;
    const running = registry
      .all()
      .filter(
        (record) => record.state === 'active' || (isAsleep(record) && record.reason === 'idle'),
      )
      .sort((one, other) => levelOf(one) - levelOf(other));
    const kept = keptKeys(registry, keep);
    const suspects = running.filter(({ key }) => !kept.has(key));
    const keys = new Set(suspects.map(({ key }) => key));
    const named = (key: string) => nameOf(registry, key);
    this.#kept = suspects.flatMap((record) => {
      const plugin = registry.plugin(record.key);
      if (plugin === undefined) return [];
      const needs = needsOf(record).filter((need) => keys.has(need));
      return {
        plugin,
        suspect: { name: named(record.key), needs: needs.map(named) },
        asleep: isAsleep(record),
        activatedBy: 'activatedBy' in record ? record.activatedBy : 'restart',
        saved: undefined,
        aside: false,
      };
    });
  }

  /** Each after those that it needs. */
  get suspects(): readonly Suspect[] {
    return this.#kept.map(({ suspect }) => suspect);
  }

  /** The operator has disabled or enabled a version. */
  decided(id: string, version: string | undefined, enabled: boolean): void {
    if (enabled) this.#disabled.delete(`${id}@${version}`);
    else this.#disabled.add(`${id}@${version}`);
  }

  /** Lets exactly these run. Answers which of them could not be started, and why. */
  async apply(on: ReadonlySet<string>): Promise<readonly string[]> {
    for (const kept of [...this.#kept].reverse())
      if (!on.has(kept.suspect.name)) await this.#setAside(kept);
    const failed: string[] = [];
    const back = this.#kept.filter(({ suspect }) => on.has(suspect.name));
    // A plugin is enabled before those start that need it.
    for (const kept of back) this.#allow(kept);
    for (const kept of back) {
      const problem = await this.#start(kept);
      if (problem !== undefined) failed.push(`${kept.suspect.name}: ${problem}`);
    }
    return failed;
  }

  /** Brings all back. Answers what is not as it was, and why. */
  async restore(): Promise<readonly string[]> {
    const problems = await this.apply(new Set(this.suspects.map(({ name }) => name)));
    for (const { plugin, asleep } of this.#kept)
      if (asleep && this.#isThere(plugin)) await this.#sleep(plugin);
    return problems;
  }

  /**
   * Puts a plugin to sleep. One that has just started may still be busy with what it asks of the
   * kernel, so it is tried for a while.
   */
  async #sleep(plugin: Plugin): Promise<void> {
    const { lifecycle } = this.#parts;
    const end = performance.now() + PATIENCE;
    while (plugin.record.state === 'active') {
      const sleeps = await lifecycle.sleep(plugin.record.key).catch(() => true);
      if (sleeps || performance.now() >= end) return;
      await new Promise<void>((resolve) => {
        setTimeout(() => resolve(), PAUSE);
      });
    }
  }

  async #setAside(kept: Kept): Promise<void> {
    const { plugin } = kept;
    if (kept.aside || !this.#isThere(plugin)) return;
    const { lifecycle } = this.#parts;
    kept.aside = true;
    lifecycle.members.setEnabled(plugin.record.key, false);
    // A plugin without work in flight hands out its state when it is put to sleep.
    await this.#sleep(plugin);
    kept.saved = plugin.saved;
    await lifecycle.deactivate(plugin.record.key, 'disable');
  }

  #allow({ plugin, aside }: Kept): void {
    if (aside && this.#isThere(plugin))
      this.#parts.lifecycle.members.setEnabled(plugin.record.key, true);
  }

  async #start(kept: Kept): Promise<string | undefined> {
    const { plugin, activatedBy } = kept;
    if (!this.#isThere(plugin)) return undefined;
    // One that was not set aside comes back only when it has crashed meanwhile.
    if (!kept.aside && plugin.record.state !== 'failed') return undefined;
    if (kept.aside) plugin.saved = kept.saved;
    kept.aside = false;
    try {
      await this.#parts.lifecycle.activate(plugin.record.key, activatedBy, true);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Whether it is still installed, and not disabled by the operator. */
  #isThere({ record }: Plugin): boolean {
    const known = this.#parts.registry.get(record.key) === record;
    const version = 'version' in record ? record.version : undefined;
    return known && !this.#disabled.has(`${record.id}@${version}`);
  }
}

/** The keys of what is kept, and of all that it needs. */
function keptKeys(registry: PluginRegistry, keep: readonly string[]): ReadonlySet<string> {
  const kept = new Set<string>();
  const add = (record: PluginRecord): void => {
    if (kept.has(record.key)) return;
    kept.add(record.key);
    for (const key of needsOf(record)) {
      const needed = registry.get(key);
      if (needed !== undefined) add(needed);
    }
  };
  for (const reference of keep) {
    const all = registry.versions(reference);
    const one = all.length > 0 ? undefined : registry.find(reference);
    if (all.length === 0 && one === undefined)
      throw createError('plugin/not-found', `no plugin '${reference}' is installed`, {
        plugin: reference,
      });
    for (const record of one === undefined ? all : [one]) add(record);
  }
  return kept;
}

/** Keys of the plugins that must be active before it. */
function needsOf(record: PluginRecord): readonly string[] {
  if (record.state === 'failed') return needsOf(record.previous);
  return 'dependencies' in record ? record.dependencies : [];
}

function levelOf(record: PluginRecord): number {
  if (record.state === 'failed') return levelOf(record.previous);
  return 'level' in record ? record.level : 0;
}

/** The id, or the key where several versions are installed. */
function nameOf(registry: PluginRegistry, key: string): string {
  const id = registry.get(key)?.id ?? key;
  return registry.versions(id).length > 1 ? key : id;
}
