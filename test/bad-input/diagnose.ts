/** Starts a kernel with one bad package and checks what must always hold. */

import {
  createKernel,
  type Kernel,
  type KernelEvents,
  type KernelOptions,
  type PackageInput,
  packageSource,
} from '@plinth/kernel';
import { ERROR_CODES, type ErrorCode, PluginError } from '@plinth/sdk/contract';
import { expect } from 'vitest';
import { createHost, runtime } from '#host';
import { pluginOf } from '../support/plugins.ts';

/** One failed plugin and its error. */
export interface Failure {
  readonly id: string;
  readonly version?: string;
  readonly stage: string | undefined;
  readonly error: PluginError;
}

/** What a start showed. */
export interface Diagnosis {
  readonly failures: readonly Failure[];
  /** The failure, if there is exactly one bad plugin. */
  readonly failure: Failure;
  /** What sources reported. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
  /** Ids of the plugins that were active. */
  readonly active: readonly string[];
}

/** A plugin that must not be affected by its neighbours. */
export const HEALTHY = pluginOf('test.healthy', "ctx.commands.handle('ping', () => 'pong');");

/** An inline kernel, for faults that occur before a guest is launched. */
export const INLINE = { isolation: 'inline' } as const satisfies KernelOptions;
/** A kernel with the workers of this runtime. */
export const WORKER = (): KernelOptions => ({ host: createHost() });

/**
 * Starts bad packages beside a healthy one. In every case: `start()` resolves, the healthy plugin
 * answers, each failure is one typed error that listing, explanation and event agree on, and after
 * `stop()` nothing is left.
 */
export async function diagnose(
  packages: readonly PackageInput[],
  options: KernelOptions = INLINE,
): Promise<Diagnosis> {
  const { sources = [], limits, ...rest } = options;
  const kernel = await createKernel({
    telemetry: { log: false },
    ...rest,
    // What a slow disk tells late is no fault of a package.
    limits: { discover: 30_000, ...limits },
    sources: [packageSource([...packages, HEALTHY]), ...sources],
  });
  const events: KernelEvents['plugin:failed'][] = [];
  kernel.events.on(
    'plugin:failed',
    ({ payload }) => void events.push(payload as KernelEvents['plugin:failed']),
  );
  try {
    await kernel.start();
    expect(await kernel.commands.execute('test.healthy:ping')).toBe('pong');
    const failures = failuresOf(kernel, events);
    const { problems } = await kernel.health();
    const active = kernel.plugins.list({ state: 'active' }).map(({ id }) => id);
    return { failures, failure: failures[0] as Failure, problems, active };
  } finally {
    await kernel.stop();
    expect(kernel.plugins.list({ state: 'active' })).toEqual([]);
    await nothingIsLeft();
  }
}

function failuresOf(
  kernel: Kernel,
  events: readonly KernelEvents['plugin:failed'][],
): readonly Failure[] {
  const failed = kernel.plugins.list({ state: 'failed' });
  const failures = failed.map(({ id, version, stage, error }) => {
    expect(error, `${id}: ${error?.message}`).toBeInstanceOf(PluginError);
    const typed = error as PluginError;
    expect(typed, typed.message).toBeInstanceOf(ERROR_CODES[typed.code as ErrorCode]);
    expect(kernel.plugins.explain(id)).toMatchObject({
      running: false,
      error: { code: typed.code, message: typed.message, stage },
    });
    return { id, ...(version !== undefined && { version }), stage, error: typed };
  });
  const told = events.map(({ stack, ...event }) => {
    expect(typeof stack).toBe('string');
    return event;
  });
  expect(told).toEqual(
    failures
      .map(({ error: { code, message }, ...known }) => ({ ...known, code, message }))
      .sort(bySameOrder(events)),
  );
  return failures;
}

// Events come in the order of the failures, listings in the order of discovery.
function bySameOrder(events: readonly { readonly id: string }[]) {
  const place = ({ id }: { readonly id: string }) => events.findIndex((event) => event.id === id);
  return (a: { readonly id: string }, b: { readonly id: string }) => place(a) - place(b);
}

/** Resolves when no worker of a kernel lives, as counted by the runtime. */
export async function nothingIsLeft(): Promise<void> {
  if (runtime === 'node') {
    Object.assign(process.report, { excludeNetwork: true });
    expect((process.report.getReport() as { workers?: readonly unknown[] }).workers ?? []).toEqual(
      [],
    );
    return;
  }
  // A worker holds a lock while it lives; a lock that is never released is a worker left behind.
  const { held = [] } = await navigator.locks.query();
  for (const { name = '' } of held)
    if (name.startsWith('plinth-')) await navigator.locks.request(name, () => {});
}
