/**
 * Plugins from addresses, without their signatures. The page trusts no key that one could be checked
 * with, and a browser's console tells of each file that isn't there as of an error.
 */
import { type PluginPackage, type PluginSource, urlSource } from '@plinth/host-browser';

/** @param urls of manifests. */
export function pageSource(urls: readonly string[]): PluginSource {
  const source = urlSource(urls);
  return {
    ...source,
    async *discover() {
      for await (const found of source.discover()) yield unsigned(found);
    },
  };
}

function unsigned(found: PluginPackage): PluginPackage {
  const { refresh } = found;
  return {
    ...found,
    signature: undefined,
    refresh: refresh && (async () => unsigned(await refresh())),
  };
}
