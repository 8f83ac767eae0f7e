/** Fills `public/` with what is served as it is: plugins of strangers, and the sandbox's frame. */
import { cp, readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
await rm(at('public'), { recursive: true, force: true });

// The archives that `plinth bundle` has written.
for (const plugin of ['words', 'words-2']) {
  const built = `plugins/${plugin}/dist`;
  for (const file of await readdir(at(built)))
    if (file.endsWith('.plinth')) await cp(at(`${built}/${file}`), at(`public/plugins/${file}`));
}

// A strict policy lets no page write this frame as text.
const host = import.meta.resolve('@plinth/host-browser/standalone');
for (const file of ['plinth-frame.html', 'plinth-frame.js'])
  await cp(fileURLToPath(new URL(file, host)), at(`public/plinth/${file}`));
