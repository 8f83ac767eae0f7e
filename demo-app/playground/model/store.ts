/** State outside of components: what changes it announces it, and views follow once a frame. */
import { useEffect, useReducer } from 'preact/hooks';

/** Announces that something changed. It holds no value: its owner does. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  /** Tells the listeners in the next frame, however often it is called before. */
  readonly announce = oncePerFrame(() => {
    for (const listener of this.#listeners) listener();
  });

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Renders the component again after each change. */
export function useChanges(changes: Changes): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const end = changes.subscribe(() => render(undefined));
    // What changed between the first rendering and this effect.
    render(undefined);
    return () => void end();
  }, [changes]);
}

/** Runs a function at most once a frame. A page in the background has none: then once a second. */
function oncePerFrame(run: () => void): () => void {
  let asked = false;
  const now = () => {
    asked = false;
    run();
  };
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(now, 1_000);
    else requestAnimationFrame(now);
  };
}
