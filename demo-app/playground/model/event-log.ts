/** All events of the kernel, newest first, bounded. Each is made text when it comes. */
import type { EventEnvelope } from '@plinth/sdk';
import { Ring } from './ring.ts';
import { summarise } from './show-value.ts';
import { Changes } from './store.ts';

const MAX_ROWS = 10_000;
/** Events of one frame whose payload is made text; a flood has more, and they are counted. */
const TEXTS_A_FRAME = 500;

/** One event. `topic` and `source` are as the plugin wrote them; the kernel bounds their length. */
export interface EventRow {
  readonly number: number;
  readonly time: number;
  readonly topic: string;
  readonly source: string;
  readonly text: string;
  readonly kind: 'kernel' | 'plugin' | 'problem';
}

/** The list and its state. */
export class EventLog {
  readonly changes = new Changes();
  readonly #rows = new Ring<EventRow>(MAX_ROWS);
  #texts = 0;
  seen = 0;
  paused = false;

  constructor() {
    this.changes.subscribe(() => {
      this.#texts = 0;
    });
  }

  add({ topic, source, payload }: EventEnvelope): void {
    if (this.paused) return;
    this.seen += 1;
    this.#texts += 1;
    this.#rows.add({
      number: this.seen,
      time: Date.now(),
      topic,
      source,
      text: this.#texts > TEXTS_A_FRAME ? '(one of many)' : summarise(payload),
      kind: kindOf(topic, source, payload),
    });
    this.changes.announce();
  }

  /** The rows that have all words of the filter, newest first. */
  matching(filter: string): readonly EventRow[] {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = this.#rows.newest();
    if (words.length === 0) return rows;
    return rows.filter(({ topic, source, text }) => {
      const haystack = `${topic} ${source} ${text}`.toLowerCase();
      return words.every((word) => haystack.includes(word));
    });
  }

  get kept(): number {
    return this.#rows.length;
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.changes.announce();
  }

  clear(): void {
    this.#rows.clear();
    this.seen = 0;
    this.changes.announce();
  }
}

const PROBLEMS: ReadonlySet<string> = new Set([
  'plugin:failed',
  'plugin:crashed',
  'plugin:quarantined',
  'permission:denied',
  'wire:refused',
  'event:dropped',
  'resource:limited',
]);

function kindOf(topic: string, source: string, payload: unknown): EventRow['kind'] {
  if (source !== 'kernel') return 'plugin';
  const failed =
    isRecord(payload) &&
    (payload.ok === false || payload.level === 'error' || payload.level === 'warn');
  return PROBLEMS.has(topic) || failed ? 'problem' : 'kernel';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
