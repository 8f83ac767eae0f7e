/** Plugins behind URLs: each URL names a `plugin.json` or an archive. */
import {
  A_TIME,
  checkOptionNames,
  createError,
  isTime,
  LONGEST_TIMER,
  MAX_MANIFEST,
  messageOf,
  SIGNATURE_FILE,
} from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';

/** The part of a response that this file uses. Every runtime has it. */
interface FetchedResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}
declare function fetch(
  url: URL,
  options: { signal?: AbortSignal; cache: 'no-cache' },
): Promise<FetchedResponse>;
declare const AbortSignal: { timeout(ms: number): AbortSignal };

/** The default of {@link UrlSourceOptions.timeout}. */
const TIMEOUT = 15_000;
/** The most bytes of a bundle, when the kernel sets no limit. */
const MAX_CODE = 64_000_000;

/** How URLs are read. */
export interface UrlSourceOptions {
  /** The base of relative URLs. In a page, the page's address is the default. */
  readonly base?: string | URL;
  /**
   * Milliseconds in which each file must have arrived completely; 15 000 when absent, Infinity for
   * no bound.
   */
  readonly timeout?: number;
}

/**
 * Fetches manifests, and each bundle relative to its manifest; or archives, which hold all files.
 * Redirects are followed.
 *
 * @param urls each names a `plugin.json`, or ends in `.plinth`.
 * @throws PluginConfigurationError `kernel/invalid-option` for a URL that isn't one, or is relative
 * without a `base`, and for a `timeout` that is none.
 * @example
 * createKernel({ sources: [urlSource(['https://example.com/plugins/notes/plugin.json'])] })
 */
export function urlSource(urls: readonly string[], options: UrlSourceOptions = {}): PluginSource {
  checkOptionNames('urlSource', options, ['base', 'timeout']);
  const { base, timeout = TIMEOUT } = options;
  if (!isTime(timeout))
    throw createError(
      'kernel/invalid-option',
      `'timeout' of urlSource is ${A_TIME}, not ${messageOf(timeout)}`,
      { details: { option: 'timeout' } },
    );
  if (!Array.isArray(urls))
    throw createError('kernel/invalid-option', 'urlSource takes a list of URLs', {
      details: { option: 'urls' },
    });
  const targets = urls.map((url) => targetOf(url, base));
  return {
    origin: urls.join(', '),
    async *discover() {
      // All URLs are fetched at once. Results keep the order of the list, because the first of two
      // equal ids wins. A slow URL loses its place.
      yield* inOrder(
        targets.map((target) => fetchPackage(target, timeout)),
        PATIENCE,
      );
    },
  };
}

/** Milliseconds for which one URL may delay the next ones. */
const PATIENCE = 500;

/**
 * Yields results in order. After the given milliseconds, available results overtake missing ones.
 */
async function* inOrder<T extends object>(
  coming: readonly Promise<T>[],
  patience: number,
): AsyncGenerator<T> {
  let timer: number | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  const slow: Promise<T>[] = [];
  try {
    for (const one of coming) {
      const found = await Promise.race([one, over]);
      if (found === undefined) slow.push(one);
      else yield found;
    }
  } finally {
    clearTimeout(timer);
  }
  const there: T[] = [];
  let tell = () => {};
  for (const one of slow)
    void one.then((found) => {
      there.push(found);
      tell();
    });
  for (let left = slow.length; left > 0; left--) {
    if (there.length === 0)
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
    yield there.shift() as T;
  }
}

function targetOf(url: string, base: string | URL | undefined): URL {
  try {
    return new URL(url, base === undefined ? undefined : String(base));
  } catch (cause) {
    throw createError(
      'kernel/invalid-option',
      `'${String(url)}' is not the URL of a plugin.json: give it whole, as in https://example.com/notes/plugin.json`,
      {
        details: { option: 'urls', url: String(url) },
        cause,
      },
    );
  }
}

async function fetchPackage(base: URL, timeout: number): Promise<PluginPackage> {
  if (base.pathname.endsWith('.plinth')) return fetchArchive(base, timeout);
  const files = {
    code: (main: string, most = MAX_CODE) => fetchCode(codeUrl(base, main), timeout, most),
    signature: () => fetchSignature(codeUrl(base, SIGNATURE_FILE), timeout),
    refresh: () => fetchPackage(base, timeout),
  };
  try {
    return { origin: base.href, manifest: await fetchManifest(base, timeout), ...files };
  } catch (problem) {
    return { origin: base.href, manifest: '', problem, ...files };
  }
}

/** A package whose files come all at once. */
async function fetchArchive(url: URL, timeout: number): Promise<PluginPackage> {
  const origin = url.href;
  const refresh = () => fetchArchive(url, timeout);
  try {
    const response = await get(url, timeout);
    const details = { origin, status: response.status };
    if (!response.ok) throw createError('manifest/missing', answered(url, response), { details });
    const { MAX_ARCHIVE, packageOfArchive } = await import('./archive-package.js');
    const tooLarge = (bytes: string) =>
      createError('archive/refused', `${origin} has ${bytes} bytes, more than ${MAX_ARCHIVE}`, {
        details,
      });
    const bytes = await bytesOf(response, MAX_ARCHIVE, tooLarge);
    // What a server has may change.
    return { ...(await packageOfArchive(bytes, { origin })), held: undefined, refresh };
  } catch (problem) {
    const code = () => Promise.reject(problem);
    return { origin, manifest: '', problem, code, refresh };
  }
}

/**
 * The URL of a bundle, which is below its manifest's folder. The manifest's schema has refused
 * every other path.
 */
function codeUrl(manifest: URL, main: string): URL {
  const folder = new URL('.', manifest.href);
  const target = new URL(main, folder.href);
  if (!target.href.startsWith(folder.href))
    throw new Error("the path leads out of the plugin's folder");
  return target;
}

/** Only 404 or 410 mean that the server has no signature file. */
async function fetchSignature(url: URL, timeout: number): Promise<string | undefined> {
  const response = await get(url, timeout);
  if (response.status === 404 || response.status === 410) return undefined;
  if (!response.ok) throw new Error(answered(url, response));
  return textOf(
    response,
    MAX_MANIFEST,
    (bytes) => new Error(`${url.href} has ${bytes} bytes; a signature has at most ${MAX_MANIFEST}`),
  );
}

async function fetchManifest(url: URL, timeout: number): Promise<string> {
  const details = { origin: url.href };
  const response = await get(url, timeout);
  if (!response.ok)
    throw createError('manifest/missing', answered(url, response), {
      details: { ...details, status: response.status },
    });
  return textOf(response, MAX_MANIFEST, (bytes) =>
    createError(
      'manifest/too-large',
      `${url.href} has ${bytes} bytes; a manifest has at most ${MAX_MANIFEST}`,
      { details },
    ),
  );
}

async function fetchCode(url: URL, timeout: number, most: number): Promise<string> {
  const details = { origin: url.href };
  const response = await get(url, timeout);
  if (!response.ok)
    throw createError('plugin/load-failed', answered(url, response), {
      details: { ...details, status: response.status },
    });
  const tooLarge = (bytes: string) =>
    createError(
      'plugin/load-failed',
      `${url.href} has ${bytes} bytes; at most ${most} are read ('limits.codeSize')`,
      { details },
    );
  return textOf(response, most, tooLarge, () =>
    createError(
      'plugin/load-failed',
      `${url.href} is not UTF-8: save the bundle in that encoding`,
      { details },
    ),
  );
}

const answered = (url: URL, { status, statusText }: FetchedResponse) =>
  `${url.href} answered ${status} ${statusText}: serve the plugin's files there`;

/**
 * The time applies to the whole file, because a server may answer at once and then never finish.
 */
const get = (url: URL, timeout: number) =>
  fetch(url, {
    ...(timeout <= LONGEST_TIMER && { signal: AbortSignal.timeout(timeout) }),
    cache: 'no-cache',
  });

/** The text of a body. */
async function textOf(
  response: FetchedResponse,
  most: number,
  tooLarge: (bytes: string) => Error,
  notText?: () => Error,
): Promise<string> {
  const bytes = await bytesOf(response, most, tooLarge);
  // The byte order mark stays: digests and signatures cover bytes, which are the same in every
  // runtime.
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: notText !== undefined }).decode(
      bytes,
    );
  } catch {
    throw notText?.();
  }
}

/** The bytes of a body. Reading stops at the bound, whatever length the server states. */
async function bytesOf(
  { headers, body }: FetchedResponse,
  most: number,
  tooLarge: (bytes: string) => Error,
): Promise<Uint8Array> {
  const told = Number(headers.get('content-length'));
  if (told > most) {
    await body?.cancel();
    throw tooLarge(String(told));
  }
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) break;
    parts.push(value);
    bytes += value.length;
    if (bytes <= most) continue;
    await reader.cancel();
    throw tooLarge(`more than ${most}`);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
