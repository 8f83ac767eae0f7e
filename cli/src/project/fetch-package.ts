/** The package at an address: an archive, or a manifest with its bundle beside it. */
import { type PluginPackage, urlSource } from '@plinth/host-node';
import { parseManifest, SIGNATURE_FILE } from '@plinth/sdk/contract';
import { CliError } from '../terminal/cli-error.js';

/** Whether a path of the command line is an address. */
export const isAddress = (path: string): boolean => /^https?:\/\//i.test(path);

/**
 * Reads the package at an address.
 *
 * @throws CliError `package/missing` for an address that names no package or doesn't answer;
 * PluginError for what is wrong with the package.
 */
export async function fetchPackage(address: string): Promise<PluginPackage> {
  const url = new URL(address);
  if (!/\.(plinth|json)$/.test(url.pathname))
    throw new CliError('package/missing', `${address} names no package`, {
      cure: 'Name a plugin.json or a .plinth archive.',
    });
  for await (const found of urlSource([url.href]).discover()) {
    if (found.problem !== undefined) throw failure(address, found.problem);
    return found.list === undefined ? withFiles(found) : found;
  }
  throw new CliError('package/missing', `there is nothing at ${address}`);
}

/** A manifest lists no files: the package has its bundle, and its signature if there is one. */
async function withFiles(found: PluginPackage): Promise<PluginPackage> {
  const text = found.manifest as string;
  const { main } = parseManifest(text, found.origin);
  const signature = await found.signature?.();
  const files = new Map([
    ['plugin.json', text],
    [main, await found.code(main)],
    ...(signature === undefined ? [] : [[SIGNATURE_FILE, signature] as const]),
  ]);
  return {
    ...found,
    list: async () => [...files.keys()],
    read: async (path) => new TextEncoder().encode(files.get(path)),
  };
}

/** What the kernel says of a package is told as it is; a failed request has no code. */
function failure(address: string, problem: unknown): unknown {
  if (typeof (problem as { readonly code?: unknown } | null)?.code === 'string') return problem;
  const cause = (problem as Error).cause ?? problem;
  return new CliError('package/missing', `${address} can't be read: ${(cause as Error).message}`, {
    cure: 'Check the address, and that the server answers.',
    cause: problem,
  });
}
