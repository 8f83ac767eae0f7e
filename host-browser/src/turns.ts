/** Turns of the event loop, in pages and in workers. */

/** Runs tasks after the event loop had a turn. */
export interface Turns {
  next(task: () => void): void;
  close(): void;
}

/** By a channel to itself: nested timers are delayed. */
export function createTurns(): Turns {
  const { port1, port2 } = new MessageChannel();
  const tasks: (() => void)[] = [];
  port1.onmessage = () => tasks.shift()?.();
  return {
    next(task) {
      tasks.push(task);
      port2.postMessage(undefined);
    },
    close() {
      port1.close();
      tasks.length = 0;
    },
  };
}
