/** Entries of a log that come from a kernel elsewhere. */
import type { LogEntry } from '@plinth/host-node';

/** From the least to the most. */
export const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];
/** The last moment that a date can be. */
const LAST = 8.64e15;

/** Whether a value is an entry that can be shown. */
export function isEntry(value: unknown): value is LogEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { time, level, source, tenant, message, fields = {} } = value as Partial<LogEntry>;
  return (
    typeof time === 'number' &&
    Math.abs(time) <= LAST &&
    LEVELS.includes(String(level)) &&
    [source, tenant, message].every((text) => typeof text === 'string') &&
    typeof fields === 'object' &&
    fields !== null
  );
}
