/** Heads that were pinned elsewhere: whether one is what `head()` answers, and what it pins. */
import { createError } from '@plinth/sdk/contract';
import type { AuditHead, ChainEnd, PinState } from './audit-entry.js';
import { digestOf, FIRST, isEnd, pluginIn } from './chain.js';

/** The head over the ends of chains, by name. Chains without entries are left out. */
export async function headOf(
  number: number,
  chains: Iterable<readonly [name: string, end: ChainEnd]>,
): Promise<AuditHead> {
  const ends = [...chains].filter(([, { hash }]) => hash !== '');
  ends.sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    number,
    hash: ends.length === 0 ? '' : await digestOf(JSON.stringify(ends)),
    chains: Object.fromEntries(ends),
  };
}

/**
 * The pinned ends by the names of their chains.
 *
 * @throws PluginValidationError `value/invalid` for what `head()` has not answered.
 */
export async function marksOf(head: AuditHead | undefined): Promise<Map<string, ChainEnd>> {
  if (head === undefined) return new Map();
  const refusal = () =>
    createError(
      'value/invalid',
      'this is no head of an audit, or it was changed: pin what kernel.audit.head() answers, as a whole',
    );
  if (!isEnd(head)) throw refusal();
  const { chains } = head as { readonly chains?: unknown };
  // Heads of versions with a single chain.
  if (chains === undefined) return new Map([[FIRST, { number: head.number, hash: head.hash }]]);
  if (typeof chains !== 'object' || chains === null) throw refusal();
  const ends = Object.entries(chains as Readonly<Record<string, unknown>>).map(([name, end]) => {
    if (!isEnd(end)) throw refusal();
    return [name, { number: end.number, hash: end.hash }] as const;
  });
  if ((await headOf(head.number, ends)).hash !== head.hash) throw refusal();
  return new Map(ends);
}

/** What the pins of all chains come to. */
export class PinSum {
  #pin: PinState;
  readonly #outgrown = new Set<string>();

  constructor(marks: ReadonlyMap<string, ChainEnd>) {
    this.#pin = marks.size === 0 ? 'none' : 'held';
  }

  add(chain: string, pin: PinState): void {
    if (pin !== 'cut') return;
    this.#pin = 'cut';
    const plugin = pluginIn(chain);
    if (plugin !== undefined) this.#outgrown.add(plugin);
  }

  get sum(): { readonly pin: PinState; readonly outgrown: readonly string[] } {
    return { pin: this.#pin, outgrown: [...this.#outgrown] };
  }
}
