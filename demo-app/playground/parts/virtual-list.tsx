/**
 * A list of any length that renders what is in sight. All rows have one height. It is one stop of the
 * Tab key: arrow keys move through its rows, whose buttons have the `tabIndex` -1.
 */
import type { ComponentChild, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Rows rendered beyond each edge, so that scrolling shows no gap. */
const BEYOND = 6;

/** @param height of one row in pixels; `row` returns an `<li>` without a position of its own. */
export function VirtualList<T>({
  items,
  height,
  row,
  label,
  live,
}: {
  readonly items: readonly T[];
  readonly height: number;
  readonly label: string;
  /** A log, whose new rows aren't read out. */
  readonly live?: boolean;
  readonly row: (item: T, index: number) => ComponentChild;
}) {
  const box = useRef<HTMLElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  const first = Math.max(Math.floor(view.top / height) - BEYOND, 0);
  const end = Math.ceil((view.top + view.height) / height) + BEYOND;
  return (
    <section
      ref={box}
      class="scroll"
      tabIndex={0}
      role={live ? 'log' : undefined}
      aria-label={label}
      aria-live={live ? 'off' : undefined}
      onKeyDown={moveFocus}
    >
      <ol style={{ height: `${items.length * height}px`, '--row': `${height}px` }}>
        <li class="spacer" aria-hidden="true" style={{ height: `${first * height}px` }} />
        {items.slice(first, end).map((item, index) => row(item, first + index))}
      </ol>
    </section>
  );
}

/** Moves the focus to the next row, from the list itself to the first one in sight. */
function moveFocus(event: TargetedKeyboardEvent<HTMLElement>): void {
  const { key, currentTarget: box } = event;
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return;
  const buttons = [...box.querySelectorAll<HTMLElement>('li button')];
  const { top } = box.getBoundingClientRect();
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  const next =
    at === -1
      ? buttons.find((button) => button.getBoundingClientRect().top >= top)
      : buttons[at + (key === 'ArrowDown' ? 1 : -1)];
  // At an end, and in a list without buttons, the key scrolls.
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
