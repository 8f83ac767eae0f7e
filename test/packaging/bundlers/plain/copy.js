import { cpSync } from 'node:fs';

cpSync('node_modules/@plinth/host-browser/dist', 'dist/plinth', { recursive: true });
for (const file of ['main.js', 'host.js', 'run.js']) cpSync(file, `dist/${file}`);
cpSync('plugin/by-hand.js', 'dist/plugins/greeter/plugin.js');
