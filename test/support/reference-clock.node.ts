/** A thread that does nothing but watch the time: as late as its timers are, the machine is. */
import { Worker } from 'node:worker_threads';

const text = `const { parentPort } = require('node:worker_threads');
  const seen = [];
  let expected = performance.now() + 50;
  setInterval(() => { seen.push([Date.now(), performance.now() - expected]); if (seen.length > 2_000) seen.shift(); expected = performance.now() + 50; }, 50);
  parentPort.on('message', (data) => { parentPort.postMessage(Math.max(0, ...seen.map(([at, late]) => (at >= data ? late : 0)))); });`;
let worker: Worker | undefined;

/** Milliseconds by which its timers were late at most since a moment, in milliseconds since the epoch. */
export function machineLate(since: number): Promise<number> {
  worker ??= new Worker(text, { eval: true });
  worker.unref();
  const clock = worker;
  return new Promise((resolve) => {
    clock.once('message', resolve);
    clock.postMessage(since);
  });
}
