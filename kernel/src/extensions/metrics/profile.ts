/** CPU profiles of one plugin, on demand. */
import { checkOptionNames, createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import { inTime } from '../../in-time.js';
import { isRunning, type PluginRecord } from '../../plugin/record.js';

/** How long a profile is. */
export interface ProfileOptions {
  /** From 0.01 to 60; 5 when absent. */
  readonly seconds?: number;
}

/** A function of a profile. */
export interface ProfiledFunction {
  /** Empty for code outside of functions. */
  readonly name: string;
  /** The plugin's bundle, or a part of the runtime. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Milliseconds in the function itself, without those that it has called. */
  readonly self: number;
  /** The share of the time in which the thread was busy. */
  readonly share: number;
}

/** Where a plugin spends its time. */
export interface PluginProfile {
  readonly plugin: string;
  /** Milliseconds. */
  readonly took: number;
  /** Milliseconds of it in which the thread was busy. */
  readonly busy: number;
  /** The functions that took the most time, the first first; at most 50. */
  readonly top: readonly ProfiledFunction[];
  /**
   * The whole profile in the format of V8. Written to a file that ends in `.cpuprofile`, the
   * developer tools of Chromium and editors open it.
   */
  readonly profile: unknown;
}

const MAX_SECONDS = 60;
const SHORTEST = 0.01;
/** Milliseconds that the profiler may take beside. */
const PATIENCE = 10_000;
const MOST = 50;
/** Frames in which a thread does nothing. */
const IDLE: ReadonlySet<string> = new Set(['(idle)', '(program)']);

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples?: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas?: readonly number[];
}

/**
 * Profiles the guest of a plugin.
 *
 * @throws PluginValidationError `call/invalid-option`; PluginUnavailableError `profile/unavailable`
 * where there is no guest with a thread of its own, or no profiler.
 */
export async function profileOf(
  record: PluginRecord,
  options: ProfileOptions,
): Promise<PluginProfile> {
  checkOptionNames('plugins.profile()', options, ['seconds']);
  const { seconds = 5 } = options;
  const { id } = record;
  if (!(typeof seconds === 'number' && seconds >= SHORTEST && seconds <= MAX_SECONDS))
    throw createError(
      'call/invalid-option',
      `'seconds' of a profile is from ${SHORTEST} to ${MAX_SECONDS}, not ${messageOf(seconds)}`,
      { plugin: id, details: { option: 'seconds' } },
    );
  if (!isRunning(record)) throw unavailable(id, 'it has no guest now: activate it first');
  const began = performance.now();
  const profiling = record.connection.profile(seconds * 1_000);
  if (profiling === undefined)
    throw unavailable(
      id,
      record.connection.isolated
        ? 'this runtime has no profiler for its isolation: use the developer tools'
        : 'an inline guest shares the thread of the application: profile that',
    );
  try {
    const late = 'its thread did not answer the profiler';
    const profile = (await inTime(profiling, seconds * 1_000 + PATIENCE, late)) as Profile;
    return { plugin: id, took: performance.now() - began, ...summaryOf(profile), profile };
  } catch (cause) {
    throw unavailable(id, messageOf(cause), cause);
  }
}

function unavailable(id: string, why: string, cause?: unknown): PluginError {
  return createError('profile/unavailable', `cannot profile ${id}: ${why}`, {
    plugin: id,
    ...(cause !== undefined && { cause }),
  });
}

function summaryOf({ nodes, samples = [], timeDeltas = [] }: Profile) {
  const self = new Map<number, number>();
  for (const [index, node] of samples.entries())
    self.set(node, (self.get(node) ?? 0) + (timeDeltas[index] ?? 0) / 1_000);
  const functions = new Map<string, Omit<ProfiledFunction, 'share'>>();
  for (const { id, callFrame } of nodes) {
    const { functionName: name, url, lineNumber } = callFrame;
    const time = self.get(id) ?? 0;
    if (time <= 0 || IDLE.has(name)) continue;
    const file = fileOf(url);
    const line = lineNumber + 1;
    const key = `${name} ${file} ${line}`;
    const known = functions.get(key)?.self ?? 0;
    functions.set(key, { name, file, line, self: known + time });
  }
  const all = [...functions.values()].sort((one, other) => other.self - one.self);
  const busy = all.reduce((sum, one) => sum + one.self, 0);
  const top = all
    .slice(0, MOST)
    .map((one): ProfiledFunction => ({ ...one, share: one.self / busy }));
  return { busy, top };
}

/** A bundle is evaluated from a URL that holds all of it. Its name is at the end, if it has one. */
function fileOf(url: string): string {
  if (url.length <= 512 && !url.startsWith('data:')) return url;
  return /plinth:[^\s?#]{1,300}$/.exec(url.slice(-400))?.[0] ?? 'plugin.js';
}
