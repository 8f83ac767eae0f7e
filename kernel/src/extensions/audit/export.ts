/** The audit log as JSON lines. */
import { checkOptionNames, createError, messageOf } from '@plinth/sdk/contract';
import type { Redaction } from '../../telemetry/redaction.js';
import type { AuditEntry, AuditRange, ChainEnd } from './audit-entry.js';
import { CUT, endOf, isSame, type Segment, START } from './chain.js';
import { headOf } from './pins.js';

/** What an export reads. */
export interface ExportParts {
  readonly tenant: string;
  readonly redaction: Redaction;
  names(): Promise<readonly string[]>;
  stored(chain: string): Promise<readonly (Segment | undefined)[]>;
}

/**
 * The lines: what the file is, then each chain with its entries, then how much there was. An entry
 * outside of the range keeps its place and its hashes, so that the chain can still be checked.
 *
 * @throws PluginValidationError `value/invalid` for a range that makes no sense.
 */
export async function* exportLines(
  { tenant, redaction, names, stored }: ExportParts,
  range: AuditRange,
): AsyncGenerator<string, void, undefined> {
  const { from, to, plugin } = checkedRange(range);
  yield lineOf({ audit: 1, tenant, time: Date.now(), from, to, plugin });
  const isShown = (entry: AuditEntry) =>
    entry.topic === CUT ||
    ((from === undefined || entry.time >= from) &&
      (to === undefined || entry.time < to) &&
      (plugin === undefined || entry.plugin === plugin));
  const ends: [name: string, end: ChainEnd][] = [];
  let entries = 0;
  let withheld = 0;
  for (const name of await names()) {
    const segments = await stored(name);
    let end = START;
    for (const [index, segment] of segments.entries()) {
      if (segment === undefined) {
        yield lineOf({ chain: name, unreadable: true });
        continue;
      }
      if (index === 0) yield lineOf({ chain: name, format: segment.format, start: segment.after });
      else if (!isSame(segment.after, end)) yield lineOf({ chain: name, gap: segment.after });
      for (const entry of segment.entries) {
        const line = lineOf(entry);
        const shown = isShown(entry) && redaction.text(line) === line;
        entries += 1;
        if (!shown) withheld += 1;
        const { number, after, body, hash } = entry;
        yield shown ? line : lineOf({ number, after, body, hash });
      }
      end = endOf(segment);
    }
    if (segments.length > 0) ends.push([name, end]);
  }
  const { number, hash } = await headOf(Math.max(0, ...ends.map(([, one]) => one.number)), ends);
  yield lineOf({ end: { chains: ends.length, entries, withheld, number, hash } });
}

const lineOf = (value: object) => `${JSON.stringify(value)}\n`;

function checkedRange(range: AuditRange) {
  checkOptionNames('audit.export()', range, ['from', 'to', 'plugin']);
  const { from, to, plugin } = range;
  const refusal = (what: string) =>
    createError('value/invalid', `the range of an export: ${what}`, { details: { range } });
  if (plugin !== undefined && typeof plugin !== 'string')
    throw refusal(`'plugin' must be an id, not ${messageOf(plugin)}`);
  const times = Object.entries({ from, to }).map(([name, time]) => {
    if (time === undefined) return undefined;
    const value = time instanceof Date ? time.getTime() : time;
    if (typeof value !== 'number' || Number.isNaN(value))
      throw refusal(`'${name}' must be a date, or milliseconds since the epoch`);
    return value;
  });
  if (times[0] !== undefined && times[1] !== undefined && times[0] > times[1])
    throw refusal("'from' is after 'to'");
  return { from: times[0], to: times[1], plugin };
}
