/** What synchronous work costs this thread, independent of the machine's load. */

type Usage = () => { readonly user: number; readonly system: number };

/** Milliseconds of this thread's CPU time if the runtime counts it, else of the clock. */
function spent(): number {
  const usage = (
    globalThis as { readonly process?: { readonly threadCpuUsage?: Usage } }
  ).process?.threadCpuUsage?.();
  return usage === undefined ? performance.now() : (usage.user + usage.system) / 1_000;
}

/**
 * Milliseconds that a run costs: the least of three, because another program may run in the middle
 * of one.
 */
export function costOf(run: () => void): number {
  const all = [0, 1, 2].map(() => {
    const before = spent();
    run();
    return spent() - before;
  });
  return Math.min(...all);
}
