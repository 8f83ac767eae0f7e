/** Runs bisects of one tenant, one at a time, and brings everything back afterwards. */
import { alarm, createError, messageOf } from '@plinth/sdk/contract';
import { outcome } from '../concurrency.js';
import type { ExtensionLog } from '../extension/port.js';
import type { BisectOptions, Predicate } from './options.js';
import { type BisectResult, type BisectStep, resultOf } from './result.js';
import { type Ask, type Found, search } from './search.js';
import { SettingAside, type SettingAsideParts } from './setting-aside.js';

/** What this needs of the kernel. */
export interface BisectorParts extends SettingAsideParts {
  readonly log: ExtensionLog;
}

interface Settings {
  readonly keep: readonly string[];
  readonly times: number;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** A bisect that is under way. */
interface Now {
  readonly predicate: Predicate;
  readonly settings: Settings;
  readonly aside: SettingAside;
  readonly ending: AbortController;
  readonly steps: BisectStep[];
}

/** Answers that contradict each other end the search. */
class Flicker extends Error {}

/** Owns the bisect that is under way. */
export class Bisector {
  readonly #parts: BisectorParts;
  #now: Now | undefined;
  #stopped = false;

  constructor(parts: BisectorParts) {
    this.#parts = parts;
  }

  async run(predicate: Predicate, options: BisectOptions = {}): Promise<BisectResult> {
    const settings = settingsOf(predicate, options);
    settings.signal?.throwIfAborted();
    if (this.#stopped) throw hasStopped();
    if (this.#now !== undefined)
      throw createError('plugin/illegal-transition', 'a bisect is under way: wait for its end');
    const [canary] = this.#parts.registry.behind;
    if (canary !== undefined)
      throw createError(
        'plugin/illegal-transition',
        `no bisect while ${canary} is a canary: promote it or roll it back`,
        { plugin: this.#parts.registry.get(canary)?.id ?? canary },
      );
    const aside = new SettingAside(this.#parts, settings.keep);
    const now = { predicate, settings, aside, ending: new AbortController(), steps: [] };
    const abort = () => now.ending.abort(settings.signal?.reason);
    settings.signal?.addEventListener('abort', abort, { once: true });
    this.#now = now;
    this.#parts.log.info(`a bisect of ${aside.suspects.length} plugins begins`);
    try {
      const found = await this.#search(now);
      return resultOf(found, now.steps, await this.#restore(aside));
    } catch (error) {
      for (const problem of await this.#restore(aside))
        this.#parts.log.warn(`a bisect could not bring back ${problem}`);
      throw error;
    } finally {
      settings.signal?.removeEventListener('abort', abort);
      this.#now = undefined;
    }
  }

  /** A plugin was changed by something else: what was asked until now says nothing any more. */
  changed(
    topic: string,
    { id, version }: { readonly id: string; readonly version?: string },
  ): void {
    if (topic === 'plugin:disabled' || topic === 'plugin:enabled')
      this.#now?.aside.decided(id, version, topic === 'plugin:enabled');
    this.#now?.ending.abort(
      createError('call/cancelled', `the bisect has ended: ${id} was changed (${topic})`, {
        plugin: id,
      }),
    );
  }

  /** The kernel stops. The next one starts all plugins, because nothing was stored. */
  close(): void {
    this.#stopped = true;
    this.#now?.ending.abort(hasStopped());
  }

  async #search(now: Now): Promise<Found> {
    const known = new Map<string, boolean>();
    const ask: Ask = async (on, again = false) => {
      const key = [...on].sort().join(' ');
      const before = known.get(key);
      if (before !== undefined && !again) return before;
      const answer = await this.#ask(on, now);
      known.set(key, answer);
      return answer;
    };
    try {
      return await search(now.aside.suspects, ask);
    } catch (error) {
      if (error instanceof Flicker) return { what: 'flickers', plugins: [], more: false };
      throw error;
    }
  }

  async #ask(on: ReadonlySet<string>, now: Now): Promise<boolean> {
    const { aside, ending, settings, predicate, steps } = now;
    const names = aside.suspects.map(({ name }) => name);
    const answers: boolean[] = [];
    ending.signal.throwIfAborted();
    const failed = await aside.apply(on);
    steps.push({
      on: names.filter((name) => on.has(name)),
      off: names.filter((name) => !on.has(name)),
      answers,
      failed,
    });
    while (answers.length < settings.times) {
      answers.push(await answerOf(predicate, settings.timeout, ending.signal));
      if (answers.at(-1) !== answers[0]) throw new Flicker();
    }
    return answers[0] as boolean;
  }

  /** Answers what is not as it was. */
  async #restore(aside: SettingAside): Promise<readonly string[]> {
    if (this.#stopped) return [];
    const problems = await aside.restore().catch((error: unknown) => [messageOf(error)]);
    this.#parts.log.info('a bisect is over, the plugins are as before');
    return this.#stopped ? [] : problems;
  }
}

const hasStopped = () => createError('kernel/stopped', 'the kernel has stopped: make a new one');

/** @throws what the predicate throws, PluginTimeoutError `call/timeout`, the reason of the signal. */
async function answerOf(
  predicate: Predicate,
  timeout: number,
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  const own = new AbortController();
  const ended = outcome<never>();
  const late = () =>
    ended.reject(
      createError(
        'call/timeout',
        `the predicate of a bisect has not answered within ${timeout} ms ('timeout')`,
      ),
    );
  const waiting = alarm(late, timeout);
  const abort = () => ended.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const asked = Promise.resolve().then(() => predicate({ signal: own.signal }));
    const answer: unknown = await Promise.race([asked, ended.promise]);
    if (typeof answer === 'boolean') return answer;
    throw createError(
      'value/invalid',
      `the predicate of a bisect must answer true or false, not ${messageOf(answer).slice(0, 80)}`,
    );
  } finally {
    waiting.clear();
    signal.removeEventListener('abort', abort);
    own.abort();
  }
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
function settingsOf(predicate: unknown, options: BisectOptions): Settings {
  const refuse = (option: string, what: string) =>
    createError('kernel/invalid-option', `'${option}' of a bisect must be ${what}`, {
      details: { option },
    });
  if (typeof predicate !== 'function') throw refuse('predicate', 'a function');
  if (typeof options !== 'object' || options === null) throw refuse('options', 'an object');
  const { keep = [], times = 2, timeout = 30_000, signal } = options;
  if (!Array.isArray(keep) || !keep.every((one) => typeof one === 'string'))
    throw refuse('keep', 'a list of plugin ids');
  if (!Number.isSafeInteger(times) || times < 1 || times > 100)
    throw refuse('times', 'a whole number from 1 to 100');
  if (!(typeof timeout === 'number' && timeout > 0))
    throw refuse('timeout', 'milliseconds above 0');
  if (signal !== undefined && typeof signal.throwIfAborted !== 'function')
    throw refuse('signal', 'an AbortSignal');
  return { keep, times, timeout, signal };
}
