/** Fills `public/` with what is served as it is: plugins of strangers, and the sandbox's frame. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
await rm(at('public'), { recursive: true, force: true });

// The archives that `plinth bundle` has written.
for (const plugin of ['words', 'words-2']) {
  const built = `plugins/${plugin}/dist`;
  for (const file of await readdir(at(built)))
    if (file.endsWith('.plinth')) await cp(at(`${built}/${file}`), at(`public/plugins/${file}`));
}

// The page that sandboxed plugins run in, as one file: no service worker serves a frame of an opaque
// origin, and the browser's cache keeps only its document.
const host = import.meta.resolve('@plinth/host-browser/standalone');
const script = await readFile(new URL('plinth-frame.js', host), 'utf8');
await mkdir(at('public/plinth'));
await writeFile(
  at('public/plinth/plinth-frame.html'),
  `<!doctype html><meta charset="utf-8"><title>plinth</title><script>${script}</script>`,
);
