/**
 * The host side of a worker guest: launch, announce, watch, end. The guest side is
 * `plugin-worker.ts`.
 */

import type { EventLoopUtilization } from 'node:perf_hooks';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { ExitReason, Guest, LaunchRequest, ResourceUsage, Spare } from '@plinth/kernel';
import { alarm, createError, READY, WARM_UP } from '@plinth/sdk/contract';
import { capture } from './capture.js';
import { endpointOf } from './endpoint.js';
import { profileOf } from './profile.js';

/**
 * Settings of every worker guest: no environment, no arguments, captured output, a bounded heap.
 */
export interface WorkerSettings extends WorkerOptions {
  readonly env: Record<string, string>;
}

/** How long `terminate` waits for an uninterruptible thread, in milliseconds. */
const TERMINATE_TIMEOUT = 2_000;

/** A started worker that has no plugin yet. */
export interface IdleWorker extends Spare {
  /** Starts its warm-up. */
  warmUp(): void;
  /** Makes it the guest of a plugin. */
  adopt(request: LaunchRequest): Guest;
}

/** Options for starting a worker. */
export interface StartOptions {
  /** Its purpose, for messages. */
  readonly label: string;
  /** Heap limit in bytes. */
  readonly memory?: number | undefined;
  /** Milliseconds in which it must announce itself. */
  readonly ready: number;
  readonly createWorker?: ((settings: WorkerSettings) => Worker) | undefined;
}

/** Starts a worker and waits until it can receive messages. */
export async function startWorker({
  label,
  memory,
  ready,
  createWorker = defaultWorker,
}: StartOptions): Promise<IdleWorker> {
  const worker = createWorker({
    name: `plinth ${label}`,
    env: {},
    argv: [],
    execArgv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    ...(memory !== undefined && {
      resourceLimits: { maxOldGenerationSizeMb: Math.max(4, Math.ceil(memory / 1_000_000)) },
    }),
  });
  let log: LaunchRequest['log'] | undefined;
  capture(worker.stdout, (text) => log?.('info', text));
  capture(worker.stderr, (text) => log?.('warn', text));
  let terminating = false;
  const exited = watch(worker, () => terminating);
  const terminate = async () => {
    terminating = true;
    await endThread(worker);
  };
  try {
    await announced(worker, exited, ready, label);
  } catch (error) {
    await terminate();
    throw error;
  }
  // An unused worker must not keep the process alive.
  worker.unref();
  return {
    exited,
    terminate,
    warmUp: () => worker.postMessage(WARM_UP),
    adopt(request) {
      log = request.log;
      worker.ref();
      const usage = usageOf(worker);
      return {
        endpoint: endpointOf(worker),
        ports: true,
        exited,
        usage,
        profile: (milliseconds) => profileOf(worker, milliseconds),
        terminate,
      };
    },
  };
}

// Bundlers find the file by this literal pattern.
function defaultWorker(settings: WorkerSettings): Worker {
  return new Worker(new URL('./plugin-worker.cjs', import.meta.url), settings);
}

function watch(worker: Worker, terminating: () => boolean): Promise<ExitReason> {
  return new Promise((resolve) => {
    let error: unknown;
    worker.on('error', (thrown) => {
      error = thrown ?? new Error('the worker failed');
    });
    worker.on('exit', (code) => {
      if (terminating()) resolve({ kind: 'terminated', code });
      else if ((error as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY')
        resolve({ kind: 'out-of-memory', code, error });
      else if (error !== undefined) resolve({ kind: 'crashed', code, error });
      else resolve({ kind: 'exited', code });
    });
  });
}

function announced(
  worker: Worker,
  exited: Promise<ExitReason>,
  timeout: number,
  id: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) =>
      reject(
        createError('plugin/launch-failed', `cannot launch ${id}: ${message}`, {
          plugin: id,
          ...(cause !== undefined && { cause }),
        }),
      );
    const late = alarm(
      () =>
        done(() =>
          fail(
            `its worker did not announce itself within ${timeout} ms; if the application is bundled, keep @plinth/host-node external or pass createWorker`,
          ),
        ),
      timeout,
    );
    const onMessage = (message: unknown) => {
      if (Array.isArray(message) && message[0] === READY) done(resolve);
    };
    const done = (then: () => void) => {
      late.clear();
      worker.off('message', onMessage);
      then();
    };
    worker.on('message', onMessage);
    void exited.then((reason) =>
      done(() => fail(`its worker ended while it started (${reason.kind})`, reason.error)),
    );
  });
}

/**
 * Resolves when the thread is gone, or when it is certain that a thread inside an uninterruptible
 * built-in won't end.
 */
async function endThread(worker: Worker): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, TERMINATE_TIMEOUT);
  });
  await Promise.race([worker.terminate(), patience]);
  clearTimeout(timer);
}

/**
 * Not every version reports a thread's CPU time. The time its loop was busy is used instead; on a
 * busy machine it is slightly more.
 */
function usageOf(worker: Worker): () => Promise<ResourceUsage> {
  let last: EventLoopUtilization | undefined;
  return async () => {
    const now = worker.performance.eventLoopUtilization();
    const { utilization: eventLoop } =
      last === undefined ? now : worker.performance.eventLoopUtilization(now, last);
    last = now;
    const { active: cpu } = now;
    const heap = await worker.getHeapStatistics?.().catch(() => undefined);
    return {
      cpu,
      eventLoop,
      ...(heap !== undefined && { memory: heap.used_heap_size + heap.external_memory }),
    };
  };
}
