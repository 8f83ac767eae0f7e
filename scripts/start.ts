/** `npm start`: the Node scenario in the terminal, then the playground. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const { status } = spawnSync(process.execPath, ['demo-app/node/scenario.ts'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

const configFile = fileURLToPath(new URL('../demo-app/vite.config.ts', import.meta.url));
await build({ configFile, root: `${root}demo-app`, logLevel: 'warn' });
const server = await preview({
  configFile,
  root: `${root}demo-app`,
  preview: { host: '127.0.0.1', port: 4173 },
});
console.log(`\nPlayground: ${server.resolvedUrls?.local[0] ?? 'no address'}  (Ctrl+C ends it)`);
