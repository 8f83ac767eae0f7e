/** The version of this package, which is that of all packages of Plinth, and the Node it needs. */
import { readFileSync } from 'node:fs';

const { version, engines } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string; readonly engines: { readonly node: string } };

/** Like `1.2.0`. */
export const VERSION = version;

/** The range of versions of Node. */
export const ENGINES = engines.node;
