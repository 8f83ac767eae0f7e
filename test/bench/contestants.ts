/**
 * What is compared, the same in Node and in a page: the platform's own `postMessage` as a careful
 * program would use it, the same batched once a turn, plain Comlink, and the kernel with all
 * features.
 */
import type { Host } from '@plinth/kernel';
import { createKernel, packageSource } from '@plinth/kernel';
import { wrap } from 'comlink';
import {
  type Answer,
  type Argument,
  answer,
  echoContract,
  echoPackage,
  packageFor,
  payload,
  plainEchoContract,
  plainEchoPackage,
} from './guest-code.ts';
import { ParsedEcho } from './parsed-contract.ts';
import type { BenchWorker } from './platform.ts';

/** A way to call. */
export interface Contestant {
  readonly name: string;
  call(n: number): Promise<Answer>;
  stop(): Promise<void>;
  /** Throws when something the run should have exercised was skipped. */
  check?(calls: number): void | Promise<void>;
}

/** Text of a worker for {@link batchedContestant}: answers lists of pairs. */
export const batchedWorker = `${answer}
  let queue = [];
  const flush = () => { const full = queue; queue = []; post(full); };
  listen((list) => { for (const [id, argument] of list) { if (queue.length === 0) queueMicrotask(flush); queue.push([id, answer(argument)]); } });`;

/** One message per call, a number as id, a Map of resolvers. */
export function rawContestant(worker: BenchWorker): Contestant {
  let last = 0;
  const pending = new Map<number, (answer: Answer) => void>();
  worker.listen((message) => {
    const [id, reply] = message as [number, Answer];
    pending.get(id)?.(reply);
    pending.delete(id);
  });
  return {
    name: 'raw postMessage',
    call(n) {
      const id = ++last;
      return new Promise((resolve) => {
        pending.set(id, resolve);
        worker.post([id, payload(n)]);
      });
    },
    stop: () => worker.terminate(),
  };
}

/** The calls of a turn in one message. */
export function batchedContestant(worker: BenchWorker): Contestant {
  let last = 0;
  let queue: [number, unknown][] = [];
  const pending = new Map<number, (answer: Answer) => void>();
  worker.listen((message) => {
    for (const [id, reply] of message as [number, Answer][]) {
      pending.get(id)?.(reply);
      pending.delete(id);
    }
  });
  const flush = () => {
    const full = queue;
    queue = [];
    worker.post(full);
  };
  return {
    name: 'raw, batched',
    call(n) {
      const id = ++last;
      return new Promise((resolve) => {
        pending.set(id, resolve);
        if (queue.length === 0) queueMicrotask(flush);
        queue.push([id, payload(n)]);
      });
    },
    stop: () => worker.terminate(),
  };
}

/** Comlink as its documentation shows it. */
export function comlinkContestant(
  endpoint: Parameters<typeof wrap>[0],
  terminate: () => Promise<void>,
): Contestant {
  const remote = wrap<{ run(argument: unknown): Answer }>(endpoint);
  return {
    name: 'comlink',
    call: (n) => remote.run(payload(n)) as Promise<Answer>,
    stop: terminate,
  };
}

/** How the kernel's contestant checks what crosses. */
export type Checking = 'valibot' | 'hand-written checks' | 'no validation';

const ID = 'bench.echo';
const LAYERS = 3;

/**
 * The kernel: three middlewares, a deadline, metrics, and validation on both sides or none. A call
 * of the host needs no permission; the row of plugins that call each other counts those.
 */
export async function kernelContestant(
  host: Host,
  checking: Checking,
  parsedEcho: string,
): Promise<Contestant> {
  const { id, package: echo, contract } = echoOf(checking, parsedEcho);
  const kernel = await createKernel({ host, sources: [packageSource([echo])] });
  for (let layer = 0; layer < LAYERS; layer++)
    kernel.middleware.use(`command:${id}:*`, (_, next) => next());
  await kernel.start();
  const client = kernel.client(contract) as { run(argument: Argument): Promise<Answer> };
  return {
    name: nameOf(checking),
    call: (n) => client.run(payload(n)),
    stop: () => kernel.stop(),
    async check(calls) {
      const metrics = kernel.metrics.snapshot();
      const { calls: counted, failures, middlewareRuns, permissionDenials, validations } = metrics;
      if (
        counted !== calls ||
        failures !== 0 ||
        permissionDenials !== 0 ||
        middlewareRuns !== LAYERS * calls ||
        validations !== (checking === 'no validation' ? 0 : calls)
      ) {
        throw new Error(
          `the kernel counted ${counted} calls, ${failures} failures, ${permissionDenials} denials, ${middlewareRuns} middleware runs, ${validations} validations for ${calls} calls with ${checking}`,
        );
      }
      if (checking !== 'no validation') await checkRefusal(client);
    },
  };
}

/** The name of the kernel's contestant. */
export const nameOf = (checking: Checking) => `plinth, ${checking}`;

function echoOf(checking: Checking, parsedEcho: string) {
  if (checking === 'valibot')
    return {
      id: 'bench.parsed',
      package: packageFor('bench.parsed', parsedEcho, { provides: ['bench.parsed@1'] }),
      contract: ParsedEcho,
    };
  return checking === 'no validation'
    ? { id: ID, package: plainEchoPackage(ID), contract: plainEchoContract(ID) }
    : { id: ID, package: echoPackage(ID), contract: echoContract(ID) };
}

/**
 * The kernel counts what it checks itself, which is the answer. The argument is checked in the
 * guest, which is shown by one that is wrong.
 */
async function checkRefusal(client: { run(argument: Argument): Promise<Answer> }): Promise<void> {
  const wrong = { ...payload(0), path: 7 } as unknown as Argument;
  const refused = await client.run(wrong).then(
    () => 'answered',
    (error: { readonly code?: string }) => error.code,
  );
  if (refused !== 'call/invalid-input')
    throw new Error(`a wrong argument was refused with ${refused}`);
}
