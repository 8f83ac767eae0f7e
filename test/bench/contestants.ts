/**
 * What is measured beside each other, the same in Node and in a page: the platform's own `postMessage` as a careful
 * program would use it, the same batched once a turn, plain Comlink, and the kernel with everything on.
 */
import type { Host, Kernel } from '@plinth/kernel';
import { createKernel, packageSource } from '@plinth/kernel';
import { wrap } from 'comlink';

/** The argument of every call, as an editor or a service would send it. */
export const payload = (n: number) => ({ n, command: 'notes.render', path: '/notes/2026/11/readme.md', flags: { preview: true, column: 12 } });
/** The answer of every call. */
export interface Answer {
  readonly ok: boolean;
  readonly n: number;
}

/** A way to call. */
export interface Contestant {
  readonly name: string;
  call(n: number): Promise<Answer>;
  stop(): Promise<void>;
  /** Throws when something the run should have exercised was skipped. */
  check?(calls: number): void;
}

/** A port-like worker, of either runtime. */
export interface BenchWorker {
  post(message: unknown): void;
  listen(listener: (message: unknown) => void): void;
  terminate(): Promise<void>;
}

/** Code of a worker that answers `[id, argument]` with `[id, answer]`; `listen` and `post` are in scope. */
export const rawWorker = 'listen(([id, a]) => post([id, { ok: true, n: a.n }]));';
/** The same for lists of pairs. */
export const batchedWorker =
  'let queue = []; const flush = () => { const full = queue; queue = []; post(full); }; listen((list) => { for (const [id, a] of list) { if (queue.length === 0) queueMicrotask(flush); queue.push([id, { ok: true, n: a.n }]); } });';
/** The plugin that answers through the kernel: contract, schemas and all, as a bundle would hold it. */
export const benchPlugin = `
  const schema = (check) => ({ '~standard': { version: 1, vendor: 'bench', validate: (value) => (check(value) ? { value } : { issues: [{ message: 'wrong', path: [] }] }) } });
  const input = schema((v) => typeof v?.n === 'number' && typeof v.command === 'string' && typeof v.path === 'string' && typeof v.flags?.preview === 'boolean' && typeof v.flags.column === 'number');
  const output = schema((v) => typeof v?.ok === 'boolean' && typeof v.n === 'number');
  const Bench = { $id: 'bench.echo@1', run: { kind: 'command', id: 'bench.echo:run', input, output, errors: {}, idempotent: true } };
  export default { provides: [Bench], activate(ctx) { ctx.provide(Bench, { run: ({ n }) => ({ ok: true, n }) }); } };`;

/** One message a call, a number as id, a Map of resolvers. */
export function rawContestant(worker: BenchWorker): Contestant {
  let last = 0;
  const pending = new Map<number, (answer: Answer) => void>();
  worker.listen((message) => {
    const [id, answer] = message as [number, Answer];
    pending.get(id)?.(answer);
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
    for (const [id, answer] of message as [number, Answer][]) {
      pending.get(id)?.(answer);
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
export function comlinkContestant(endpoint: Parameters<typeof wrap>[0], terminate: () => Promise<void>): Contestant {
  const remote = wrap<{ run(argument: unknown): Answer }>(endpoint);
  return { name: 'comlink', call: (n) => remote.run(payload(n)) as Promise<Answer>, stop: terminate };
}

/** The kernel: permission, three middlewares, validation on both sides, metrics, deadlines. */
export async function kernelContestant(host: Host): Promise<Contestant> {
  const kernel: Kernel = await createKernel({
    host,
    sources: [
      packageSource([{ manifest: { id: 'bench.echo', version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' }, provides: ['bench.echo@1'] }, code: benchPlugin }]),
    ],
  });
  for (let layer = 0; layer < 3; layer++) kernel.middleware.use('command:bench.echo:*', (_, next) => next());
  await kernel.start();
  const output = {
    '~standard': {
      version: 1 as const,
      vendor: 'bench',
      validate: (value: unknown) => (typeof (value as Answer).ok === 'boolean' ? { value: value as Answer } : { issues: [{ message: 'wrong' }] }),
    },
  };
  const contract = { $id: 'bench.echo@1', run: { kind: 'command' as const, id: 'bench.echo:run' as const, output, errors: {}, idempotent: true } };
  const client = kernel.client(contract) as unknown as { run(argument: unknown): Promise<Answer> };
  return {
    name: 'plinth',
    call: (n) => client.run(payload(n)),
    stop: () => kernel.stop(),
    check(calls) {
      const { calls: counted, failures, middlewareRuns, validations } = kernel.metrics.snapshot();
      if (counted !== calls || failures !== 0 || middlewareRuns !== 3 * calls || validations !== calls) {
        throw new Error(`the kernel counted ${counted} calls, ${failures} failures, ${middlewareRuns} middleware runs, ${validations} validations for ${calls} calls`);
      }
    },
  };
}
