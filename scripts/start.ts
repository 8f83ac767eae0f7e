/** `npm start`: the Node scenario in the terminal, then the playground with a Node kernel beside it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { serveUntilInterrupted } from '../demo-app/node/serve-playground.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { status } = spawnSync(process.execPath, ['demo-app/node/scenario.ts'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

const demo = `${root}demo-app`;
await build({ configFile: `${demo}/vite.config.ts`, root: demo, logLevel: 'warn' });
await serveUntilInterrupted({ port: 4173 });
