/** Which view is meant. */
import { createError } from '@plinth/sdk/contract';
import type { ViewKernel } from './view-kernel.js';

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkNames(options: { readonly plugin: string; readonly view: string }): void {
  const { plugin, view } = options ?? {};
  for (const [option, given] of Object.entries({ plugin, view }))
    if (typeof given !== 'string' || given === '')
      throw createError(
        'kernel/invalid-option',
        `a view is shown by its plugin and its id: '${option}' is a text, like { plugin: 'com.example.notes', view: 'panel' }`,
        { details: { option } },
      );
}

/** The name of a plugin, as its manifest has it. Of one that isn't installed, the id. */
export const nameOf = ({ plugins }: Pick<ViewKernel, 'plugins'>, id: string): string =>
  plugins.get(id)?.name ?? id;

/**
 * Where all calls of one showing go: to the version that a plugin's id alone means. Another one, like
 * that of a canary, knows nothing of what this one shows.
 */
export function shownBy({ plugins }: Pick<ViewKernel, 'plugins'>, id: string): ShownBy {
  const { manifest, enabled } = plugins.get(id) ?? {};
  const version = enabled === false ? undefined : manifest?.version;
  return { provider: id, ...(version !== undefined && { version }) };
}

/** Options of a client. */
interface ShownBy {
  readonly provider: string;
  readonly version?: string;
}
