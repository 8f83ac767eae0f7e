/** Writes the tables of the pages again from `docs/benchmarks.json`, without a run. */
import { readFileSync } from 'node:fs';
import { writePages } from './publish.ts';
import type { Published } from './published.ts';

const file = new URL('../../docs/benchmarks.json', import.meta.url);
writePages(JSON.parse(readFileSync(file, 'utf8')) as Published);
