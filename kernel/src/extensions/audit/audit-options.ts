/** The option `audit`, and whether it makes sense. */
import {
  A_TIME,
  createError,
  didYouMean,
  isTime,
  messageOf,
  parseSize,
} from '@plinth/sdk/contract';
import { isObject } from '../../option-checks.js';

/** How much of the audit log is kept. */
export interface AuditOptions {
  readonly retain?: AuditRetention;
}

/**
 * What is kept of each chain: of operators' decisions, and of the application's entries. A plugin's
 * own chains keep a tenth of it. Whole segments of up to 200 entries are dropped, the oldest first,
 * as soon as one bound is passed, and the cut is recorded.
 */
export interface AuditRetention {
  /** The most entries: at least 800. 10 000 when absent. */
  readonly entries?: number;
  /**
   * Milliseconds after which entries are dropped. As a segment goes as a whole, an entry may stay up
   * to half as long again. Looked at with each write and each reading. Infinity when absent.
   */
  readonly age?: number;
  /** About the most bytes: at least `'525kB'`. `'6.5MB'` when absent. */
  readonly bytes?: string | number;
}

/** Entries of one segment, and the characters after which a segment is full. */
export const SEGMENT = { entries: 200, size: 131_072 } as const;
/** The fewest segments of a chain. */
const FEWEST = 4;
const DEFAULT_SEGMENTS = 50;

/** Decided bounds: segments of a chain that plugins share, of a plugin's own, and an age. */
export interface Retention {
  readonly shared: number;
  readonly own: number;
  readonly age: number;
}

const KNOWN: Readonly<
  Record<string, readonly [isSound: (value: unknown) => boolean, what: string]>
> = {
  entries: [
    (value) => Number.isSafeInteger(value) && (value as number) >= FEWEST * SEGMENT.entries,
    `a whole number from ${FEWEST * SEGMENT.entries}`,
  ],
  age: [isTime, A_TIME],
  bytes: [
    (value) =>
      (typeof value === 'string' || typeof value === 'number') &&
      (parseSize(value) ?? 0) >= FEWEST * SEGMENT.size,
    "a size from '525kB'",
  ],
};

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function retentionOf(options: AuditOptions | boolean | undefined): Retention {
  const { retain = {} } = checked(
    'audit',
    options === undefined || typeof options === 'boolean' ? {} : options,
    ['retain'],
  ) as AuditOptions;
  checked('audit.retain', retain, Object.keys(KNOWN));
  for (const [key, value] of Object.entries(retain)) {
    const [isSound, what] = KNOWN[key] as (typeof KNOWN)[string];
    if (value !== undefined && !isSound(value))
      throw refusal(`audit.retain.${key}`, `must be ${what}, not ${messageOf(value)}`);
  }
  const { entries, age = Number.POSITIVE_INFINITY, bytes } = retain;
  const counts = [
    entries === undefined ? undefined : Math.floor(entries / SEGMENT.entries),
    bytes === undefined ? undefined : Math.floor((parseSize(bytes) ?? 0) / SEGMENT.size),
  ].filter((count) => count !== undefined);
  const shared = Math.max(FEWEST, counts.length === 0 ? DEFAULT_SEGMENTS : Math.min(...counts));
  return { shared, own: Math.max(FEWEST, Math.floor(shared / 10)), age };
}

function checked(option: string, value: unknown, known: readonly string[]): object {
  if (!isObject(value)) throw refusal(option, `must be an object, not ${messageOf(value)}`);
  for (const key of Object.keys(value))
    if (!known.includes(key))
      throw refusal(
        `${option}.${key}`,
        `is not an option${didYouMean(key, known, Object.keys(value))}`,
      );
  return value;
}

const refusal = (option: string, what: string) =>
  createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
