/** The packages as a registry would deliver them: packed, and installed in a separate project. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
// npm runs with the first Node in the path.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };

/** The published packages, in order of dependency. */
export const PACKAGES = [
  'sdk',
  'kernel',
  'host-node',
  'host-browser',
  'otel',
  'http',
  'ui',
  'jobs',
  'sql',
  'cli',
] as const;

/** The folders of those that are named otherwise. */
const FOLDERS: Readonly<Record<string, string>> = {
  otel: 'extensions/otel',
  http: 'extensions/http',
  ui: 'extensions/ui',
  jobs: 'extensions/jobs',
  sql: 'extensions/sql',
};

/** Tarballs, and the folder they are in. */
export interface Packed {
  readonly folder: string;
  readonly tarballs: Readonly<Record<(typeof PACKAGES)[number], string>>;
  remove(): Promise<void>;
}

/** Packs every package into a new folder. */
export async function pack(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-packed-'));
  await run(
    'npm',
    [
      'pack',
      '--silent',
      '--ignore-scripts',
      '--pack-destination',
      folder,
      ...PACKAGES.map((name) => `./${FOLDERS[name] ?? name}`),
    ],
    { cwd: root, env },
  );
  const names = await readdir(folder);
  const tarballs = Object.fromEntries(
    PACKAGES.map((name) => [
      name,
      join(folder, names.find((file) => file.startsWith(`plinth-${name}-`)) as string),
    ]),
  ) as Packed['tarballs'];
  return { folder, tarballs, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * An empty project with the packages installed, the consumer's files copied in, and its plugin
 * built.
 */
export async function installConsumer({ folder, tarballs }: Packed): Promise<string> {
  const project = join(folder, 'project');
  await cp(fileURLToPath(new URL('consumer', import.meta.url)), project, { recursive: true });
  const dependencies = {
    ...Object.fromEntries(PACKAGES.map((name) => [`@plinth/${name}`, `file:${tarballs[name]}`])),
    // The optional peer, as an application with an SDK has it.
    '@opentelemetry/api': '1.9.1',
  };
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }),
  );
  await run(
    'npm',
    [
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--no-package-lock',
    ],
    { cwd: project, env },
  );
  const out = join(project, 'plugins/greeter');
  await build({
    configFile: false,
    logLevel: 'warn',
    root: join(project, 'plugin'),
    build: {
      outDir: out,
      emptyOutDir: true,
      target: 'es2023',
      lib: { entry: { plugin: 'src/index.ts' }, formats: ['es'] },
    },
  });
  await cp(join(project, 'plugin/plugin.json'), join(out, 'plugin.json'));
  await cp(join(project, 'plugins'), join(project, 'page/public/plugins'), { recursive: true });
  return project;
}

/** Runs a Node script in a folder; rejects unless it exits with 0. */
export async function runNode(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, args, { cwd, env, timeout: 60_000 });
  return stdout;
}

/** Runs a tool of this workspace. Returns its output and exit code. */
export async function runTool(
  script: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly output: string }> {
  try {
    const { stdout, stderr } = await run(
      process.execPath,
      [join(root, 'node_modules', script), ...args],
      { cwd: root, env },
    );
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}
