/** The examples run from the workspace, and fit the compiler. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EXAMPLES } from './examples.ts';
import { runTool } from './packed.ts';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));

it('has a check for each folder', () => {
  expect(readdirSync(examples).sort()).toEqual(Object.keys(EXAMPLES).sort());
});

it.each(['build', 'plugins', 'src/core', 'src/layout.css'])(
  'the pages have the same %s: only their elements differ',
  (path) => {
    const texts = (example: string) => textsIn(join(examples, example), path);
    expect(texts('spa-react')).toEqual(texts('spa-plain'));
  },
);

/** What is written by hand, by path. */
function textsIn(root: string, path: string): Readonly<Record<string, string>> {
  const found = statSync(join(root, path)).isDirectory()
    ? readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).map((one) =>
        join(path, one),
      )
    : [path];
  const files = found.filter((one) => !one.includes('dist') && statSync(join(root, one)).isFile());
  return Object.fromEntries(
    files.sort().map((one) => [one, readFileSync(join(root, one), 'utf8')]),
  );
}

it.each(Object.entries(EXAMPLES))('examples/%s runs', async (name, check) => {
  const folder = join(examples, name);
  await check(folder);
  for (const project of [folder, ...readdirSync(join(folder, 'plugins')).map(plugin)])
    expect(await runTool('typescript/bin/tsc', '-p', project), project).toEqual({
      code: 0,
      output: '',
    });

  function plugin(one: string): string {
    return join(folder, 'plugins', one);
  }
});
