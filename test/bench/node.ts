/** The calls benchmark in Node: prints rows as JSON. */
import { nodeHost } from '@plinth/host-node';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { type BenchWorker, batchedContestant, batchedWorker, comlinkContestant, kernelContestant, rawContestant, rawWorker } from './contestants.ts';
import { measure } from './measure.ts';

const prelude = "const { parentPort } = require('node:worker_threads'); const listen = (f) => parentPort.on('message', f); const post = (m) => parentPort.postMessage(m);";
const comlinkPath = createRequire(import.meta.url).resolve('comlink');
const comlinkWorker = `const { parentPort: port } = require('node:worker_threads'); const { expose } = require(${JSON.stringify(comlinkPath)});
  expose({ run: (a) => ({ ok: true, n: a.n }) }, { postMessage: (m, t) => port.postMessage(m, t), addEventListener: (_, f) => port.on('message', (data) => f({ data })), removeEventListener() {} });`;

function start(code: string): { readonly worker: Worker; readonly bench: BenchWorker } {
  const worker = new Worker(code, { eval: true });
  return {
    worker,
    bench: { post: (message) => worker.postMessage(message), listen: (listener) => worker.on('message', listener), terminate: async () => void (await worker.terminate()) },
  };
}

const comlink = start(comlinkWorker).worker;
const contestants = [
  rawContestant(start(prelude + rawWorker).bench),
  batchedContestant(start(prelude + batchedWorker).bench),
  comlinkContestant(
    {
      postMessage: (message, transfer) => comlink.postMessage(message, transfer as never),
      addEventListener: (_, listener) => void comlink.on('message', (data) => (listener as (event: { data: unknown }) => void)({ data })),
      removeEventListener() {},
    },
    async () => void (await comlink.terminate()),
  ),
  await kernelContestant(nodeHost()),
];
const rows = await measure(contestants, Number(process.env.ROUNDS ?? 7), Number(process.env.MS ?? 150));
for (const one of contestants) await one.stop();
console.log(JSON.stringify(rows));
