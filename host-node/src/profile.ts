/** Profiles one worker: with its own profiler, or by the inspector. Nothing listens on a port. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

/** An answer of the inspector in the worker. */
interface Answer {
  readonly id?: number;
  readonly result?: { readonly profile?: unknown };
  readonly error?: { readonly message?: string };
}

/** Stops a profile, and answers its text. */
type Stop = () => Promise<unknown>;

/** A worker that has a profiler of its own. Some versions of Node want a name, later ones options. */
interface Profiled {
  startCpuProfile?(name?: string): Promise<{ stop(): Promise<string> }>;
}

/** Bun's profiler waits for the worker's code to return. One that never returns is its purpose. */
const hasOwn = ({ startCpuProfile }: Profiled): boolean =>
  startCpuProfile !== undefined && process.versions['bun'] === undefined;

/**
 * Records where a worker spends its time, also while its code never returns.
 *
 * @returns a profile in the format of V8 (`.cpuprofile`).
 * @throws Error when this runtime has no profiler for workers, or the worker has ended.
 */
export async function profileOf(worker: Worker, milliseconds: number): Promise<unknown> {
  const ended = new AbortController();
  const onExit = () => ended.abort(new Error('the worker has ended'));
  worker.once('exit', onExit);
  const session = await sessionFor(worker);
  try {
    const stop = await (session === undefined ? ownProfile(worker) : remote(session, worker));
    await sleep(milliseconds, undefined, { signal: ended.signal, ref: false }).catch((cause) => {
      throw ended.signal.reason ?? cause;
    });
    return await stop();
  } finally {
    worker.off('exit', onExit);
    session?.disconnect();
  }
}

async function ownProfile(worker: Profiled): Promise<Stop> {
  const handle = await startOwn(worker, 'plinth').catch((error: { readonly code?: unknown }) => {
    if (error.code !== 'ERR_INVALID_ARG_TYPE') throw error;
    return startOwn(worker);
  });
  return async () => JSON.parse((await handle?.stop()) ?? '{}') as unknown;
}

const startOwn = async (worker: Profiled, ...name: readonly string[]) =>
  worker.startCpuProfile?.(...name);

/** A session of the inspector, for a worker without a profiler of its own. */
async function sessionFor(worker: Profiled): Promise<Session | undefined> {
  if (hasOwn(worker)) return undefined;
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  return session;
}

async function remote(session: Session, worker: Worker): Promise<Stop> {
  const ask = askerOf(session, await attach(session, worker.threadId));
  await ask('Profiler.enable');
  await ask('Profiler.start');
  return async () => (await ask('Profiler.stop')).profile;
}

type Session = InstanceType<typeof import('node:inspector/promises').Session>;

/** The inspector's own session with a worker. It reports every worker at once. */
async function attach(session: Session, thread: number): Promise<string> {
  let own: string | undefined;
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    const { sessionId, workerInfo } = params;
    if (workerInfo.title.startsWith(`[worker ${thread}]`)) own = sessionId;
    else void session.post('NodeWorker.detach', { sessionId }).catch(() => {});
  });
  try {
    await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  } catch (cause) {
    throw new Error('this runtime has no profiler for workers: use its developer tools', { cause });
  }
  if (own === undefined) throw new Error('the inspector does not know the worker');
  return own;
}

function askerOf(session: Session, sessionId: string) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    if (params.sessionId !== sessionId) return;
    const answer = JSON.parse(params.message) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  session.on('NodeWorker.detachedFromWorker', ({ params }) => {
    if (params.sessionId !== sessionId) return;
    for (const answer of waiting.values()) answer({ error: { message: 'the worker has ended' } });
  });
  return async (method: string): Promise<NonNullable<Answer['result']>> => {
    last += 1;
    const id = last;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params: {} });
    await session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    const { result, error } = await answered;
    waiting.delete(id);
    if (error !== undefined) throw new Error(error.message ?? `${method} failed`);
    return result ?? {};
  };
}
