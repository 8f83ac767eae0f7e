/** One row in Node, named by the first argument: prints its result as JSON. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  batchedContestant,
  batchedWorker,
  comlinkContestant,
  kernelContestant,
  rawContestant,
} from './contestants.ts';
import type { RowName } from './goals.ts';
import { rawEcho } from './guest-code.ts';
import type { Bench } from './platform.ts';
import { nodePlatform } from './platform-node.ts';
import { canReadMemory } from './private-memory.ts';
import { printAndExit, type RowResult } from './result.ts';
import { measureAsleep } from './rows/asleep.ts';
import { measureCalls } from './rows/calls.ts';
import { IN_RUNTIME } from './rows/in-runtime.ts';
import { measureMemory } from './rows/memory.ts';
import { measureReloadMemory } from './rows/reload-memory.ts';
import { measureSize } from './rows/size.ts';
import { measureStart10k } from './rows/start10k.ts';
import { MILLISECONDS, ROUNDS } from './settings.ts';

const bench: Bench = { platform: nodePlatform, rounds: ROUNDS, milliseconds: MILLISECONDS };
await printAndExit(run(process.argv[2] as RowName));

async function run(row: RowName): Promise<RowResult> {
  if (row === 'calls')
    return measureCalls(bench, [
      ...rawContestants(),
      comlinkInNode(),
      await kernelContestant(nodePlatform.createHost()),
    ]);
  if (row === 'memory')
    return {
      outcomes: canReadMemory
        ? await measureMemory(ROUNDS, probeMemory)
        : { idle: { missing: 'only Linux tells' } },
    };
  if (row === 'reload-memory')
    return {
      outcomes: canReadMemory
        ? await measureReloadMemory(ROUNDS, probeMemory)
        : { growth: { missing: 'only Linux tells' } },
    };
  if (row === 'asleep')
    return {
      outcomes: canReadMemory
        ? await measureAsleep(ROUNDS, (folder, installed) =>
            probeMemory('kernel', folder, installed),
          )
        : { memory: { missing: 'only Linux tells' } },
    };
  if (row === 'start10k') return { outcomes: await measureStart10k(ROUNDS) };
  if (row === 'size') return { outcomes: await measureSize('@plinth/host-node') };
  const measureRow = IN_RUNTIME[row];
  if (measureRow === undefined) throw new Error(`there is no row '${row}'`);
  return { outcomes: await measureRow(bench) };
}

function rawContestants() {
  return [
    rawContestant(nodePlatform.startWorker(rawEcho)),
    batchedContestant(nodePlatform.startWorker(batchedWorker)),
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

async function probeMemory(kind: string, ...more: readonly (string | number)[]): Promise<number> {
  const script = fileURLToPath(new URL('memory-probe.ts', import.meta.url));
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--expose-gc', script, kind, ...more.map(String)],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 120_000,
    },
  );
  if (status !== 0) throw new Error(`the process that measures '${kind}' ended with ${status}`);
  return Number(stdout);
}
