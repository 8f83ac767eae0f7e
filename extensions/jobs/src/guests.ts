/** The guests that have introduced themselves, and runs in them. */
import { createError } from '@plinth/sdk/contract';
import { RUN, type RunRequest, STRANGER } from './contract.js';
import type { JobsPort } from './port.js';

/** Thrown when a run has not begun, because its plugin doesn't run. */
export class NotRun extends Error {}

/** Codes of calls that reach no handler while the plugin isn't active. */
const UNREACHED: ReadonlySet<string> = new Set([
  'call/unknown-command',
  'call/cancelled',
  'plugin/unavailable',
  'plugin/disabled',
  'plugin/not-found',
  'kernel/stopped',
]);
/** States in which a plugin can't be started for a run. */
const GONE: ReadonlySet<string | undefined> = new Set([
  undefined,
  'discovered',
  'validated',
  'denied',
  'failed',
]);
/** The most versions of one plugin that run beside each other, as in a canary. */
const VERSIONS = 4;

type Distribute<T> = T extends unknown ? Omit<T, 'tokens'> : never;
/** A run, without the proof that the host's extension asks for it. */
export type Wanted = Distribute<RunRequest>;

/** Owns what is known of the guests of a tenant. */
export class Guests {
  readonly #port: JobsPort;
  readonly #most: number;
  /** Tokens by plugin and version. */
  readonly #tokens = new Map<string, Map<string, string>>();
  readonly #waiting = new Map<string, Set<() => void>>();
  /** Runs in progress, by plugin. */
  readonly #running = new Map<string, number>();
  /** Plugins that have jobs and never introduce themselves. That is logged once. */
  readonly #silent = new Set<string>();
  /** Called when a guest of a plugin may be gone. */
  onSwept: (plugin: string) => void = () => {};

  /** @param most runs of one plugin at the same time. */
  constructor(port: JobsPort, most: number) {
    this.#port = port;
    this.#most = most;
    port.transition(['hibernate', 'deactivate', 'crash', 'fail', 'replace', 'remove'], {
      after: ({ id }) => this.#sweep(id),
    });
  }

  attach(plugin: string, version: string, token: string): void {
    const tokens = this.#tokens.get(plugin) ?? new Map<string, string>();
    this.#tokens.set(plugin, tokens);
    tokens.set(version, token);
    if (tokens.size > VERSIONS) tokens.delete(tokens.keys().next().value as string);
    for (const resolve of this.#waiting.get(plugin) ?? []) resolve();
    this.#waiting.delete(plugin);
  }

  /** The token of a guest that has introduced itself. */
  tokenOf(plugin: string, version: string): string | undefined {
    return this.#tokens.get(plugin)?.get(version);
  }

  /** Whether the guest with a token is there. */
  isLive(plugin: string, token: string): boolean {
    return [...(this.#tokens.get(plugin)?.values() ?? [])].includes(token);
  }

  /** Whether one more run of a plugin may begin. */
  hasRoom(plugin: string): boolean {
    return (this.#running.get(plugin) ?? 0) < this.#most;
  }

  /** Counts a run that begins. What it returns ends it. */
  enter(plugin: string): () => void {
    this.#running.set(plugin, (this.#running.get(plugin) ?? 0) + 1);
    return () => {
      const left = (this.#running.get(plugin) ?? 1) - 1;
      if (left > 0) this.#running.set(plugin, left);
      else this.#running.delete(plugin);
    };
  }

  /** Whether a plugin runs, or could be started for a run. */
  canRun(plugin: string, wakes: boolean): boolean {
    const view = this.#port.plugins.get(plugin);
    if (view === undefined || !view.enabled || GONE.has(view.state)) return false;
    if (view.state === 'active') return this.#tokens.has(plugin) || wakes;
    return wakes && (view.state !== 'suspended' || view.reason === 'idle');
  }

  /** Starts or wakes a plugin, and waits until it has introduced itself. False: it doesn't run. */
  async ready(plugin: string, wakes: boolean): Promise<boolean> {
    if (!this.canRun(plugin, wakes)) return false;
    const view = this.#port.plugins.get(plugin);
    if (view === undefined) return false;
    if (view.state !== 'active')
      try {
        await this.#port.steer.want(view, 'jobs');
      } catch (error) {
        this.#port.log.warn(`${plugin} could not be started for its jobs`, {
          plugin,
          error: (error as Error).message,
        });
        return false;
      }
    if (this.#port.plugins.get(plugin)?.state !== 'active') return false;
    return this.#introduced(plugin);
  }

  /**
   * Runs something in a plugin.
   *
   * @throws NotRun when it has not begun; else what the plugin throws.
   */
  async run(
    plugin: string,
    wanted: Wanted,
    { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
  ): Promise<void> {
    try {
      for (const again of [true, false]) {
        const tokens = [...(this.#tokens.get(plugin)?.values() ?? [])];
        const request = { ...wanted, tokens } as RunRequest;
        const answer = await this.#port.calls.execute(`${plugin}:${RUN}`, request, {
          timeout,
          signal,
        });
        if (answer !== STRANGER) return;
        if (!again)
          throw createError('call/failed', `${plugin} doesn't know the host that runs its jobs`);
      }
    } catch (error) {
      const { code } = error as { readonly code?: string };
      const active = this.#port.plugins.get(plugin)?.state === 'active';
      if (!active && UNREACHED.has(code ?? '')) throw new NotRun((error as Error).message);
      throw error;
    }
  }

  /** Waits for the introduction of a guest that has just been started. */
  async #introduced(plugin: string): Promise<boolean> {
    if (this.#tokens.has(plugin)) return true;
    const waiting = this.#waiting.get(plugin) ?? new Set();
    this.#waiting.set(plugin, waiting);
    await new Promise<void>((resolve) => {
      const timer = this.#port.after(this.#port.limits.hook, () => end());
      const end = () => {
        timer.dispose();
        waiting.delete(end);
        resolve();
      };
      waiting.add(end);
    });
    if (!this.#tokens.has(plugin) && !this.#silent.has(plugin)) {
      this.#silent.add(plugin);
      this.#port.log.warn(`${plugin} declares jobs or queues and handles none: use jobs(ctx)`, {
        plugin,
      });
    }
    return this.#tokens.has(plugin);
  }

  /** Forgets the guests of a plugin that are gone, and what they had asked for. */
  #sweep(plugin: string): void {
    const tokens = this.#tokens.get(plugin);
    for (const version of tokens?.keys() ?? []) {
      const view = this.#port.plugins.get(plugin, version);
      const runs =
        view?.version === version &&
        (view.state === 'active' || (view.state === 'suspended' && view.reason !== 'idle'));
      if (!runs) tokens?.delete(version);
    }
    if (tokens?.size === 0) this.#tokens.delete(plugin);
    this.onSwept(plugin);
  }
}
