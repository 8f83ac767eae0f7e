/** The calls benchmark in a page: the driver calls `run` and reads its rows. */
import { browserHost } from '@plinth/host-browser';
import { type BenchWorker, batchedContestant, batchedWorker, comlinkContestant, kernelContestant, rawContestant, rawWorker } from './contestants.ts';
import { measure, type Row } from './measure.ts';

const prelude = 'const listen = (f) => { self.onmessage = (event) => f(event.data); }; const post = (m) => self.postMessage(m);';

function start(code: string, type: WorkerType = 'classic'): { readonly worker: Worker; readonly bench: BenchWorker } {
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type });
  return {
    worker,
    bench: {
      post: (message) => worker.postMessage(message),
      listen: (listener) => worker.addEventListener('message', (event) => listener(event.data)),
      terminate: async () => worker.terminate(),
    },
  };
}

/** Measures in this page. */
export async function run(comlinkUrl: string, rounds: number, milliseconds: number): Promise<readonly Row[]> {
  const comlink = start(`import { expose } from ${JSON.stringify(comlinkUrl)}; expose({ run: (a) => ({ ok: true, n: a.n }) });`, 'module').worker;
  const contestants = [
    rawContestant(start(prelude + rawWorker).bench),
    batchedContestant(start(prelude + batchedWorker).bench),
    comlinkContestant(comlink, async () => comlink.terminate()),
    await kernelContestant(browserHost()),
  ];
  const rows = await measure(contestants, rounds, milliseconds);
  for (const one of contestants) await one.stop();
  return rows;
}
