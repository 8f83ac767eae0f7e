/** The published figures are those of the run in `docs/benchmarks.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { benchmarksPart, type Published, readmePart, withPart } from '../bench/published.ts';
import { root } from './imports.ts';

const text = (path: string) => readFileSync(join(root, path), 'utf8');
const run = JSON.parse(text('docs/benchmarks.json')) as Published;

it.each([
  ['docs/benchmarks.md', benchmarksPart(run)],
  ['README.md', readmePart(run)],
])('%s shows the run of docs/benchmarks.json', (page, part) => {
  expect(
    text(page),
    'Figures are not edited by hand. `node test/bench/render.ts` writes them again.',
  ).toBe(withPart(text(page), part));
});
