/** Records the traffic of plugins: one session a plugin, from the launch of its next guest on. */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { Core } from '../../extension/core.js';
import type { Guest } from '../../host.js';
import { isRunning } from '../../plugin/record.js';
import type { Recording, RecordingEnd } from './recording.js';
import { Session } from './session.js';

/** How a plugin is recorded. */
export interface RecordOptions {
  /** Most bytes of the recording: 16 MB when absent, at least 1 kB, at most 256 MB. */
  readonly limit?: number;
}

/** A recording in progress. */
export interface RecordingSession {
  /** Why it takes no more; undefined while it goes on. The plugin runs on in either case. */
  readonly end: RecordingEnd | undefined;
  /**
   * Ends the recording. The plugin runs on. A second call resolves to the same.
   *
   * @throws PluginLifecycleError `plugin/illegal-transition` when no guest was started meanwhile.
   */
  stop(): Promise<Recording>;
}

/** What the recorder answers, for one tenant. */
export interface TrafficRecorder {
  /**
   * Records what crosses the boundary of a plugin, from the start of a guest on. A plugin that runs
   * is reloaded first, with its state. Any other is recorded from its next start on.
   *
   * @throws PluginUnavailableError `plugin/not-found`; PluginLifecycleError
   * `plugin/illegal-transition` for a plugin that is being recorded, or that tenants share;
   * PluginConfigurationError `kernel/invalid-option`; the error of the reload.
   */
  record(plugin: string, options?: RecordOptions): Promise<RecordingSession>;
}

const DEFAULT_LIMIT = 16_000_000;
const LEAST_LIMIT = 1_000;
const MOST_LIMIT = 256_000_000;

/** Owns the sessions of one tenant. */
export class Recorder implements TrafficRecorder {
  readonly #core: Core;
  readonly #sessions = new Map<string, Session>();

  constructor(core: Core) {
    this.#core = core;
  }

  async record(
    plugin: string,
    { limit = DEFAULT_LIMIT }: RecordOptions = {},
  ): Promise<RecordingSession> {
    const { registry, lifecycle } = this.#core;
    this.#check(plugin, limit);
    const session = new Session({
      plugin,
      limit,
      tenant: this.#core.tenant,
      hiding: this.#core.redaction,
      onEnd: () => {
        if (this.#sessions.get(plugin) === session) this.#sessions.delete(plugin);
      },
    });
    this.#sessions.set(plugin, session);
    const running = registry.versions(plugin).find((record) => isRunning(record));
    try {
      if (running !== undefined) await lifecycle.reload(running.key);
    } catch (error) {
      this.#sessions.delete(plugin);
      throw error;
    }
    let stopped: Promise<Recording> | undefined;
    return {
      get end() {
        return session.end;
      },
      stop: () => {
        stopped ??= session.stop();
        return stopped;
      },
    };
  }

  /** A guest was launched: it is recorded when a session waits for it. */
  launched(plugin: string, isolation: string, guest: Guest): Guest {
    const session = this.#sessions.get(plugin);
    return session === undefined || session.begun ? guest : session.attach(guest, isolation);
  }

  /** The tenant has stopped. */
  close(): void {
    this.#sessions.clear();
  }

  #check(plugin: string, limit: number): void {
    const manifests = this.#core.registry.manifestsOf(plugin);
    if (manifests.length === 0)
      throw createError(
        'plugin/not-found',
        `no plugin '${String(plugin).slice(0, 128)}' is installed`,
        {
          plugin,
        },
      );
    const refused = (why: string) =>
      createError('plugin/illegal-transition', `cannot record ${plugin}: ${why}`, { plugin });
    if (this.#sessions.has(plugin)) throw refused('it is being recorded');
    if (manifests.some(({ tenancy }) => tenancy === 'shared'))
      throw refused('tenants may share its guest, and a recording is of one tenant');
    if (!Number.isSafeInteger(limit) || limit < LEAST_LIMIT || limit > MOST_LIMIT)
      throw createError(
        'kernel/invalid-option',
        `'limit' must be a whole number of bytes from ${LEAST_LIMIT} to ${MOST_LIMIT}, not ${messageOf(limit)}`,
        { details: { option: 'limit' } },
      );
  }
}
