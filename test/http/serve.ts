/** Kernels with HTTP for these tests, and plugins in workers that answer it. */

import { type HttpOptions, http } from '@plinth/http/host';
import type { Kernel, KernelOptions, PackageInput } from '@plinth/kernel';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf, type TextPackage } from '../support/plugins.ts';

/** The address that requests of these tests are made to. */
export const BASE = 'http://app.test';

/** A plugin in a worker that answers each request with the given body of `handle(request, call)`. */
export function routesOf(id: string, handle: string, before = ''): TextPackage {
  return pluginOf(
    id,
    `${before}
    ctx.commands.handle('plinth.http-routes:list', () => []);
    ctx.commands.handle('plinth.http-routes:handle', async (request, call) => { ${handle} });`,
    {
      provides: ['plinth.http-routes@1'],
      permissions: {
        contracts: { provide: ['plinth.http-routes'] },
        commands: { execute: ['host:*'] },
        events: { emit: [`${id}:*`] },
      },
    },
  );
}

/** A started kernel, and its handler. */
export interface Served {
  readonly kernel: Kernel;
  /** Sends a request to the handler. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** Starts a kernel with HTTP. It is stopped after the test. */
export async function serve(
  packages: readonly PackageInput[],
  options: HttpOptions = {},
  more: KernelOptions = {},
): Promise<Served> {
  const kernel = await startKernel({ isolation: 'worker', createHost }, packages, {
    ...more,
    extensions: [http(options)],
  });
  const { fetch } = kernel.extension(http);
  return { kernel, ask: (path, init) => fetch(new Request(BASE + path, init)) };
}

/** The status and the code of a problem document. */
export async function problem(response: Response): Promise<readonly [number, unknown]> {
  if (response.headers.get('content-type') !== 'application/problem+json')
    throw new Error(`no problem document: ${response.status} ${await response.text()}`);
  const { status, code } = (await response.json()) as { status: number; code: string };
  return [response.status === status ? status : -1, code];
}

/** A request with JSON. */
export const post = (value: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});
