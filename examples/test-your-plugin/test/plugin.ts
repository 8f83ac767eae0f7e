/** The plugin for these tests: its sources, with its manifest. */
import { readFile } from 'node:fs/promises';
import plugin from '../plugins/units/src/index.ts';

const file = new URL('../plugins/units/plugin.json', import.meta.url);

export const units = { manifest: JSON.parse(await readFile(file, 'utf8')), plugin };
