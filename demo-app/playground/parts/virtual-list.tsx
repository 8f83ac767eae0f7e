/**
 * A list of any length that renders what is in sight. All rows have one height. It is one stop of the
 * Tab key: arrow keys move through its rows, whose buttons have the `tabIndex` -1.
 */
import type { ComponentChild, RefObject, TargetedKeyboardEvent } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

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
  useKeptFocus(box);
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

/** Gives the list the focus when the row that has it goes: it would be at the top of the page. */
function useKeptFocus(box: RefObject<HTMLElement | null>): void {
  const focused = useRef<Element | undefined>(undefined);
  useEffect(() => {
    const list = box.current;
    if (list === null) return;
    const enter = ({ target }: FocusEvent) => {
      focused.current = target as Element;
    };
    // Some browsers tell of a row that goes, and it is gone only afterwards.
    const leave = ({ target }: FocusEvent) =>
      queueMicrotask(() => {
        const row = target as Element;
        if (row.isConnected && focused.current === row && document.activeElement !== row)
          focused.current = undefined;
      });
    list.addEventListener('focusin', enter);
    list.addEventListener('focusout', leave);
    return () => {
      list.removeEventListener('focusin', enter);
      list.removeEventListener('focusout', leave);
    };
  }, [box]);
  useLayoutEffect(() => {
    if (focused.current?.isConnected !== false) return;
    focused.current = undefined;
    if (document.activeElement === document.body) box.current?.focus({ preventScroll: true });
  });
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
