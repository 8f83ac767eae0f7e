/** The published packages are valid, and work without anything of the workspace. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installConsumer, PACKAGES, type Packed, pack, runNode, runTool } from './packed.ts';
import { type Site, serveBuilt, startChromium } from './site.ts';

/** The entry points: those for every host, and those for one. */
const ENTRIES = [
  '@plinth/sdk',
  '@plinth/sdk/contract',
  '@plinth/sdk/contracts',
  '@plinth/sdk/checks',
  '@plinth/sdk/testing',
  '@plinth/sdk/compat',
  '@plinth/sdk/rpc',
  '@plinth/sdk/guest',
  '@plinth/kernel',
  '@plinth/kernel/create-kernel',
  '@plinth/kernel/core',
  '@plinth/kernel/preset',
  '@plinth/kernel/extension',
  '@plinth/kernel/archive',
  '@plinth/kernel/audit',
  '@plinth/kernel/grants',
  '@plinth/kernel/data',
  '@plinth/kernel/hibernation',
  '@plinth/kernel/installer',
  '@plinth/kernel/limits',
  '@plinth/kernel/live-config',
  '@plinth/kernel/messaging',
  '@plinth/kernel/network',
  '@plinth/kernel/permission-recorder',
  '@plinth/kernel/replay',
  '@plinth/kernel/resilience',
  '@plinth/kernel/secrets',
  '@plinth/kernel/services',
  '@plinth/kernel/supervision',
  '@plinth/kernel/tenants',
  '@plinth/kernel/trust',
  '@plinth/kernel/spare-pool',
  '@plinth/kernel/url-source',
  '@plinth/http',
  '@plinth/http/host',
  '@plinth/jobs',
  '@plinth/jobs/host',
  '@plinth/otel',
  '@plinth/otel/host',
  '@plinth/ui',
  '@plinth/ui/host',
  '@plinth/ui/html',
  '@plinth/ui/testing',
  '@plinth/sql',
  '@plinth/cli/vite/client',
];
const NODE_ENTRIES = [
  '@plinth/host-node',
  '@plinth/sql/host',
  '@plinth/sql/storage',
  '@plinth/cli',
];
/** Has the types of Vite, which is an optional peer. */
const VITE_ENTRIES = ['@plinth/cli/vite'];
const BROWSER_ENTRIES = [
  '@plinth/host-browser',
  '@plinth/host-browser/inline',
  '@plinth/host-browser/standalone',
  '@plinth/ui/dom',
  '@plinth/ui/frame',
];

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
});
afterAll(() => packed?.remove());

describe.each(PACKAGES)('@plinth/%s', (name) => {
  it('passes publint --strict', async () => {
    expect(await runTool('publint/src/cli.js', packed.tarballs[name], '--strict')).toMatchObject({
      code: 0,
    });
  });

  it('has types that resolve, as an ESM-only package', async () => {
    expect(
      await runTool(
        '@arethetypeswrong/cli/dist/index.js',
        packed.tarballs[name],
        '--profile',
        'esm-only',
      ),
    ).toMatchObject({ code: 0 });
  });

  it('contains its runtime files and nothing of the build or the tests', async () => {
    const { stdout } = await promisify(execFile)('tar', ['-tzf', packed.tarballs[name]]);
    const files = stdout.trim().split('\n');
    expect(files).toContain('package/dist/index.js');
    expect(files).toContain('package/dist/index.d.ts');
    expect(
      files.filter(
        (file) =>
          !/^package\/(package\.json|plugin\.schema\.json|tsconfig\.plugin\.json|globals\.plugin\.d\.ts|README\.md|LICENSE|bin\/plinth\.js|templates\/.+|globals\.d\.ts|(testing\/)?(dist|src)\/.+\.(c?ts|c?js|map)|dist\/(plinth-frame\.html|(ses|standalone)\.LICENSE|browser\/(sqlite\.LICENSE|sqlite3\.wasm)))$/.test(
            file,
          ),
      ),
    ).toEqual([]);
    // Templates have the tests of the projects that they make.
    const own = files.filter((file) => !file.startsWith('package/templates/'));
    expect(own.filter((file) => /tsbuildinfo|\.test\./.test(file))).toEqual([]);
  });
});

describe('a project with the packed packages', () => {
  const expected = (times: number) => ({
    answer: { text: 'hello Ada', times },
    decorated: ['*x*'],
  });
  let project: string;
  beforeAll(async () => {
    project = await installConsumer(packed);
  });

  it('has a plugin that was built from the SDK alone, into one file', async () => {
    const code = await readFile(join(project, 'plugins/greeter/plugin.js'), 'utf8');
    expect(code).not.toMatch(/\bimport\b\s*["'{(*]/);
    // The size that an author pays for importing the SDK.
    expect(code.length).toBeLessThan(60_000);
  });

  it('runs that plugin in a worker of Node, ends by itself, and keeps its data', async () => {
    expect(JSON.parse(await runNode(project, 'node.js'))).toEqual(expected(1));
    expect(JSON.parse(await runNode(project, 'node.js'))).toEqual(expected(2));
  });

  it('can test a plugin with the test kit', async () => {
    // It rejects unless the runner reports that every test has passed.
    expect(await runNode(project, '--test', 'kit/node.test.js')).toContain('the test kit');
  });

  it('can load every entry for Node, and none has side effects', async () => {
    const script = `for (const entry of ${JSON.stringify([...ENTRIES, ...NODE_ENTRIES, ...VITE_ENTRIES, ...BROWSER_ENTRIES])}) if (Object.keys(await import(entry)).length === 0) throw new Error(entry);`;
    expect(await runNode(project, '--input-type=module', '--eval', script)).toBe('');
  });

  it.each([
    ['Node', NODE_ENTRIES, { lib: ['es2023'], types: ['node'] }],
    ['pages', BROWSER_ENTRIES, { lib: ['es2023', 'dom'], types: [] }],
  ])(
    'has types that compile in strict projects for %s, also with library checks',
    async (_, entries, options) => {
      const folder = await mkdtemp(join(project, 'types-'));
      const strict = {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
      };
      const compilerOptions = {
        ...strict,
        ...options,
        module: 'nodenext',
        target: 'es2023',
        noEmit: true,
        typeRoots: [fileURLToPath(new URL('../../node_modules/@types', import.meta.url))],
      };
      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['entries.ts'] }),
      );
      await writeFile(
        join(folder, 'entries.ts'),
        [...ENTRIES, ...entries]
          .map((entry, index) => `export * as entry${index} from '${entry}';\n`)
          .join(''),
      );
      expect(await runTool('typescript/bin/tsc', '-p', folder)).toEqual({ code: 0, output: '' });
    },
  );

  describe('in a browser, built by Vite', () => {
    let site: Site;
    let browser: Browser;
    beforeAll(async () => {
      const page = join(project, 'page');
      [site, browser] = await Promise.all([
        serveBuilt(page, join(page, 'dist'), {
          index: join(page, 'index.html'),
          inline: join(page, 'inline.html'),
        }),
        startChromium(),
      ]);
    });
    afterAll(async () => {
      await browser?.close();
      await site?.close();
    });

    it('has the worker as a separate file', () => {
      expect(site.files.filter((file) => file.includes('plugin-worker'))).toHaveLength(1);
    });

    it.each([
      ['the default worker', 'index.html'],
      ["the worker of '@plinth/host-browser/inline'", 'inline.html'],
    ])('runs the same plugin unchanged with %s', async (_, file) => {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on(
        'console',
        (message) => void (message.type() === 'error' && complaints.push(message.text())),
      );
      page.on('pageerror', (error) => void complaints.push(error.message));
      const workers: string[] = [];
      page.on('worker', (worker) => void workers.push(worker.url()));
      await page.goto(`${site.url}/${file}`);
      await page.waitForFunction(() => 'outcome' in globalThis);
      expect(
        await page.evaluate(() => (globalThis as unknown as { outcome: unknown }).outcome),
      ).toEqual(expected(1));
      expect(workers).toEqual([
        expect.stringMatching(file === 'index.html' ? /^http:.*plugin-worker/ : /^blob:/),
      ]);
      expect(page.workers()).toEqual([]);
      expect(complaints).toEqual([]);
      await page.reload();
      await page.waitForFunction(() => 'outcome' in globalThis);
      expect(
        await page.evaluate(() => (globalThis as unknown as { outcome: unknown }).outcome),
      ).toEqual(expected(2));
    });
  });
});
