/** Progress of long work: on a terminal alone. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { BIN, folderOf, GREETER, plinth } from './plinth.ts';

const run = promisify(execFile);
const CLEAR_LINE = '\r\u001b[2K';

/** What a terminal of 80 columns gets. `script` of util-linux is the terminal. */
async function onTerminal(folder: string, words: string, env: Record<string, string> = {}) {
  const { stdout } = await run(
    'script',
    ['-qec', `'${process.execPath}' '${BIN}' ${words}`, '/dev/null'],
    {
      cwd: folder,
      env: { ...process.env, TERM: 'xterm', ...env },
    },
  );
  return stdout;
}

it('a terminal shows what is done, and the line is gone when it ends', async () => {
  const sources = Object.entries(GREETER).map(([file, text]) => [`greeter/${file}`, text] as const);
  const folder = await folderOf(Object.fromEntries(sources));
  const shown = await onTerminal(folder, 'bundle greeter');
  expect(shown).toContain(`${CLEAR_LINE}⠋ bundling greeter`);
  const last = shown.lastIndexOf(CLEAR_LINE);
  expect(shown.slice(0, last)).not.toContain('bundled');
  expect(shown.slice(last)).toContain('com.example.greeter 1.2.0');
  const installed = await onTerminal(folder, 'install greeter/dist/plugin');
  expect(installed).toContain('reading greeter/dist/plugin');
  expect(installed).toContain('installing greeter/dist/plugin');
  expect(await onTerminal(folder, 'create notes --yes')).toContain('creating notes');
});

it('a terminal without cursor, JSON and pipes get none', async () => {
  const folder = await folderOf(GREETER);
  expect(await onTerminal(folder, 'bundle', { TERM: 'dumb' })).not.toContain('bundling');
  expect(await onTerminal(folder, 'bundle --json')).not.toContain('bundling');
  const { code, out, err } = await plinth(folder, ['bundle']);
  expect([code, err]).toEqual([0, '']);
  expect(out).not.toContain('bundling');
});
