/** What the editor needs of the SDK, as modules of the page: its types, and what plugins import. */
import type { Plugin } from 'vite';
import { pluginModules } from './plugin-modules.ts';
import { sdkTable } from './sdk-table.ts';

const PARTS: Readonly<Record<string, () => unknown>> = {
  'virtual:sdk-table': sdkTable,
  'virtual:plugin-modules': pluginModules,
};

/** Makes the parts when the page asks for them. */
export function editorParts(): Plugin {
  return {
    name: 'editor-parts',
    resolveId: {
      filter: { id: /^virtual:/ },
      handler: (id) => (Object.hasOwn(PARTS, id) ? `\0${id}` : undefined),
    },
    load: {
      filter: { id: /^\0virtual:/ },
      async handler(id) {
        const part = PARTS[id.slice(1)];
        if (part === undefined) return undefined;
        // A text that is parsed is read faster than code.
        const text = JSON.stringify(JSON.stringify(await part()));
        return { code: `export default JSON.parse(${text});`, moduleSideEffects: false };
      },
    },
  };
}
