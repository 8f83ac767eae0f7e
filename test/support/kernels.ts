/** Kernels for tests: created, started, and always stopped. */
import {
  createKernel,
  type Host,
  type Kernel,
  type KernelOptions,
  type PackageInput,
  packageSource,
} from '@plinth/kernel';
import { afterEach } from 'vitest';

const open = new Set<Kernel>();
afterEach(async () => {
  await Promise.all([...open].map((kernel) => kernel.stop({ drain: 0 })));
  open.clear();
});

/** Stops a kernel after the test. */
export function keep<K extends Kernel>(kernel: K): K {
  open.add(kernel);
  return kernel;
}

/** How a suite runs its plugins. */
export interface Setting {
  readonly isolation: 'inline' | 'worker' | 'process' | 'sandbox';
  readonly createHost?: () => Host;
}

/** Starts a kernel over in-memory packages; it is stopped after the test. */
export async function startKernel(
  setting: Setting,
  packages: readonly PackageInput[],
  options: KernelOptions = {},
): Promise<Kernel> {
  const kernel = await createKernel({
    ...(setting.createHost && { host: setting.createHost() }),
    ...(setting.isolation !== 'worker' && { isolation: setting.isolation }),
    // The output of a test should only be what the test prints.
    telemetry: { log: false },
    ...options,
    sources: packages.length === 0 ? [] : [packageSource(packages)],
  });
  open.add(kernel);
  await kernel.start();
  return kernel;
}

/** The error a promise rejects with; fails when it doesn't. */
export async function rejection(promise: Promise<unknown>): Promise<
  Error & {
    code?: string;
    details?: Record<string, unknown>;
    plugin?: string;
    cause?: unknown;
    data?: unknown;
  }
> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}

/** The payload of the next event of a topic. */
export function nextEvent<T = Record<string, unknown>>(
  kernel: Pick<Kernel, 'events'>,
  topic: string,
): Promise<T> {
  return new Promise((resolve) =>
    kernel.events.once(topic, (event) => resolve(event.payload as T)),
  );
}

/** A place of the host, `host:gate`, where plugins wait until it is opened. */
export function gateOf(kernel: Pick<Kernel, 'commands'>): {
  readonly reached: Promise<void>;
  open(): void;
} {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  kernel.commands.handle('gate', () => {
    reached.resolve();
    return opened.promise;
  });
  return { reached: reached.promise, open: opened.resolve };
}
