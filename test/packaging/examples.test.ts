/** The examples run from the workspace, and fit the compiler. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EXAMPLES } from './examples.ts';
import { runTool } from './packed.ts';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));

it('has a check for each folder', () => {
  expect(readdirSync(examples).sort()).toEqual(Object.keys(EXAMPLES).sort());
});

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
