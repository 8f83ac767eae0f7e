import { cpSync } from 'node:fs';

cpSync('plugin/by-hand.js', 'dist/plugins/greeter/plugin.js');
