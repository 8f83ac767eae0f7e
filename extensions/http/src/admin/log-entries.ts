/** Entries of the log for operators: as JSON whatever fields a plugin has given them, and bounded. */
import type { LogEntry } from '@plinth/kernel';
import { jsonWithin, OMITTED } from '../feed/json-within.js';

/** Characters of the fields of an entry. The rest of it is bounded by the kernel. */
const MOST_FIELDS = 32_768;

/** An entry whose fields are as large as is shown. */
export function shownEntry(entry: LogEntry): LogEntry {
  if (entry.fields === undefined || jsonWithin(entry.fields, MOST_FIELDS) !== OMITTED) return entry;
  return { ...entry, fields: { omitted: true } };
}

/** Entries as a list of JSON. The stream of events has the same text for each. */
export const entriesText = (entries: readonly LogEntry[]): string =>
  `[${entries.map((entry) => jsonWithin(shownEntry(entry), Number.POSITIVE_INFINITY)).join(',')}]`;
