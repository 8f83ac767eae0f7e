/** Kernels with jobs for these tests, and inline plugins that have some. */
import { type PluginJobs, jobs as pluginJobs } from '@plinth/jobs';
import { type HostJobs, type JobsOptions, jobs } from '@plinth/jobs/host';
import type { Kernel, KernelOptions, PackageInput } from '@plinth/kernel';
import { definePlugin, type PluginContext } from '@plinth/sdk';
import type { ManifestInput } from '@plinth/sdk/contract';
import { startKernel } from '../support/kernels.ts';

export const RIGHTS = { commands: { execute: ['plinth.jobs:*', 'host:*'] } };

/** An inline plugin that may ask for jobs. */
export function withJobs(
  id: string,
  activate: (jobs: PluginJobs, ctx: PluginContext) => unknown,
  manifest: Partial<ManifestInput> = {},
): PackageInput {
  return {
    manifest: {
      id,
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      permissions: RIGHTS,
      ...manifest,
    },
    plugin: definePlugin({
      activate: async (ctx) => void (await activate(pluginJobs(ctx), ctx)),
    }),
  };
}

/** Starts a kernel with jobs. It is stopped after the test. */
export async function startJobs(
  packages: readonly PackageInput[],
  options: JobsOptions = {},
  more: KernelOptions = {},
): Promise<{ readonly kernel: Kernel; readonly api: HostJobs }> {
  const kernel = await startKernel({ isolation: 'inline' }, packages, {
    ...more,
    extensions: [jobs(options)],
  });
  return { kernel, api: kernel.extension(jobs) };
}

/** A list that tells when it has so many entries. */
export class Heard<T> {
  readonly all: T[] = [];
  #waiting: (() => void)[] = [];

  readonly add = (one: T): void => {
    this.all.push(one);
    for (const look of this.#waiting) look();
  };

  async length(count: number): Promise<readonly T[]> {
    while (this.all.length < count)
      await new Promise<void>((resolve) => {
        this.#waiting = [...this.#waiting, resolve];
      });
    return this.all;
  }
}
