/** The options of a report, checked. */
import { createError } from '@plinth/sdk/contract';
import type { ReportQuery } from './report-data.js';

const HOUR = 3_600_000;
const FORMATS: readonly string[] = ['data', 'text', 'csv'];

/**
 * The stretch of a query: what has not happened yet has no figures.
 *
 * @throws PluginValidationError `call/invalid-option`.
 */
export function rangeOf(query: ReportQuery): readonly [from: number, to: number] {
  const { from, to, format } = query;
  for (const option of ['plugin', 'tenant'] as const)
    if (query[option] !== undefined && typeof query[option] !== 'string')
      throw createError('call/invalid-option', `'${option}' of a report is an id`, {
        details: { option },
      });
  const now = Date.now();
  const end = to ?? now;
  const begin = from ?? end - HOUR;
  if (![begin, end].every(Number.isFinite) || begin >= end)
    throw createError(
      'call/invalid-option',
      "'from' and 'to' are milliseconds since the epoch, the earlier first",
      { details: { from, to } },
    );
  if (format !== undefined && !FORMATS.includes(format))
    throw createError(
      'call/invalid-option',
      `'format' of a report is ${FORMATS.join(', ')}, not '${String(format).slice(0, 80)}'`,
      { details: { option: 'format' } },
    );
  const within = (time: number) => Math.min(Math.max(0, time), now);
  return [within(begin), within(end)];
}
