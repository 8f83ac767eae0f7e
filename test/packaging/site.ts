/** Builds pages with Vite, serves them on this machine, and opens them in Chromium. */
import { type Browser, chromium } from 'playwright';
import { build, preview } from 'vite';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';

/** A served page, until it is closed. */
export interface Site {
  readonly url: string;
  /** Names of the files that the build created. */
  readonly files: readonly string[];
  close(): Promise<void>;
}

/** Builds the given pages of a folder and serves them. */
export async function serveBuilt(
  root: string,
  out: string,
  pages: Readonly<Record<string, string>>,
): Promise<Site> {
  const common = { configFile: false, root, logLevel: 'warn' } as const;
  const result = await build({
    ...common,
    build: { outDir: out, emptyOutDir: true, target: 'es2023', rolldownOptions: { input: pages } },
  });
  const files = 'output' in result ? result.output.map((file) => file.fileName) : [];
  const server = await preview({
    ...common,
    build: { outDir: out },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}`, files, close: () => server.close() };
}

/** Starts a browser. */
export function startChromium(): Promise<Browser> {
  const executablePath = findChromium();
  return chromium.launch({
    ...(executablePath && { executablePath }),
    args: [...chromiumArguments()],
  });
}
