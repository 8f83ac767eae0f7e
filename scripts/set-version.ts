/** Writes the version of the package into `KERNEL_VERSION`, and into the peer of the SDK. `npm run release:version` runs it. */
import { readFileSync, writeFileSync } from 'node:fs';

const at = (path: string) => new URL(`../${path}`, import.meta.url);

const { version } = JSON.parse(readFileSync(at('kernel/package.json'), 'utf8')) as {
  version: string;
};
const file = at('kernel/src/kernel-options.ts');
const text = readFileSync(file, 'utf8');
writeFileSync(
  file,
  text.replace(/(?<=export const KERNEL_VERSION = ')[^']+/, () => version),
);

const sdk = at('sdk/package.json');
const manifest = JSON.parse(readFileSync(sdk, 'utf8')) as { peerDependencies: object };
manifest.peerDependencies = { '@plinth/kernel': version };
writeFileSync(sdk, `${JSON.stringify(manifest, null, 2)}\n`);
