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

/** States in which a version answers nothing, and another one may. */
const SILENT: ReadonlySet<unknown> = new Set(['failed', 'denied']);

/**
 * Where all calls of one showing go: to the version that a plugin's id alone means. Another one, like
 * that of a canary, knows nothing of what this one shows. A version that can't show anything leaves
 * the choice to the kernel.
 */
export function shownBy(
  { plugins }: Pick<ViewKernel, 'plugins'>,
  { $id }: { readonly $id: string },
  id: string,
): ShownBy {
  const { manifest, enabled, state } = plugins.get(id) ?? {};
  const shows =
    enabled !== false && !SILENT.has(state) && manifest?.provides?.includes($id) === true;
  return { provider: id, ...(shows && { version: manifest.version }) };
}

/** Options of a client. */
interface ShownBy {
  readonly provider: string;
  readonly version?: string;
}
