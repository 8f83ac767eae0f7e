/** What the editor needs of the SDK, as modules of the page: its types, and what plugins import. */
import type { Plugin } from 'vite';
import { pluginModules } from './plugin-modules.ts';
import { sdkTable } from './sdk-table.ts';

const PARTS: Readonly<Record<string, () => unknown>> = {
  'virtual:sdk-table': sdkTable,
  'virtual:plugin-modules': pluginModules,
};
const RESOLVED = '\0';

/** Makes the parts when the page asks for them. */
export function editorParts(): Plugin {
  return {
    name: 'editor-parts',
    resolveId: (id) => (Object.hasOwn(PARTS, id) ? RESOLVED + id : undefined),
    async load(id) {
      const part = id.startsWith(RESOLVED) ? PARTS[id.slice(RESOLVED.length)] : undefined;
      if (part === undefined) return undefined;
      // A text that is parsed is read faster than code.
      const text = JSON.stringify(JSON.stringify(await part()));
      return { code: `export default JSON.parse(${text});`, moduleSideEffects: false };
    },
  };
}
