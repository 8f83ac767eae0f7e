/**
 * What is compared, the same in Node and in a page: the platform's own `postMessage` as a careful
 * program would use it, the same batched once a turn, plain Comlink, and the kernel with all
 * features.
 */
import type { Host } from '@plinth/kernel';
import { createKernel, packageSource } from '@plinth/kernel';
import { wrap } from 'comlink';
import { type Answer, answer, echoContract, echoPackage, payload } from './guest-code.ts';
import type { BenchWorker } from './platform.ts';

/** A way to call. */
export interface Contestant {
  readonly name: string;
  call(n: number): Promise<Answer>;
  stop(): Promise<void>;
  /** Throws when something the run should have exercised was skipped. */
  check?(calls: number): void;
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

/** The kernel: permission, three middlewares, validation on both sides, metrics, deadlines. */
export async function kernelContestant(host: Host): Promise<Contestant> {
  const kernel = await createKernel({
    host,
    sources: [packageSource([echoPackage('bench.echo')])],
  });
  for (let layer = 0; layer < 3; layer++)
    kernel.middleware.use('command:bench.echo:*', (_, next) => next());
  await kernel.start();
  const client = kernel.client(echoContract('bench.echo'));
  return {
    name: 'plinth',
    call: (n) => client.run(payload(n)),
    stop: () => kernel.stop(),
    check(calls) {
      const { calls: counted, failures, middlewareRuns, validations } = kernel.metrics.snapshot();
      if (
        counted !== calls ||
        failures !== 0 ||
        middlewareRuns !== 3 * calls ||
        validations !== calls
      ) {
        throw new Error(
          `the kernel counted ${counted} calls, ${failures} failures, ${middlewareRuns} middleware runs, ${validations} validations for ${calls} calls`,
        );
      }
    },
  };
}
