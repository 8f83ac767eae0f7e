/** One row in Node, named by the first argument: prints its result as JSON. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import {
  batchedContestant,
  batchedWorker,
  type Checking,
  comlinkContestant,
  kernelContestant,
  rawContestant,
} from './contestants.ts';
import type { RowName } from './goals.ts';
import { bundleParsedEcho } from './guest-bundle.ts';
import { rawEcho } from './guest-code.ts';
import type { Outcomes } from './outcome.ts';
import type { Bench } from './platform.ts';
import { nodePlatform } from './platform-node.ts';
import { canReadMemory, READS_MEMORY, withoutMemory } from './private-memory.ts';
import { probe } from './probe.ts';
import { printAndExit, type RowResult } from './result.ts';
import { measureAsleep } from './rows/asleep.ts';
import { measureCalls } from './rows/calls.ts';
import { measureCold } from './rows/cold.ts';
import { IN_RUNTIME } from './rows/in-runtime.ts';
import { measureMemory } from './rows/memory.ts';
import { measureReloadMemory } from './rows/reload-memory.ts';
import { measureSize } from './rows/size.ts';
import { measureStart10k } from './rows/start10k.ts';
import { MILLISECONDS, ROUNDS } from './settings.ts';

const bench: Bench = { platform: nodePlatform, rounds: ROUNDS, milliseconds: MILLISECONDS };
/** Rows that start processes or read folders, which a page can't. */
const IN_NODE: Readonly<Partial<Record<RowName, () => Promise<Outcomes>>>> = {
  memory: () => measureMemory(ROUNDS, probe),
  'reload-memory': () => measureReloadMemory(ROUNDS, probe),
  http: async () => (await import('./rows/http.ts')).measureHttp(bench),
  asleep: () => measureAsleep(ROUNDS, probe),
  start10k: () => measureStart10k(ROUNDS, probe),
  size: () => measureSize('@plinth/host-node'),
  cold: async () => {
    const parsedEcho = await bundleParsedEcho();
    return measureCold(ROUNDS, (kind) => probe(kind, parsedEcho));
  },
};
await printAndExit(run(process.argv[2] as RowName));

async function run(row: RowName): Promise<RowResult> {
  if (row === 'calls') return measureCalls(bench, await contestants());
  if (READS_MEMORY.has(row) && !canReadMemory) return { outcomes: withoutMemory(row) };
  const measureRow = IN_NODE[row] ?? IN_RUNTIME[row];
  if (measureRow === undefined) throw new Error(`there is no row '${row}'`);
  return { outcomes: await measureRow(bench) };
}

async function contestants() {
  const parsedEcho = await bundleParsedEcho();
  const withKernel = (checking: Checking) =>
    kernelContestant(nodePlatform.createHost(), checking, parsedEcho);
  return [
    rawContestant(nodePlatform.startWorker(rawEcho)),
    batchedContestant(nodePlatform.startWorker(batchedWorker)),
    comlinkInNode(),
    await withKernel('valibot'),
    await withKernel('hand-written checks'),
    await withKernel('no validation'),
  ];
}

function comlinkInNode() {
  const comlinkPath = createRequire(import.meta.url).resolve('comlink');
  const code = `const { parentPort: port } = require('node:worker_threads'); const { expose } = require(${JSON.stringify(comlinkPath)});
    expose({ run: (a) => ({ ok: true, n: a.n }) }, { postMessage: (m, t) => port.postMessage(m, t), addEventListener: (_, f) => port.on('message', (data) => f({ data })), removeEventListener() {} });`;
  const worker = new Worker(code, { eval: true });
  return comlinkContestant(
    {
      postMessage: (message, transfer) => worker.postMessage(message, transfer as never),
      addEventListener: (_, listener) =>
        void worker.on('message', (data) =>
          (listener as unknown as (event: { data: unknown }) => void)({ data }),
        ),
      removeEventListener() {},
    },
    async () => void (await worker.terminate()),
  );
}
