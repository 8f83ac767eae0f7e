/** Whether an element is seen: in sight or with the focus inside, in a page that is seen. */

/** Milliseconds after which a view that is held by the focus alone is looked at again. */
const AGAIN = 1_000;

/** One that is hidden may keep the focus. */
const isDrawn = (element: Element): boolean => element.getClientRects().length > 0;

/**
 * Calls `told` at each change until the signal is aborted. Out of sight counts after so many
 * milliseconds, in sight at once. An element with the focus isn't out of sight: keys go to it.
 *
 * @param after milliseconds; Infinity for never.
 */
export function watchSight(
  element: Element,
  after: number,
  signal: AbortSignal,
  told: (seen: boolean) => void,
): void {
  if (signal.aborted) return;
  const { ownerDocument: page } = element;
  let near = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    const focused = !near && element.matches(':focus-within') && isDrawn(element);
    const seen = (near || focused) && !page.hidden;
    clearTimeout(timer);
    if (seen) {
      told(true);
      // Some browsers don't tell that what has the focus was removed.
      if (focused) timer = setTimeout(look, AGAIN);
    } else if (after !== Number.POSITIVE_INFINITY) timer = setTimeout(() => told(false), after);
  };
  const observer = new IntersectionObserver((entries) => {
    near = entries.at(-1)?.isIntersecting ?? near;
    look();
  });
  observer.observe(element);
  page.addEventListener('visibilitychange', look, { signal });
  element.addEventListener('focusin', look, { signal });
  // What has the focus next is known when the event is over.
  element.addEventListener('focusout', () => queueMicrotask(look), { signal });
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    observer.disconnect();
  });
}
