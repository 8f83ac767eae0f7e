/** One row in Node, named by the first argument: prints its result as JSON. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { batchedContestant, batchedWorker, comlinkContestant, kernelContestant, rawContestant } from './contestants.ts';
import type { RowName } from './goals.ts';
import { rawEcho } from './guest-code.ts';
import type { Bench } from './platform.ts';
import { nodePlatform } from './platform-node.ts';
import { canReadMemory } from './private-memory.ts';
import { printAndExit, type RowResult } from './result.ts';
import { measureCalls } from './rows/calls.ts';
import { IN_RUNTIME } from './rows/in-runtime.ts';
import { type MemoryKind, measureMemory } from './rows/memory.ts';
import { measureSize } from './rows/size.ts';
import { MILLISECONDS, ROUNDS } from './settings.ts';

const bench: Bench = { platform: nodePlatform, rounds: ROUNDS, milliseconds: MILLISECONDS };
await printAndExit(run(process.argv[2] as RowName));

async function run(row: RowName): Promise<RowResult> {
  if (row === 'calls') return measureCalls(bench, [...rawContestants(), comlinkInNode(), await kernelContestant(nodePlatform.createHost())]);
  if (row === 'memory') return { outcomes: canReadMemory ? await measureMemory(ROUNDS, probeMemory) : { idle: { missing: 'only Linux tells' } } };
  if (row === 'size') return { outcomes: await measureSize('@plinth/host-node') };
  const measureRow = IN_RUNTIME[row];
  if (measureRow === undefined) throw new Error(`there is no row '${row}'`);
  return { outcomes: await measureRow(bench) };
}

function rawContestants() {
  return [rawContestant(nodePlatform.startWorker(rawEcho)), batchedContestant(nodePlatform.startWorker(batchedWorker))];
}

function comlinkInNode() {
  const comlinkPath = createRequire(import.meta.url).resolve('comlink');
  const code = `const { parentPort: port } = require('node:worker_threads'); const { expose } = require(${JSON.stringify(comlinkPath)});
    expose({ run: (a) => ({ ok: true, n: a.n }) }, { postMessage: (m, t) => port.postMessage(m, t), addEventListener: (_, f) => port.on('message', (data) => f({ data })), removeEventListener() {} });`;
  const worker = new Worker(code, { eval: true });
  return comlinkContestant(
    {
      postMessage: (message, transfer) => worker.postMessage(message, transfer as never),
      addEventListener: (_, listener) => void worker.on('message', (data) => (listener as unknown as (event: { data: unknown }) => void)({ data })),
      removeEventListener() {},
    },
    async () => void (await worker.terminate()),
  );
}

async function probeMemory(kind: MemoryKind): Promise<number> {
  const script = fileURLToPath(new URL('memory-probe.ts', import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, ['--expose-gc', script, kind], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 });
  if (status !== 0) throw new Error(`the process with ${kind} workers ended with ${status}`);
  return Number(stdout);
}
