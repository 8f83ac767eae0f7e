/** Kernels that answer HTTP on loopback, whose operators are known by tokens, for `plinth --url`. */
import { createKernel, type NodeKernelOptions } from '@plinth/host-node';
import { type HttpOptions, http, type Role } from '@plinth/http/host';
import { type PluginPackage, packageOf, packageSource } from '@plinth/kernel';
import { expect, onTestFinished } from 'vitest';
import { pluginOf } from '../support/plugins.ts';
import { folderOf, type Outcome, plinth } from './plinth.ts';

/** The plugin of these kernels. */
export const ID = 'test.notes';

/** The token of each role. */
export const tokenOf = (role: Role) => `token-of-the-${role}`;

const tokens = {
  [tokenOf('viewer')]: { name: 'vera', role: 'viewer' },
  [tokenOf('operator')]: { name: 'otto', role: 'operator' },
  [tokenOf('admin')]: { name: 'ada', role: 'admin' },
} as const;

const notes = (): PluginPackage =>
  packageOf({
    ...pluginOf(
      ID,
      `ctx.commands.handle('add', (input) => ({ got: input ?? 'nothing' }));
       ctx.commands.handle('keep', (text) => ctx.storage.set('text', text));
       ctx.commands.handle('secret', () => ctx.secrets.get('key'));
       ctx.commands.handle('say', ([level, text, fields]) => ctx.logger[level](text, fields));
       ctx.commands.handle('count', () => ctx.logger.info('counted', { n: 2n ** 64n, map: new Map() }));
       ctx.commands.handle('sleep', () => new Promise((go) => setTimeout(go, 20000)));
       ctx.commands.handle('list', async function* () { yield 1; yield 2; });
       ctx.commands.handle('fail', () => { throw new Error('no table'); });`,
      {
        config: { type: 'object', properties: { size: { type: 'integer', default: 1 } } },
        contributes: { commands: [{ id: 'add' }] },
        permissions: { storage: { read: true, write: true }, secrets: { read: ['key'] } },
      },
    ),
  });

/** How a kernel is served. */
export interface ServeOptions {
  /** Whether its admin API is open. */
  readonly open?: boolean;
  readonly options?: NodeKernelOptions;
  readonly http?: HttpOptions;
  readonly port?: number;
}

/** A kernel with one plugin that runs, and the program to operate it. */
export async function serve({ open = true, options, http: more, port }: ServeOptions = {}) {
  const kernel = await createKernel({
    sources: [packageSource([])],
    telemetry: { log: false },
    secrets: { key: new Uint8Array(32).fill(7) },
    ...options,
    extensions: [http(more), ...(options?.extensions ?? [])],
  });
  onTestFinished(() => kernel.stop({ drain: 0 }));
  await kernel.start();
  await kernel.plugins.install(notes());
  await kernel.plugins.activate(ID);
  if (open) await kernel.extension(http).admin(kernel, { tokens });
  const { url, port: bound } = await kernel.extension(http).listen({ ...(port && { port }) });
  const cwd = await folderOf({});
  /** Runs the program with the token of a role. */
  const as = (role: Role, args: readonly string[], input?: string): Promise<Outcome> =>
    plinth(cwd, [...args, '--url', url], {
      env: { PLINTH_TOKEN: tokenOf(role) },
      ...(input !== undefined && { input }),
    });
  const run = (...args: string[]) => as('admin', args);
  /** The JSON that it writes. */
  const read = async (...args: string[]) => {
    const { out, err } = await run(...args, '--json');
    expect(err).toBe('');
    return JSON.parse(out) as Record<string, unknown> & { error?: Record<string, string> };
  };
  return { kernel, url, port: bound, cwd, as, run, read };
}
