/** Whether an element is seen: in sight, in a page that is seen. */

/**
 * Calls `told` at each change until the signal is aborted. Out of sight counts after so many
 * milliseconds, in sight at once.
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
    const seen = near && !page.hidden;
    clearTimeout(timer);
    if (seen) told(true);
    else if (after !== Number.POSITIVE_INFINITY) timer = setTimeout(() => told(false), after);
  };
  const observer = new IntersectionObserver((entries) => {
    near = entries.at(-1)?.isIntersecting ?? near;
    look();
  });
  observer.observe(element);
  page.addEventListener('visibilitychange', look, { signal });
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    observer.disconnect();
  });
}
