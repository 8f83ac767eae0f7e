/** What the documentation shows is what runs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { buildPlugin } from '../../scripts/build-plugins.ts';
import { errorPage } from '../../scripts/error-docs.ts';
import { shippingPage } from '../../scripts/shipping-docs.ts';
import { runtimesPage } from '../../scripts/runtimes-doc.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

it("README's plugin and host run as they are written", async () => {
  const [plugin, host] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string);
  const manifest = /```json\n([\s\S]*?)```/.exec(readme)?.[1] as string;
  const folder = mkdtempSync(join(root, 'test/docs/.readme-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/index.ts'), plugin as string);
    writeFileSync(join(folder, 'plugin.json'), manifest);
    writeFileSync(join(folder, 'host.ts'), host as string);
    await buildPlugin(folder, join(folder, 'plugins/notes'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], { cwd: folder, encoding: 'utf8', timeout: 30_000 });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe('added: hello\nid: note-1\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 40_000);

it('docs/errors.md lists every code', () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorPage());
});

it('docs/shipping.md is the list that the tests of shipping run on', () => {
  expect(readFileSync(join(root, 'docs/shipping.md'), 'utf8')).toBe(shippingPage());
});

it('docs/runtimes.md shows every gap', () => {
  expect(readFileSync(join(root, 'docs/runtimes.md'), 'utf8')).toBe(runtimesPage());
});
