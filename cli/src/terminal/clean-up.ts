/** What has to be undone when a signal ends the program in the middle of its work. */

const actions = new Set<() => void>();

/**
 * Runs an action if a signal ends the program from now on. Returns what takes it back. The action
 * is synchronous and doesn't throw.
 */
export function onAbort(action: () => void): () => void {
  actions.add(action);
  return () => void actions.delete(action);
}

/** Undoes everything when the process is told to stop, and lets the signal end it. */
export function cleanUpOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      // Commands that run until they are stopped listen themselves, and end in their own way.
      if (process.listenerCount(signal) > 0) return;
      for (const action of actions) action();
      process.kill(process.pid, signal);
    });
}
