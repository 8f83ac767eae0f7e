/** The right column: all events of the kernel, newest first, bounded. */
import type { Kernel } from '@plinth/host-browser';
import { byId, element, oncePerFrame } from './dom.ts';
import { summarise } from './show-value.ts';

const MAX_ROWS = 200;
/** Characters of a log entry. */
const MAX_MESSAGE = 400;

interface Row {
  readonly time: number;
  readonly topic: string;
  readonly source: string;
  readonly text: string;
  readonly kind: 'kernel' | 'plugin' | 'problem';
}

/** Shows events until the page ends. */
export function showEvents(kernel: Kernel): void {
  const list = byId('events', HTMLOListElement);
  const count = byId('event-count', HTMLParagraphElement);
  const filter = byId('filter', HTMLInputElement);
  const pause = byId('pause', HTMLButtonElement);
  let rows: Row[] = [];
  let seen = 0;
  let paused = false;

  const render = oncePerFrame(() => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter((row) => {
      const haystack = `${row.topic} ${row.source} ${row.text}`.toLowerCase();
      return words.every((word) => haystack.includes(word));
    });
    list.replaceChildren(...shown.map(rowElement));
    const kept = seen > rows.length ? `, the last ${rows.length} are kept` : '';
    count.textContent = `${shown.length} shown of ${seen}${kept}${paused ? '; paused' : ''}`;
  });

  kernel.events.on('*', ({ topic, source, payload }) => {
    if (paused) return;
    seen += 1;
    rows.unshift({
      time: Date.now(),
      topic,
      source,
      text: textOf(topic, payload),
      kind: kindOf(topic, source, payload),
    });
    if (rows.length > MAX_ROWS) rows.length = MAX_ROWS;
    render();
  });

  filter.addEventListener('input', render);
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    pause.textContent = paused ? 'Resume' : 'Pause';
    render();
  });
  byId('clear', HTMLButtonElement).addEventListener('click', () => {
    rows = [];
    seen = 0;
    render();
  });
}

function textOf(topic: string, payload: unknown): string {
  if (topic === 'log:written' && isRecord(payload)) {
    return `${String(payload.source)} ${String(payload.level)}: ${String(payload.message).slice(0, MAX_MESSAGE)} ${summarise(payload.fields)}`;
  }
  return summarise(payload);
}

const PROBLEMS: ReadonlySet<string> = new Set([
  'plugin:failed',
  'plugin:crashed',
  'plugin:quarantined',
  'permission:denied',
  'wire:refused',
  'event:dropped',
]);

function kindOf(topic: string, source: string, payload: unknown): Row['kind'] {
  const failed =
    isRecord(payload) &&
    (payload.ok === false || payload.level === 'error' || payload.level === 'warn');
  if (PROBLEMS.has(topic) || (source === 'kernel' && failed)) return 'problem';
  return source === 'kernel' ? 'kernel' : 'plugin';
}

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

function rowElement({ time, topic, source, text, kind }: Row): HTMLLIElement {
  return element(
    'li',
    { data: { kind, topic } },
    element('time', { dateTime: new Date(time).toISOString() }, clock.format(time)),
    element('strong', {}, topic),
    element('span', { className: 'source' }, source),
    element('code', {}, text),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
