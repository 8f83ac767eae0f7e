/** Plugins behind URLs: each URL names a `plugin.json`. */
import type { PluginPackage, PluginSource } from '@plinth/kernel';
import { createError, MAX_MANIFEST, SIGNATURE_FILE } from '@plinth/sdk/contract';

/** Milliseconds until a server that doesn't answer counts as failed. */
const TIMEOUT = 15_000;

/**
 * Fetches manifests, and each bundle relative to its manifest.
 *
 * @example
 * createKernel({ sources: [urlSource(['/plugins/notes/plugin.json'])] })
 */
export function urlSource(urls: readonly string[]): PluginSource {
  return {
    origin: urls.join(', '),
    async *discover() {
      // All at once; in the order of the list, because the first of two equal ids wins.
      for (const found of urls.map(fetchPackage)) yield await found;
    },
  };
}

async function fetchPackage(url: string): Promise<PluginPackage> {
  const base = new URL(url, location.href);
  const files = { code: (main: string) => fetchText(codeUrl(base, main), undefined), signature: () => fetchSignature(codeUrl(base, SIGNATURE_FILE)) };
  try {
    return { origin: base.href, manifest: await fetchText(base, MAX_MANIFEST), ...files };
  } catch (problem) {
    return { origin: base.href, manifest: '', problem, ...files };
  }
}

/** A bundle lives below its manifest's folder; the manifest's schema has refused every other path. */
function codeUrl(manifest: URL, main: string): URL {
  const folder = new URL('.', manifest);
  const target = new URL(main, folder);
  if (!target.href.startsWith(folder.href)) throw new Error("the path leads out of the plugin's folder");
  return target;
}

/** A server that has no such file says so with 404 or 410, and nothing else. */
async function fetchSignature(url: URL): Promise<string | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT), cache: 'no-cache' });
  if (response.status === 404 || response.status === 410) return undefined;
  if (!response.ok) throw new Error(`${url.href} answered ${response.status} ${response.statusText}`);
  return response.text();
}

async function fetchText(url: URL, limit: number | undefined): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT), cache: 'no-cache' });
  if (!response.ok) {
    const code = limit === undefined ? 'plugin/load-failed' : 'manifest/missing';
    throw createError(code, `${url.href} answered ${response.status} ${response.statusText}: serve the plugin's files there`, {
      details: { origin: url.href, status: response.status },
    });
  }
  const length = Number(response.headers.get('content-length'));
  if (limit !== undefined && length > limit) {
    throw createError('manifest/too-large', `${url.href} has ${length} bytes; a manifest has at most ${limit}`, { details: { origin: url.href } });
  }
  return response.text();
}
