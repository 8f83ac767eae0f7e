/** Plugins behind URLs, which may be relative to the page. */
import type { PluginSource } from '@plinth/kernel';
import { urlSource as sourceOfUrls } from '@plinth/kernel/url-source';

/**
 * Fetches manifests, and each bundle relative to its manifest.
 *
 * @param urls each names a `plugin.json`; relative ones are relative to the page.
 * @throws PluginConfigurationError `kernel/invalid-option` for a URL that isn't one.
 * @example
 * createKernel({ sources: [urlSource(['/plugins/notes/plugin.json'])] })
 */
export function urlSource(urls: readonly string[]): PluginSource {
  return sourceOfUrls(urls, { base: location.href });
}
