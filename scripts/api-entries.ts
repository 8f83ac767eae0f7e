/** The entry points of the packages: what people import, and the source it is built from. */
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The packages whose API is documented, by folder. */
const PACKAGES = [
  'sdk',
  'kernel',
  'host-node',
  'host-browser',
  'extensions/otel',
  'extensions/http',
  'extensions/ui',
  'extensions/jobs',
  'extensions/sql',
  'cli',
];

interface PackageManifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly types?: string } | string>>;
}

/** Specifiers by the path of their source. Of several for one source, the first counts. */
export function apiEntries(): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const folder of PACKAGES) {
    const { name, exports } = JSON.parse(
      readFileSync(join(root, folder, 'package.json'), 'utf8'),
    ) as PackageManifest;
    for (const [key, target] of Object.entries(exports)) {
      const types = typeof target === 'string' ? undefined : target.types;
      const source = types?.replace('/dist/', '/src/').replace(/\.d\.c?ts$/, '.ts');
      if (source === undefined) continue;
      const path = posix.join(folder, source);
      if (!entries.has(path) && existsSync(join(root, path)))
        entries.set(path, posix.join(name, key));
    }
  }
  return entries;
}
