/** Hands out the kernel's own view of a plugin, which has its package: the build that runs now. */
import { defineExtension, type PluginView } from '@plinth/kernel/extension';

/** The API of the extension. */
export interface PluginViews {
  of(id: string): PluginView | undefined;
}

export const pluginViews = defineExtension({ name: 'plugin-views', uses: [] }, () => ({
  install: ({ plugins }): PluginViews => ({ of: (id) => plugins.get(id) }),
}));
