/** Turns of the event loop, in pages and in workers. */

/** Runs tasks after a turn of the event loop. */
export interface Turns {
  next(task: () => void): void;
  close(): void;
}

/** Uses a message channel, because nested timers are delayed. */
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
