/** Runs the built `plinth` in folders that each test makes, as a user would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The program's file. */
export const BIN = fileURLToPath(new URL('../../cli/bin/plinth.js', import.meta.url));

/** What a run has left. */
export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the program. It is killed when the test ends. */
export function start(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const { FORCE_COLOR: _, NO_COLOR: __, ...base } = process.env;
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...base, ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs the program to its end. */
export async function plinth(
  cwd: string,
  args: readonly string[],
  { input, env }: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Promise<Outcome> {
  const child = start(cwd, args, env);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
}

/** The JSON that a run wrote. */
export async function json(cwd: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { out, err } = await plinth(cwd, [...args, '--json']);
  try {
    return JSON.parse(out) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`no JSON: ${out}${err}`, { cause });
  }
}

/** A new folder with files, inside the workspace so that its packages are found. */
export async function folderOf(files: Readonly<Record<string, string | object>>): Promise<string> {
  const folder = await mkdtemp(fileURLToPath(new URL('.cli-', import.meta.url)));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await write(folder, files);
  return folder;
}

/** Writes files, each at once, as most editors do; objects become JSON. */
export async function write(
  folder: string,
  files: Readonly<Record<string, string | object>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`;
    await writeFile(`${file}.tmp`, text);
    await rename(`${file}.tmp`, file);
  }
}

/** Every file below a folder, with slashes. */
export async function filesOf(folder: string): Promise<readonly string[]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  return all
    .filter((one) => one.isFile())
    .map((one) => relative(folder, join(one.parentPath, one.name)).split(sep).join('/'))
    .sort();
}

/** JSON of a file. */
export async function readJson(...path: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(...path), 'utf8')) as Record<string, unknown>;
}

/** A plugin that greets, with a contract of its own. */
export const GREETER = {
  'plugin.json': {
    id: 'com.example.greeter',
    version: '1.2.0',
    contributes: { commands: [{ id: 'greet', title: 'Greet' }] },
  },
  'src/contract.ts': `import { command, contract, event } from '@plinth/sdk';
import * as v from 'valibot';

export const Greeter = contract('com.example.greeter@1', {
  greet: command({
    input: v.object({ name: v.string(), loud: v.optional(v.boolean()) }),
    output: v.object({ text: v.string() }),
    errors: { unknown: v.object({ name: v.string() }) },
  }),
  greeted: event(v.object({ at: v.number() })),
});
`,
  'src/index.ts': `import { definePlugin } from '@plinth/sdk';
import * as v from 'valibot';
import { Greeter } from './contract.ts';

export default definePlugin({
  provides: [Greeter],
  config: v.object({ word: v.optional(v.string(), 'Hello') }),
  activate(ctx) {
    ctx.provide(Greeter, {
      greet: ({ name }) => ({ text: \`\${ctx.config.word}, \${name}!\` }),
    });
  },
});
`,
} as const;

/** A plugin that provides a contract which its application opens. */
export const PANEL = {
  'plugin.json': {
    id: 'com.example.clock',
    version: '1.0.0',
    permissions: { contracts: { provide: ['com.acme.panel'] } },
  },
  'src/index.ts': `import { command, contract, definePlugin } from '@plinth/sdk';
import * as v from 'valibot';

export const Panel = contract('com.acme.panel@1', { show: command({ output: v.string() }) });

export default definePlugin({
  provides: [Panel],
  activate(ctx) {
    ctx.provide(Panel, { show: () => 'noon' });
  },
});
`,
} as const;

/** One line that `plinth dev --json` writes. */
export interface Line {
  readonly event: string;
  readonly id?: string;
  readonly version?: string;
  readonly ms?: number;
  readonly folder?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly inspector?: string;
}

/** A running `plinth dev`: its events one by one, and what its plugins have logged. */
export async function develop(folder: string, ...args: string[]) {
  const child = start(folder, ['dev', '--json', '--keep', ...args]);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]();
  const next = async () => JSON.parse((await lines.next()).value as string) as Line;
  return { child, next, first: await next() };
}
