/** For how long plugins could be used, and for how long they should have been and couldn't. */
import { isRunning, type PluginRecord } from '../../plugin/record.js';

/** What a plugin is for those who use it: usable, missing, or not wanted. */
export type Use = 'up' | 'down' | 'off';

/** Milliseconds. */
export interface UpTime {
  readonly up: number;
  readonly down: number;
}

interface Tracked {
  use: Use;
  since: number;
  up: number;
  down: number;
}

/** Owns the times of each plugin since the last {@link take}. */
export class Availability {
  readonly #tracked = new Map<string, Tracked>();

  /** A plugin is now of this use. @param now milliseconds of the monotonic clock. */
  note(plugin: string, use: Use, now: number): void {
    const tracked = this.#tracked.get(plugin);
    if (tracked === undefined) {
      this.#tracked.set(plugin, { use, since: now, up: 0, down: 0 });
      return;
    }
    settle(tracked, now);
    tracked.use = use;
  }

  /** A plugin is gone. */
  forget(plugin: string): void {
    this.#tracked.delete(plugin);
  }

  /** The times so far. */
  times(now: number): ReadonlyMap<string, UpTime> {
    const times = new Map<string, UpTime>();
    for (const [plugin, tracked] of this.#tracked) {
      settle(tracked, now);
      if (tracked.up + tracked.down > 0) times.set(plugin, { up: tracked.up, down: tracked.down });
    }
    return times;
  }

  /** The times so far, which begin again at zero. */
  take(now: number): ReadonlyMap<string, UpTime> {
    const times = this.times(now);
    for (const tracked of this.#tracked.values()) tracked.up = tracked.down = 0;
    return times;
  }
}

function settle(tracked: Tracked, now: number): void {
  const passed = Math.max(0, now - tracked.since);
  tracked.since = now;
  if (tracked.use !== 'off') tracked[tracked.use] += passed;
}

/** What a plugin in this state is for its users. While it starts it is what it was before. */
export function useOf(record: PluginRecord, enabled: boolean): Use | undefined {
  if (!enabled || record.state === 'denied') return 'off';
  if (record.state === 'active') return 'up';
  if (record.state === 'failed') return 'down';
  if (record.state === 'suspended') {
    if (record.reason === 'idle') return 'up';
    return record.reason === 'request' ? 'off' : 'down';
  }
  return isRunning(record) ? undefined : 'off';
}
