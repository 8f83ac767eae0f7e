/** Routes the calls of a plugin to one of two versions, and counts how they go. */
import { addressOf, type Caller, PluginDeclaredError, PluginError } from '@plinth/sdk/contract';
import { Call } from '../../../calls/call.js';
import type { CallRequest, CallTarget, KernelCall } from '../../../calls/kernel-call.js';
import { leadsTo, type Route } from '../../../calls/route.js';
import type { Beside, CommandEntry } from '../../../commands/command-entry.js';
import type { Canarying } from './options.js';
import { shareOf } from './share.js';
import { Tally } from './tally.js';

/** What this is made of. */
export interface CanaryCallsParts extends Pick<Canarying, 'share' | 'by' | 'seed' | 'repeat'> {
  readonly id: string;
  /** The version of the canary. */
  readonly version: string;
  /** The version before. */
  readonly from: string;
  /** Whether the canary may answer now. */
  isUp(): boolean;
  /** Some more calls were counted. */
  counted(): void;
}

/** After how many calls the numbers are compared. Each comparison sorts the times. */
const EACH = 10;

/** Owns the numbers of both versions. */
export class CanaryCalls implements Beside {
  readonly #parts: CanaryCallsParts;
  readonly #takes: ReturnType<typeof shareOf>;
  #calls = 0;
  readonly before = new Tally();
  readonly canary = new Tally();

  constructor(parts: CanaryCallsParts) {
    this.#parts = parts;
    this.#takes = shareOf(parts);
  }

  get version(): string {
    return this.#parts.version;
  }

  pick(
    all: readonly CommandEntry[],
    chosen: CommandEntry,
    route: Route | undefined,
    caller: Caller,
    request: CallRequest | undefined,
  ): CommandEntry {
    const { id, version, from, isUp } = this.#parts;
    const suited = all.filter(
      (entry) => entry.owner === id && (route === undefined || leadsTo(route, entry)),
    );
    const canary = suited.find((entry) => entry.version === version);
    const before = suited.find((entry) => entry.version === from);
    // A caller that means a third version, or only one of these, is not part of the comparison.
    if (canary === undefined || before === undefined) return chosen;
    // A version calls itself.
    if (caller.id === id) return caller.version === version ? canary : before;
    const user = request?.user ?? request?.parent?.user;
    const takes = isUp() && this.#takes({ user, caller: caller.id });
    return takes ? this.#watched(canary, this.canary, before) : this.#watched(before, this.before);
  }

  /** The entry whose calls are counted, and answered by another one when its guest ends. */
  #watched(entry: CommandEntry, tally: Tally, instead?: CommandEntry): CommandEntry {
    const base = entry.guarded ?? entry;
    // An attempt is part of one call, and only the call is counted by the kernel.
    const target: CallTarget = {
      ...base,
      counter: undefined,
      services: { ...base.services, settled() {} },
    };
    const provider = (call: KernelCall, input: unknown) => {
      const started = performance.now();
      const attempt = new Call(target, call.caller, {
        parent: call,
        onProgress: (value) => call.progress(value),
      });
      attempt.route = call.route;
      base.provider(attempt, input);
      attempt.promise.then(
        (value) => {
          const took = performance.now() - started;
          call.settle(true, value);
          // The caller's check of the answer decides whether it is one.
          call.promise.then(
            () => this.#count(tally, false, took),
            (error: unknown) => this.#count(tally, isInvalid(error, call), took),
          );
        },
        (error: unknown) => {
          const took = performance.now() - started;
          this.#count(tally, isFault(error, call, took, this.#parts.id), took);
          if (instead === undefined || call.over || !this.#mayRepeat(error, entry))
            return call.settle(false, error);
          (instead.guarded ?? instead).provider(call, input);
        },
      );
    };
    return { ...entry, guarded: undefined, provider };
  }

  #count(tally: Tally, fault: boolean, took: number): void {
    tally.add(fault, took);
    this.#calls += 1;
    if (this.#calls % EACH === 0) this.#parts.counted();
  }

  /** Whether the version before answers a call that the canary has not. */
  #mayRepeat(error: unknown, { declared }: CommandEntry): boolean {
    const { code, plugin, details } = (error ?? {}) as {
      readonly code?: unknown;
      readonly plugin?: unknown;
      readonly details?: { readonly reason?: unknown };
    };
    // What a plugin throws may have any code, like the number of a DOMException.
    if (typeof code !== 'string') return false;
    // It never reached a guest. The same error of a plugin that the canary calls names that one.
    const wasThere = details?.reason === 'terminated';
    if (UNREACHED.has(code) && plugin === this.#parts.id && !wasThere) return true;
    if (!code.startsWith('guest/') && !wasThere) return false;
    return this.#parts.repeat === 'all' || declared?.idempotent === true;
  }
}

const UNREACHED: ReadonlySet<string> = new Set([
  'plugin/unavailable',
  'plugin/not-found',
  'plugin/disabled',
]);

/** Errors of the caller, which say nothing of the version that answers. */
const CALLERS_OWN: ReadonlySet<string> = new Set([
  'call/invalid-input',
  'call/invalid-option',
  'call/cycle',
  'kernel/stopped',
]);

/** Errors of the plugin that they name. */
const OF_EITHER: ReadonlySet<string> = new Set(['permission/denied', 'value/invalid']);

/** Whether an answer has come, and is not as the contract promises. */
const isInvalid = (error: unknown, call: KernelCall): boolean =>
  error instanceof PluginError &&
  error.code === 'call/invalid-output' &&
  addressOf(String(error.details.command)).id === call.id;

/** Whether a failure counts against the version that answers. */
function isFault(error: unknown, call: KernelCall, took: number, id: string): boolean {
  if (error instanceof PluginDeclaredError) return false;
  if (!(error instanceof PluginError)) return true;
  // A call that is too late is cancelled, too.
  if (error.code === 'call/cancelled') return took >= call.timeout;
  // A version that lacks a right, or answers what is no value, is at fault itself.
  if (OF_EITHER.has(error.code)) return error.plugin === id;
  // A version that gives another command a wrong input is its caller.
  const { command = call.id } = error.details;
  if (error.code === 'call/invalid-input' && command !== call.id) return true;
  return !CALLERS_OWN.has(error.code);
}
