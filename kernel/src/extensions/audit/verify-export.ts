/** Checks an exported audit log, without a kernel. */
import { checkOptionNames } from '@plinth/sdk/contract';
import type { AuditFault, AuditHead, ChainEnd, PinState } from './audit-entry.js';
import { isEnd, START } from './chain.js';
import { ChainCheck, truncated } from './chain-check.js';
import { headOf, marksOf, PinSum } from './pins.js';

/** What {@link verifyExport} answers. */
export type ExportVerdict =
  | {
      readonly ok: true;
      readonly tenant: string;
      /** When it was exported, in milliseconds since the epoch. */
      readonly time: number;
      readonly entries: number;
      /** Entries of which only the hashes are in the file: outside of the range, or with a secret. */
      readonly withheld: number;
      /** Withheld entries of earlier versions. Nothing binds the entries before one to those after. */
      readonly unproven: number;
      /** The ends of the chains in the file: pin it for the next time. */
      readonly head: AuditHead;
      readonly pin: PinState;
      /** Plugins whose entries at the time of the pinned head are no longer kept. */
      readonly outgrown: readonly string[];
    }
  | (AuditFault & { /** Of the file, from 1. */ readonly line: number });

/** The longest line. A longer one is not of an export. */
const MAX_LINE = 65_536;

/**
 * Checks the lines of an export: that each chain is whole, that the file is, and that the chains go
 * on from a pinned head. It needs no kernel, and reads one line at a time.
 *
 * @param lines with or without their line breaks, or the whole text.
 * @throws PluginValidationError `value/invalid` for what is no head, PluginConfigurationError
 * `kernel/invalid-option` for an unknown option.
 * @example
 * const verdict = await verifyExport(await readFile('audit.jsonl', 'utf8'), { head: pinned });
 * if (!verdict.ok) console.error(verdict.line, verdict.kind, verdict.why);
 */
export async function verifyExport(
  lines: string | Iterable<string> | AsyncIterable<string>,
  pinned: { readonly head?: AuditHead } = {},
): Promise<ExportVerdict> {
  checkOptionNames('verifyExport()', pinned, ['head']);
  const { head } = pinned;
  const file = new ExportFile(await marksOf(head));
  for await (const line of typeof lines === 'string' ? linesIn(lines) : lines) {
    if (line.trim() === '') continue;
    const fault = await file.read(line);
    if (fault !== undefined) return fault;
  }
  return file.finish();
}

function* linesIn(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    yield text.slice(at, end === -1 ? undefined : end);
    at = end === -1 ? text.length : end + 1;
  }
}

type Fault = ExportVerdict & { readonly ok: false };
type Line = Readonly<Record<string, unknown>>;

function parsed(text: string): Line | undefined {
  if (text.length > MAX_LINE) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Line)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Reads an export from its first line to its last. */
class ExportFile {
  readonly #marks: ReadonlyMap<string, ChainEnd>;
  readonly #pins: PinSum;
  readonly #ends = new Map<string, ChainEnd>();
  #about: { readonly tenant: string; readonly time: number } | undefined;
  #chain: { readonly name: string; readonly check: ChainCheck } | undefined;
  /** Where the chain that is read was found to be bad. */
  #bad: number | undefined;
  #sum = { entries: 0, withheld: 0, unproven: 0 };
  #line = 0;
  #last: Line | undefined;

  constructor(marks: ReadonlyMap<string, ChainEnd>) {
    this.#marks = marks;
    this.#pins = new PinSum(marks);
  }

  async read(text: string): Promise<Fault | undefined> {
    this.#line += 1;
    const line = parsed(text);
    if (line === undefined) return this.#unreadable('a line is no JSON object of an export');
    if (this.#about === undefined) {
      const { audit, tenant, time } = line;
      if (audit !== 1 || typeof tenant !== 'string' || typeof time !== 'number')
        return this.#unreadable('the first line is not that of an export');
      this.#about = { tenant, time };
      return undefined;
    }
    if (this.#last !== undefined) return this.#unreadable('there are lines after the last one');
    if ('end' in line) {
      this.#last = (line.end ?? {}) as Line;
      return this.#close();
    }
    if ('chain' in line) return this.#chainLine(line);
    if (this.#chain === undefined) return this.#unreadable('an entry stands before any chain');
    await this.#chain.check.add(line);
    this.#look(this.#chain.check);
    return undefined;
  }

  async finish(): Promise<ExportVerdict> {
    if (this.#about === undefined) return this.#unreadable('there is no line of an export');
    const { chains, entries, withheld, hash } = this.#last ?? {};
    if (this.#last === undefined)
      return this.#close() ?? this.#unreadable('its last line is missing: the file was cut off');
    for (const [name, { number }] of this.#marks)
      if (!this.#ends.has(name)) return { ...truncated(name, number), line: this.#line };
    const number = Math.max(0, ...[...this.#ends.values()].map((end) => end.number));
    const head = await headOf(number, this.#ends);
    const { entries: read, withheld: hidden } = this.#sum;
    const isWhole =
      chains === this.#ends.size && entries === read && withheld === hidden && hash === head.hash;
    if (!isWhole)
      return this.#unreadable('its last line tells of other entries: lines are missing or added');
    return { ok: true, ...this.#about, ...this.#sum, head, ...this.#pins.sum };
  }

  #chainLine({ chain: name, format, start, gap, unreadable }: Line): Fault | undefined {
    if (typeof name !== 'string') return this.#unreadable('a chain has no name');
    const open = this.#chain;
    if (open?.name === name) {
      open.check.part(unreadable !== true && isEnd(gap) ? { format: 2, after: gap } : undefined);
      this.#look(open.check);
      return undefined;
    }
    const fault = this.#close();
    if (fault !== undefined) return fault;
    if (this.#ends.has(name)) return this.#unreadable('a chain stands there twice');
    const check = new ChainCheck(name, this.#marks.get(name));
    this.#chain = { name, check };
    this.#ends.set(name, START);
    check.part(isEnd(start) ? { format: format === 1 ? 1 : 2, after: start } : undefined);
    this.#look(check);
    return undefined;
  }

  /** Ends the chain that is read. */
  #close(): Fault | undefined {
    const open = this.#chain;
    this.#chain = undefined;
    if (open === undefined) return undefined;
    const read = open.check.finish();
    if (!read.ok) return { ...read, line: this.#bad ?? this.#line };
    this.#ends.set(open.name, read.end);
    this.#pins.add(open.name, read.pin);
    this.#sum = {
      entries: this.#sum.entries + read.entries,
      withheld: this.#sum.withheld + read.withheld,
      unproven: this.#sum.unproven + read.unproven,
    };
    return undefined;
  }

  #look({ isSound }: ChainCheck): void {
    if (!isSound) this.#bad ??= this.#line;
  }

  #unreadable(why: string): Fault {
    return { ok: false, at: 0, kind: 'unreadable', chain: '', why, line: this.#line };
  }
}
