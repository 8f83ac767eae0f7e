/** What the panel of the audit shows of the log. */
import type { AuditEntry, AuditVerdict, ExportVerdict } from '@plinth/kernel/audit';
import { plainText, summarise } from './show-value.ts';
import { counted } from './units.ts';

/** What is looked for. Empty texts take everything. */
export interface AuditFilter {
  readonly plugin: string;
  readonly topic: string;
}

/** The matching entries, the newest first. */
export function matching(
  entries: readonly AuditEntry[],
  { plugin, topic }: AuditFilter,
): readonly AuditEntry[] {
  return entries
    .filter(
      (entry) =>
        (plugin === '' || entry.plugin === plugin) && (topic === '' || entry.topic === topic),
    )
    .reverse();
}

/** The values of two fields that occur, sorted, for the choices of the filter. */
export function choicesOf(entries: readonly AuditEntry[]): {
  readonly plugins: readonly string[];
  readonly topics: readonly string[];
} {
  const plugins = new Set<string>();
  const topics = new Set<string>();
  for (const { plugin, topic } of entries) {
    if (plugin !== undefined) plugins.add(plugin);
    topics.add(topic);
  }
  return { plugins: [...plugins].sort(), topics: [...topics].sort() };
}

/** The facts of an entry on one line. */
export const factsText = ({ facts, count }: AuditEntry): string =>
  `${count > 1 ? `${count} times ` : ''}${summarise(facts)}`;

const PINS: Readonly<Record<string, string>> = {
  none: 'nothing was pinned',
  held: 'it goes on from the pinned head',
  cut: 'the pinned entry is no longer kept, and the cut is recorded',
};

/** A verdict in one sentence. */
export function verdictText(verdict: AuditVerdict | ExportVerdict): string {
  if (verdict.ok) {
    const withheld = 'withheld' in verdict && verdict.withheld > 0 ? verdict.withheld : 0;
    return `The chains are whole: ${counted(verdict.entries, 'entry', 'entries')}${
      withheld > 0 ? `, ${withheld} of them withheld` : ''
    }; ${PINS[verdict.pin] ?? verdict.pin}.`;
  }
  const place =
    'line' in verdict ? `line ${verdict.line}, entry ${verdict.at}` : `entry ${verdict.at}`;
  const chain = verdict.chain === '' ? '' : ` of ${plainText(verdict.chain, 80)}`;
  return `Not whole: ${place}${chain} is ${verdict.kind}, ${plainText(verdict.why, 300)}.`;
}
