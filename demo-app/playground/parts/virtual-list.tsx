/** A list of any length that renders what is in sight. All rows have one height. */
import type { ComponentChild } from 'preact';
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
    >
      <ol style={{ height: `${items.length * height}px`, '--row': `${height}px` }}>
        <li class="spacer" aria-hidden="true" style={{ height: `${first * height}px` }} />
        {items.slice(first, end).map((item, index) => row(item, first + index))}
      </ol>
    </section>
  );
}
