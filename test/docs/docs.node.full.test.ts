/** The documentation's examples run as shown. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Validator } from '@cfworker/json-schema';
import { createKernel } from '@plinth/host-node';
import { http } from '@plinth/http/host';
import { jobs } from '@plinth/jobs/host';
import { packageSource } from '@plinth/kernel';
import { otel } from '@plinth/otel/host';
import { sql } from '@plinth/sql/host';
import { ui } from '@plinth/ui/host';
import { expect, it } from 'vitest';
import { buildPlugin } from '../../scripts/build-plugins.ts';
import { cliPage } from '../../scripts/cli-docs.ts';
import { errorPage } from '../../scripts/error-docs.ts';
import { manifestPage } from '../../scripts/manifest-docs.ts';
import { manifestSchemaText } from '../../scripts/manifest-schema.ts';
import { runtimesPage } from '../../scripts/runtimes-doc.ts';
import { shippingPage } from '../../scripts/shipping-docs.ts';
import { pluginOf } from '../support/plugins.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** What the compiler says of a file, in a strict project. */
const typeErrors = (cwd: string, file: string, ...options: readonly string[]) =>
  spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck', '--target', 'es2023'],
      ...['--lib', 'es2023,dom', '--module', 'nodenext', '--types', 'node'],
      ...['--allowImportingTsExtensions', ...options, file],
    ],
    { cwd, encoding: 'utf8', timeout: 60_000 },
  );

it("README's plugin and host run as they are written", async () => {
  const [plugin, host] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(
    (match) => match[1] as string,
  );
  const manifest = /```json\n([\s\S]*?)```/.exec(readme)?.[1] as string;
  const folder = mkdtempSync(join(root, 'test/docs/.readme-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/index.ts'), plugin as string);
    writeFileSync(join(folder, 'plugin.json'), manifest);
    writeFileSync(join(folder, 'host.ts'), host as string);
    await buildPlugin(folder, join(folder, 'plugins/notes'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe('added: hello\nid: note-1\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 40_000);

it("docs/configuration.md's kernel runs as it is written", () => {
  const sample = /```ts\n([\s\S]*?)```/.exec(
    readFileSync(join(root, 'docs/configuration.md'), 'utf8'),
  )?.[1] as string;
  const folder = mkdtempSync(join(root, 'test/docs/.configuration-'));
  try {
    mkdirSync(join(folder, 'plugins/notes'), { recursive: true });
    writeFileSync(
      join(folder, 'plugins/notes/plugin.json'),
      JSON.stringify({
        id: 'com.example.notes',
        version: '1.0.0',
        main: 'plugin.js',
        engines: { plinth: '^1.0.0' },
      }),
    );
    writeFileSync(join(folder, 'plugins/notes/plugin.js'), 'export default { activate() {} };');
    writeFileSync(join(folder, 'plinth.yaml'), 'com.example.notes:\n  mode: slow\n');
    const shown =
      "console.log(JSON.stringify(kernel.config.get('com.example.notes')));\nawait kernel.stop();";
    writeFileSync(
      join(folder, 'host.ts'),
      `import { configFile, createKernel } from '@plinth/host-node';\n${sample}${shown}\n`,
    );
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ mode: 'slow', max: 100 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 40_000);

it("docs/telemetry.md's plugin and host run as they are written", async () => {
  const page = readFileSync(join(root, 'docs/telemetry.md'), 'utf8');
  const [plugin, host] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]);
  const folder = mkdtempSync(join(root, 'test/docs/.telemetry-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/index.ts'), plugin as string);
    writeFileSync(join(folder, 'plugin.json'), /```json\n([\s\S]*?)```/.exec(page)?.[1] as string);
    writeFileSync(join(folder, 'host.ts'), host as string);
    await buildPlugin(folder, join(folder, 'plugins/shop'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe('20\ntrue\n1\n');
    const compiled = typeErrors(folder, 'host.ts');
    expect([compiled.status, compiled.stdout]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

/** Builds a plugin of a page, runs a host beside it, and compiles the host. */
async function hosted(plugin: string, manifest: string, host: string): Promise<string> {
  const folder = mkdtempSync(join(root, 'test/docs/.http-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/index.ts'), plugin);
    writeFileSync(join(folder, 'plugin.json'), manifest);
    writeFileSync(join(folder, 'host.ts'), host);
    await buildPlugin(folder, join(folder, 'plugins/notes'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    const compiled = typeErrors(folder, 'host.ts');
    expect([compiled.status, compiled.stdout]).toEqual([0, '']);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const codeOf = (page: string, language: string) =>
  [
    ...readFileSync(join(root, page), 'utf8').matchAll(
      new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'),
    ),
  ].map((match) => match[1] as string);

it("docs/http.md's plugins and hosts run as they are written", async () => {
  const [notes = '', host = '', live = '', server = '', blog = '', both = ''] = codeOf(
    'docs/http.md',
    'ts',
  );
  const [manifest = '', declared = '', lists = ''] = codeOf('docs/http.md', 'json');
  expect(await hosted(notes, manifest, host)).toBe('201 ada\n1\n404\nactive\n');
  expect(await hosted(live, declared, server)).toBe('{ size: 5000000 }\nHELLO\n');
  expect(await hosted(blog, lists, both)).toBe(
    "[ { id: '1', title: 'Hello' } ]\n<h1>1 posts</h1>\n",
  );
}, 180_000);

it("docs/http-admin.md's host runs as it is written", async () => {
  const [host = ''] = codeOf('docs/http-admin.md', 'ts');
  const [notes = ''] = codeOf('docs/http.md', 'ts');
  const [manifest = ''] = codeOf('docs/http.md', 'json');
  expect(await hosted(notes, manifest, host)).toBe(
    "This needs the role 'operator'; yours is 'viewer'.\ncom.example.notes is disabled\notto plugins.disable\n",
  );
}, 90_000);

it("docs/ui.md's plugin and host run as they are written", async () => {
  const page = readFileSync(join(root, 'docs/ui.md'), 'utf8');
  const samples = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string);
  const [plugin, host, inPage, tested] = samples;
  const folder = mkdtempSync(join(root, 'test/docs/.ui-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/index.ts'), plugin as string);
    writeFileSync(join(folder, 'plugin.json'), /```json\n([\s\S]*?)```/.exec(page)?.[1] as string);
    writeFileSync(join(folder, 'host.ts'), host as string);
    writeFileSync(join(folder, 'page.ts'), inPage as string);
    writeFileSync(join(folder, 'counter.test.ts'), tested as string);
    await buildPlugin(folder, join(folder, 'plugins/counter'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe("[ 'Reset the counter' ]\nresolved\ntrue\nCounter: The counter is at 0\n");
    const test = spawnSync(process.execPath, ['counter.test.ts'], { cwd: folder, timeout: 30_000 });
    expect([test.status, String(test.stderr)]).toEqual([0, '']);
    for (const file of ['src/index.ts', 'host.ts', 'page.ts', 'counter.test.ts']) {
      const compiled = typeErrors(folder, file);
      expect([compiled.status, compiled.stdout]).toEqual([0, '']);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

it("docs/ui.md's components compile as they are written", () => {
  const page = readFileSync(join(root, 'docs/ui.md'), 'utf8');
  const samples = [...page.matchAll(/```tsx\n([\s\S]*?)```/g)].map((match) => match[1] as string);
  const folder = mkdtempSync(join(root, 'test/docs/.ui-components-'));
  const known =
    "import type { Kernel } from '@plinth/kernel';\nimport type { Workbench } from '@plinth/ui/host';\n";
  const given = 'declare const kernel: Kernel;\ndeclare const workbench: Workbench;\n';
  try {
    const [slot, counter] = samples;
    writeFileSync(join(folder, 'sidebar.tsx'), `${known}${given}${slot}export { Sidebar };\n`);
    writeFileSync(join(folder, 'counter.tsx'), counter as string);
    for (const [file, library] of [
      ['sidebar.tsx', 'react'],
      ['counter.tsx', 'preact'],
    ] as const) {
      const jsx = ['--jsx', 'react-jsx', '--jsxImportSource', library];
      const compiled = typeErrors(folder, file, ...jsx);
      expect([file, compiled.status, compiled.stdout]).toEqual([file, 0, '']);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

it("docs/jobs.md's plugin and host run as they are written", async () => {
  const page = readFileSync(join(root, 'docs/jobs.md'), 'utf8');
  const [plugin, host, cluster] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(
    (match) => match[1],
  );
  const folder = mkdtempSync(join(root, 'test/docs/.jobs-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/index.ts'), plugin as string);
    writeFileSync(join(folder, 'plugin.json'), /```json\n([\s\S]*?)```/.exec(page)?.[1] as string);
    writeFileSync(join(folder, 'host.ts'), host as string);
    await buildPlugin(folder, join(folder, 'plugins/mail'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(status).toBe(0);
    // The log tells of the attempts that fail, and of nothing else.
    expect(stderr.split('\n').filter((line) => /^\d/.test(line))).toHaveLength(2);
    expect(stderr).toContain('ada is no address (attempt 2)');
    expect(stdout).toBe(/```text\n([\s\S]*?)```/.exec(page)?.[1]);
    writeFileSync(join(folder, 'cluster.ts'), cluster as string);
    for (const file of ['host.ts', 'cluster.ts']) {
      const compiled = typeErrors(folder, file);
      expect([compiled.status, compiled.stdout]).toEqual([0, '']);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

it("docs/storage.md's kernel keeps a decision in the row that the page describes", () => {
  const page = readFileSync(join(root, 'docs/storage.md'), 'utf8');
  const folder = mkdtempSync(join(root, 'test/docs/.storage-'));
  try {
    mkdirSync(join(folder, 'plugins/notes'), { recursive: true });
    const manifest = {
      id: 'com.example.notes',
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
    };
    writeFileSync(join(folder, 'plugins/notes/plugin.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'plugins/notes/plugin.js'), 'export default { activate() {} };');
    writeFileSync(join(folder, 'host.ts'), /```ts\n([\s\S]*?)```/.exec(page)?.[1] as string);
    const { stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    const database = new DatabaseSync(join(folder, 'data/kernel.sqlite'));
    const [row] = database.prepare('select * from plugin').all();
    database.close();
    const columns = [...page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap((match) =>
      [...(match[1] as string).matchAll(/`(\w+)`/g)].map((name) => name[1]),
    );
    expect(Object.keys(row ?? {})).toEqual(columns);
    expect(row).toMatchObject({ tenant: 'tenant-0', version: '1.0.0', status: 'disabled' });
    const compiled = typeErrors(folder, 'host.ts');
    expect([compiled.status, compiled.stdout]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

it("docs/tenants.md's plugin and host run as they are written", async () => {
  const page = readFileSync(join(root, 'docs/tenants.md'), 'utf8');
  const [plugin, host] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]);
  const folder = mkdtempSync(join(root, 'test/docs/.tenants-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/index.ts'), plugin as string);
    writeFileSync(join(folder, 'plugin.json'), /```json\n([\s\S]*?)```/.exec(page)?.[1] as string);
    writeFileSync(join(folder, 'host.ts'), host as string);
    await buildPlugin(folder, join(folder, 'plugins/visits'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(/```text\n([\s\S]*?)```/.exec(page)?.[1]);
    const compiled = typeErrors(folder, 'host.ts');
    expect([compiled.status, compiled.stdout]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

it("docs/sql.md's plugin, migration and host run as they are written", async () => {
  const page = readFileSync(join(root, 'docs/sql.md'), 'utf8');
  const [plugin, host, consent, migrate] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(
    (match) => match[1],
  );
  const folder = mkdtempSync(join(root, 'test/docs/.sql-'));
  try {
    mkdirSync(join(folder, 'src'));
    mkdirSync(join(folder, 'plugins/notes/migrations'), { recursive: true });
    writeFileSync(join(folder, 'src/index.ts'), plugin as string);
    writeFileSync(join(folder, 'plugin.json'), /```json\n([\s\S]*?)```/.exec(page)?.[1] as string);
    writeFileSync(join(folder, 'host.ts'), host as string);
    writeFileSync(join(folder, 'consent.ts'), consent as string);
    writeFileSync(join(folder, 'migrate.ts'), migrate as string);
    await buildPlugin(folder, join(folder, 'plugins/notes'));
    mkdirSync(join(folder, 'plugins/notes/migrations'), { recursive: true });
    writeFileSync(
      join(folder, 'plugins/notes/migrations/0001_notes.sql'),
      /```sql\n([\s\S]*?)```/.exec(page)?.[1] as string,
    );
    const run = (file: string) =>
      spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', timeout: 30_000 });
    const before = run('migrate.ts');
    expect([before.status, before.stderr]).toEqual([0, '']);
    expect(before.stdout).toMatch(/^0001_notes [0-9a-f]{64} \[\]\n$/);
    const { stdout, stderr, status } = run('host.ts');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe("{ id: 1 }\n[ 'buy milk' ]\n[ '0001_notes' ]\n");
    expect(existsSync(join(folder, 'notes-backup.sqlite'))).toBe(true);
    for (const file of ['host.ts', 'consent.ts', 'migrate.ts']) {
      const compiled = typeErrors(folder, file);
      expect([compiled.status, compiled.stdout]).toEqual([0, '']);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

it("docs/operations.md's kernel runs as it is written", () => {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const [sample, metric] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(
    (match) => match[1] as string,
  ) as [string, string];
  const folder = mkdtempSync(join(root, 'test/docs/.operations-'));
  try {
    mkdirSync(join(folder, 'plugins/notes'), { recursive: true });
    const { manifest, code } = pluginOf('com.example.notes', '');
    writeFileSync(join(folder, 'plugins/notes/plugin.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'plugins/notes/plugin.js'), code);
    const end = 'await kernel.stop();';
    expect(sample).toContain(end);
    writeFileSync(join(folder, 'host.ts'), sample.replace(end, `${metric}${end}`));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    for (const told of ['healthy healthy', 'com.example.notes is active since', 'true 0 true'])
      expect(stdout).toContain(told);
    expect(stdout).toContain('com.example.notes: active');
    expect(JSON.parse(stdout.slice(stdout.indexOf('\n{') + 1))).toMatchObject({ state: 'running' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 40_000);

it("docs/extensions.md's extension runs as it is written", () => {
  const page = readFileSync(join(root, 'docs/extensions.md'), 'utf8');
  const folder = mkdtempSync(join(root, 'test/docs/.extensions-'));
  try {
    const sample = /```ts\n([\s\S]*?)```/.exec(page)?.[1] as string;
    writeFileSync(join(folder, 'host.ts'), sample);
    const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe('visits 1\n{ visits: 1 } 1\n');
    // The page is checked by the compiler, too.
    const compiled = typeErrors(folder, 'host.ts');
    expect([compiled.status, compiled.stdout]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

it("docs/audit.md's application and auditor run as they are written", () => {
  const page = readFileSync(join(root, 'docs/audit.md'), 'utf8');
  const [application, auditor] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(
    (match) => match[1] as string,
  );
  const folder = mkdtempSync(join(root, 'test/docs/.audit-'));
  const run = (file: string) => {
    const { stdout, stderr } = spawnSync(process.execPath, [file], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    // A kernel without plugins warns.
    return stdout + stderr.replaceAll(/.* warn .*\n/g, '');
  };
  try {
    writeFileSync(join(folder, 'application.ts'), application as string);
    writeFileSync(join(folder, 'auditor.ts'), auditor as string);
    expect(run('application.ts')).toBe('');
    expect(run('auditor.ts')).toBe('2 entries, the pinned head is held\n');
    const file = join(folder, 'audit.jsonl');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"order":7', '"order":9'));
    expect(run('auditor.ts')).toBe('line 3, entry 1: edited, an entry was changed\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 40_000);

it.each([
  ['bisect', "plugin [ 'com.example.rebate' ]\ncom.example.rebate causes the fault.\n"],
  ['canary', "started 1.1.0\n[ '1.0.0', '1.1.0' ] 1.1.0\n"],
])(
  "docs/%s.md's example runs as it is written",
  (name, printed) => {
    const page = readFileSync(join(root, `docs/${name}.md`), 'utf8');
    const folder = mkdtempSync(join(root, `test/docs/.${name}-`));
    try {
      writeFileSync(join(folder, 'host.ts'), /```ts\n([\s\S]*?)```/.exec(page)?.[1] as string);
      const { stdout, stderr, status } = spawnSync(process.execPath, ['host.ts'], {
        cwd: folder,
        encoding: 'utf8',
        timeout: 30_000,
      });
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toBe(printed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  40_000,
);

it("docs/recording.md's examples run as they are written", () => {
  const page = readFileSync(join(root, 'docs/recording.md'), 'utf8');
  const folder = mkdtempSync(join(root, 'test/docs/.recording-'));
  const run = (file: string, ...given: readonly string[]) =>
    spawnSync(process.execPath, [file, ...given], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
  try {
    const samples = [
      ...page.matchAll(/```ts\n([\s\S]*?)```\n\nIt prints:\n\n```text\n([\s\S]*?)```/g),
    ];
    expect(samples).toHaveLength(2);
    for (const [, code, printed] of samples) {
      writeFileSync(join(folder, 'host.ts'), code as string);
      const { stdout, stderr, status } = run('host.ts');
      expect([status, stderr, stdout]).toEqual([0, '', printed]);
    }
    writeFileSync(
      join(folder, 'check-rights.js'),
      /```js\n([\s\S]*?)```/.exec(page)?.[1] as string,
    );
    const written = (name: string, permissions: object) =>
      writeFileSync(
        join(folder, name),
        JSON.stringify({
          id: 'com.example.notes',
          version: '1.0.0',
          main: 'plugin.js',
          engines: { plinth: '^1.0.0' },
          permissions,
        }),
      );
    written('before.json', { env: { read: ['A', 'B'] } });
    written('after.json', { env: { read: ['A', 'C'] } });
    expect(run('check-rights.js', 'before.json', 'before.json')).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(run('check-rights.js', 'before.json', 'after.json')).toMatchObject({
      status: 1,
      stderr: 'gains env.read: C\n',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);

it('docs/lifecycle.md names features that a plugin may require', async () => {
  const page = readFileSync(join(root, 'docs/lifecycle.md'), 'utf8');
  const listed = (after: RegExp) =>
    [...(after.exec(page)?.[1] ?? '').matchAll(/`([a-z]+)`/g)].map((match) => match[1] as string);
  const own = listed(/This one has ([^.]*)\./);
  const added = listed(/Extensions add their own: ([^.]*)\./);
  expect([own.length, added.length]).toEqual([19, 5]);
  const folder = mkdtempSync(join(tmpdir(), 'plinth-features-'));
  const kernel = await createKernel({
    sources: [packageSource([pluginOf('test.all', '', { requiredFeatures: [...own, ...added] })])],
    extensions: [
      http(),
      jobs(),
      otel({ tracer: false, meter: false }),
      sql({ directory: folder }),
      ui({ slots: ['main'], present: { notify() {}, ask: async () => null } }),
    ],
  });
  await kernel.start();
  expect(kernel.plugins.explain('test.all')).toMatchObject({ running: true });
  await kernel.stop();
  rmSync(folder, { recursive: true });
});

it('docs/cli.md has every command and every rule', () => {
  expect(readFileSync(join(root, 'docs/cli.md'), 'utf8')).toBe(cliPage());
});

it('docs/errors.md explains every code: node scripts/error-docs.ts writes it', () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorPage());
});

it('docs/manifest.md has every key: node scripts/manifest-docs.ts writes it', () => {
  expect(readFileSync(join(root, 'docs/manifest.md'), 'utf8')).toBe(manifestPage());
});

it('plugin.schema.json is generated from the manifest schema: node scripts/manifest-schema.ts writes it', () => {
  expect(
    readFileSync(fileURLToPath(import.meta.resolve('@plinth/sdk/plugin.schema.json')), 'utf8'),
  ).toBe(manifestSchemaText());
});

it('plugin.schema.json accepts the manifests of the README and the demo, and refuses what the kernel refuses', () => {
  const validator = new Validator(JSON.parse(manifestSchemaText()), '2020-12', false);
  const plugins = readdirSync(join(root, 'demo-app/plugins'), { withFileTypes: true }).filter(
    (entry) => entry.isDirectory(),
  );
  const demo = plugins.map(({ name }) =>
    readFileSync(join(root, 'demo-app/plugins', name, 'plugin.json'), 'utf8'),
  );
  for (const manifest of [/```json\n([\s\S]*?)```/.exec(readme)?.[1] as string, ...demo])
    expect(validator.validate(JSON.parse(manifest)).errors, manifest).toEqual([]);
  const base = { id: 'test.a', version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' } };
  for (const bad of [
    { ...base, maim: 1 },
    { ...base, id: undefined },
    { ...base, tags: [1] },
    { ...base, permissions: { storage: { raed: true } } },
  ])
    expect(validator.validate(JSON.parse(JSON.stringify(bad))).valid, JSON.stringify(bad)).toBe(
      false,
    );
});

it('docs/shipping.md is generated from the list of the shipping tests', () => {
  expect(readFileSync(join(root, 'docs/shipping.md'), 'utf8')).toBe(shippingPage());
});

it('docs/runtimes.md shows every gap', () => {
  expect(readFileSync(join(root, 'docs/runtimes.md'), 'utf8')).toBe(runtimesPage());
});
