/** Listeners of the application. */

/** A listener that throws must not end what it listens to. Its error is still seen. */
export function contained(task: () => unknown): void {
  try {
    task();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
