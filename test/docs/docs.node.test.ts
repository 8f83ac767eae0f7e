/** What the documentation shows is what runs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKernel } from '@plinth/host-node';
import { packageSource } from '@plinth/kernel';
import { expect, it } from 'vitest';
import { buildPlugin } from '../../scripts/build-plugins.ts';
import { errorPage } from '../../scripts/error-docs.ts';
import { shippingPage } from '../../scripts/shipping-docs.ts';
import { runtimesPage } from '../../scripts/runtimes-doc.ts';
import { pluginOf } from '../support/plugins.ts';

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

it("docs/configuration.md's kernel runs as it is written", () => {
  const sample = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/configuration.md'), 'utf8'))?.[1] as string;
  const folder = mkdtempSync(join(root, 'test/docs/.configuration-'));
  try {
    mkdirSync(join(folder, 'plugins/notes'), { recursive: true });
    writeFileSync(join(folder, 'plugins/notes/plugin.json'), JSON.stringify({ id: 'com.example.notes', version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' } }));
    writeFileSync(join(folder, 'plugins/notes/plugin.js'), 'export default { activate() {} };');
    writeFileSync(join(folder, 'plinth.yaml'), 'com.example.notes:\n  mode: slow\n');
    const shown = "console.log(JSON.stringify(kernel.config.get('com.example.notes')));\nawait kernel.stop();";
    writeFileSync(join(folder, 'host.ts'), `import { configFile, createKernel } from '@plinth/host-node';\n${sample}${shown}\n`);
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], { cwd: folder, encoding: 'utf8', timeout: 30_000 });
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ mode: 'slow', max: 100 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 40_000);

it('docs/lifecycle.md names features that a plugin may require', async () => {
  const listed = /This one has ([^.]*)\./.exec(readFileSync(join(root, 'docs/lifecycle.md'), 'utf8'))?.[1]?.matchAll(/`([a-z]+)`/g) ?? [];
  const requiredFeatures = [...listed].map((match) => match[1] as string);
  expect(requiredFeatures).toHaveLength(18);
  const kernel = await createKernel({ sources: [packageSource([pluginOf('test.all', '', { requiredFeatures })])] });
  await kernel.start();
  expect(kernel.plugins.explain('test.all')).toMatchObject({ running: true });
  await kernel.stop();
});

it('docs/errors.md lists every code', () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorPage());
});

it('docs/shipping.md is the list that the tests of shipping run on', () => {
  expect(readFileSync(join(root, 'docs/shipping.md'), 'utf8')).toBe(shippingPage());
});

it('docs/runtimes.md shows every gap', () => {
  expect(readFileSync(join(root, 'docs/runtimes.md'), 'utf8')).toBe(runtimesPage());
});
