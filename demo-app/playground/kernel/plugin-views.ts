/** Hands out the kernel's own view of a plugin, which has its package: the build that runs now. */
import { defineExtension, type PluginView } from '@plinth/kernel/extension';

/** The API of the extension. */
export interface PluginViews {
  /** @param meant an id, or `id@version`. */
  of(meant: string): PluginView | undefined;
}

export const pluginViews = defineExtension({ name: 'plugin-views', uses: [] }, () => ({
  install: ({ plugins }): PluginViews => ({ of: (meant) => plugins.get(meant) }),
}));
