/** A thread that only measures the lateness of its timers, which is that of the machine. */
const text = `const seen = [];
  let expected = performance.now() + 50;
  setInterval(() => { seen.push([Date.now(), performance.now() - expected]); if (seen.length > 2_000) seen.shift(); expected = performance.now() + 50; }, 50);
  onmessage = ({ data }) => { postMessage(Math.max(0, ...seen.map(([at, late]) => (at >= data ? late : 0)))); };`;
let worker: Worker | undefined;

/**
 * The most that its timers were late since a moment, both in milliseconds (the moment since the
 * epoch).
 */
export function machineLate(since: number): Promise<number> {
  worker ??= new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
  const clock = worker;
  return new Promise((resolve) => {
    clock.addEventListener('message', ({ data }) => resolve(data as number), { once: true });
    clock.postMessage(since);
  });
}
