/** Folders of plugins on disk, for the rows of Node that install many. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManifestObject, manifestText } from './many.ts';

/** Plugins in a temporary folder. */
export interface PluginFolder {
  readonly path: string;
  /** Every plugin.json, in the order of discovery. */
  readonly files: readonly string[];
  remove(): void;
}

const CODE = 'export default { activate(ctx) { ctx.commands.handle("run", () => "ran"); } };\n';

/** Writes each plugin into a subfolder of its own. */
export function writePlugins(manifests: readonly ManifestObject[]): PluginFolder {
  const path = mkdtempSync(join(tmpdir(), 'plinth-bench-'));
  const files = manifests.map((manifest) => {
    const folder = join(path, manifest.id);
    const file = join(folder, 'plugin.json');
    mkdirSync(folder);
    writeFileSync(file, manifestText(manifest));
    writeFileSync(join(folder, 'plugin.js'), CODE);
    return file;
  });
  return {
    path,
    files: files.sort(),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
