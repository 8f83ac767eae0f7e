/** A thread that only measures the lateness of its timers, which is that of the machine. */
import { Worker } from 'node:worker_threads';

const text = `const { parentPort } = require('node:worker_threads');
  const seen = [];
  let expected = performance.now() + 50;
  setInterval(() => { seen.push([Date.now(), performance.now() - expected]); if (seen.length > 2_000) seen.shift(); expected = performance.now() + 50; }, 50);
  parentPort.on('message', (data) => { parentPort.postMessage(Math.max(0, ...seen.map(([at, late]) => (at >= data ? late : 0)))); });`;
let worker: Worker | undefined;

/**
 * The most that its timers were late since a moment, both in milliseconds (the moment since the
 * epoch).
 */
export function machineLate(since: number): Promise<number> {
  worker ??= new Worker(text, { eval: true });
  worker.unref();
  const clock = worker;
  return new Promise((resolve) => {
    clock.once('message', resolve);
    clock.postMessage(since);
  });
}
