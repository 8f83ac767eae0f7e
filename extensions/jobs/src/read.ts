/** Reads what plugins ask for. Nothing of it is trusted: each part has a form and a bound. */
import { createError } from '@plinth/sdk/contract';
import { type Missed, NAME } from './contract.js';
import type { JobsLimits } from './options.js';

/** Refuses a part of a request. */
export type Wrong = (part: string, what: string) => never;

/** When a job runs. */
export type Plan =
  | { readonly kind: 'every'; readonly period: number }
  | { readonly kind: 'cron'; readonly pattern: string; readonly timeZone: string };

/** A job as it is scheduled. */
export interface JobSpec {
  readonly name: string;
  readonly plan: Plan;
  readonly missed: Missed;
  readonly overlap: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** A queue as it is worked off. */
export interface QueueSpec {
  readonly queue: string;
  readonly concurrency: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** A task that is pushed. */
export interface PushSpec {
  readonly queue: string;
  readonly task: unknown;
  readonly delay: number;
  readonly key: string | undefined;
  readonly retries: number;
  readonly backOff: { readonly first: number; readonly factor: number; readonly most: number };
}

type Fields = Readonly<Record<string, unknown>>;

const TIMEOUT = 30_000;
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** Five fields of cron. What they say is the parser's to judge. */
const PATTERN = /^[0-9a-zA-Z*,/#?+-]{1,60}( [0-9a-zA-Z*,/#?+-]{1,60}){4}$/;
const ZONE = /^[a-zA-Z0-9_+/-]{1,64}$/;
/** A year in milliseconds: the longest period. */
const YEAR = 31_622_400_000;
const JOB_PARTS = ['name', 'every', 'cron', 'timeZone', 'missed', 'overlap', 'timeout'];
const QUEUE_PARTS = ['concurrency', 'timeout'];
const PUSH_PARTS = ['queue', 'task', 'delay', 'key', 'retries', 'backOff'];
const KEY_LENGTH = 256;

/** The error for a request of a plugin that is not valid. */
export const refusing =
  (plugin: string): Wrong =>
  (part, what) => {
    throw createError('call/invalid-input', `jobs of ${plugin}: '${part}' ${what}`, {
      plugin,
      details: { part },
    });
  };

/** @throws what `wrong` throws. */
export function readJob(value: unknown, limits: Required<JobsLimits>, wrong: Wrong): JobSpec {
  const { name, every, cron, timeZone, missed, overlap, timeout } = fields(value, 'job', wrong);
  known(value as Fields, JOB_PARTS, wrong);
  if ((every === undefined) === (cron === undefined)) wrong('job', "has either 'every' or 'cron'");
  if (missed !== undefined && missed !== 'skip' && missed !== 'once' && missed !== 'all')
    wrong('missed', "is 'skip', 'once' or 'all'");
  if (overlap !== undefined && typeof overlap !== 'boolean') wrong('overlap', 'is true or false');
  const plan: Plan =
    every !== undefined
      ? { kind: 'every', period: time(every, 'every', limits.period, YEAR, wrong) }
      : readCron(cron, timeZone, wrong);
  if (every !== undefined && timeZone !== undefined)
    wrong('timeZone', "belongs to a pattern: 'every' counts milliseconds");
  return {
    name: readName(name, 'name', wrong),
    plan,
    missed: (missed as Missed | undefined) ?? 'skip',
    overlap: overlap === true,
    timeout: time(
      timeout ?? Math.min(TIMEOUT, limits.timeout),
      'timeout',
      1,
      limits.timeout,
      wrong,
    ),
  };
}

function readCron(cron: unknown, timeZone: unknown, wrong: Wrong): Plan {
  if (typeof cron !== 'string' || !PATTERN.test(cron))
    wrong('cron', "is a pattern of five fields, like '0 3 * * *'");
  if (timeZone !== undefined && (typeof timeZone !== 'string' || !ZONE.test(timeZone)))
    wrong('timeZone', "is the name of a time zone, like 'Europe/Berlin'");
  return {
    kind: 'cron',
    pattern: cron as string,
    timeZone: (timeZone as string | undefined) ?? 'UTC',
  };
}

/** @param named the part with the name: `queue` in requests, `name` in manifests. */
export function readQueue(
  value: unknown,
  limits: Required<JobsLimits>,
  wrong: Wrong,
  named: 'queue' | 'name' = 'queue',
): QueueSpec {
  const all = fields(value, 'queue', wrong);
  known(all, [named, ...QUEUE_PARTS], wrong);
  const { concurrency = 1, timeout } = all;
  return {
    queue: readName(all[named], named, wrong),
    concurrency: whole(concurrency, 'concurrency', 1, limits.concurrency, wrong),
    timeout: time(
      timeout ?? Math.min(TIMEOUT, limits.timeout),
      'timeout',
      1,
      limits.timeout,
      wrong,
    ),
  };
}

/** @throws what `wrong` throws. The size of the task is checked by the queue. */
export function readPush(value: unknown, limits: Required<JobsLimits>, wrong: Wrong): PushSpec {
  const all = fields(value, 'push', wrong);
  known(all, PUSH_PARTS, wrong);
  const { queue, task, delay = 0, key, retries, backOff = {} } = all;
  const { first = 1_000, factor = 2, most } = fields(backOff, 'backOff', wrong);
  known(backOff as Fields, ['first', 'factor', 'most'], wrong);
  if (
    key !== undefined &&
    (typeof key !== 'string' || key === '' || key.length > KEY_LENGTH || !isPlain(key))
  )
    wrong('key', `is a text of 1 to ${KEY_LENGTH} characters without control characters`);
  if (typeof factor !== 'number' || !(factor >= 1 && factor <= 100))
    wrong('backOff.factor', 'is a number from 1 to 100');
  return {
    queue: readName(queue, 'queue', wrong),
    task,
    delay: time(delay, 'delay', 0, limits.delay, wrong),
    key: key as string | undefined,
    retries: whole(retries ?? Math.min(3, limits.retries), 'retries', 0, limits.retries, wrong),
    backOff: {
      first: time(first, 'backOff.first', 1, limits.delay, wrong),
      factor: factor as number,
      most: time(most ?? Math.min(3_600_000, limits.delay), 'backOff.most', 1, limits.delay, wrong),
    },
  };
}

/** @throws what `wrong` throws. */
export function readName(value: unknown, part: string, wrong: Wrong): string {
  if (typeof value !== 'string' || !NAME.test(value))
    wrong(part, "is a name: a small letter, then letters, digits and '-', at most 64");
  return value as string;
}

/** The id of a task. @throws what `wrong` throws. */
export function readId(value: unknown, wrong: Wrong): string {
  if (typeof value !== 'string' || value.length > KEY_LENGTH + 2 || !isPlain(value))
    wrong('id', 'is no id of a task');
  return value as string;
}

/** @throws what `wrong` throws. */
export function fields(value: unknown, part: string, wrong: Wrong): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    wrong(part, 'is not an object');
  return value as Fields;
}

function known(value: Fields, parts: readonly string[], wrong: Wrong): void {
  for (const name of Object.keys(value))
    if (!parts.includes(name)) wrong(name.slice(0, 64), `is unknown: ${parts.join(', ')}`);
}

/** A time in milliseconds, given as a number or as a text with a unit. */
function time(value: unknown, part: string, least: number, most: number, wrong: Wrong): number {
  const [, digits, unit = ''] =
    typeof value === 'string' ? (/^(\d{1,12})(ms|s|m|h|d)$/.exec(value) ?? []) : [];
  const ms = digits === undefined ? value : Number(digits) * (UNITS[unit] as number);
  if (typeof ms !== 'number' || !(ms >= least && ms <= most))
    wrong(
      part,
      `is a time from ${least} to ${most} ms: a number, or a text like '90s', '5m', '1d'`,
    );
  return Math.round(ms as number);
}

function whole(value: unknown, part: string, least: number, most: number, wrong: Wrong): number {
  if (!Number.isInteger(value) || !((value as number) >= least && (value as number) <= most))
    wrong(part, `is a whole number from ${least} to ${most}`);
  return value as number;
}

/** Whether a text has no control characters and no halves of characters. */
function isPlain(text: string): boolean {
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if (code < 0x20 || code === 0x7f || (code >= 0xd800 && code <= 0xdfff)) return false;
  }
  return true;
}
