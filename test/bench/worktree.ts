/** Another commit of this repository in a temporary folder: installed, built, and removed again. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the benchmark consists of: this tree's replaces that of the other commit. */
const BENCH = ['test/bench', 'scripts/find-chromium.ts'] as const;

/** Another commit, ready to be measured. */
export interface Worktree {
  /** The benchmark's code in it. */
  readonly bench: string;
  /** The rows that its own benchmark has. */
  readonly rows: readonly string[];
  remove(): void;
}

/** Builds a commit, a branch or a tag. Leaves nothing behind when that fails. */
export async function makeWorktree(ref: string): Promise<Worktree> {
  const parent = mkdtempSync(join(tmpdir(), 'plinth-compare-'));
  const folder = join(parent, 'plinth');
  const remove = () => {
    spawnSync('git', ['worktree', 'remove', '--force', folder], { cwd: root });
    rmSync(parent, { recursive: true, force: true });
    spawnSync('git', ['worktree', 'prune'], { cwd: root });
  };
  try {
    run(root, 'git', 'worktree', 'add', '--quiet', '--detach', folder, ref);
    const rows = await rowsOf(folder);
    install(folder);
    run(folder, process.execPath, 'scripts/build.ts');
    for (const path of BENCH) {
      rmSync(join(folder, path), { recursive: true, force: true });
      cpSync(join(root, path), join(folder, path), { recursive: true });
    }
    return { bench: join(folder, 'test/bench'), rows, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function run(folder: string, program: string, ...words: readonly string[]): void {
  const { status, signal } = spawnSync(program, words, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0)
    throw new Error(`'${program} ${words.join(' ')}' ended with ${signal ?? status}`);
}

/** A commit from before the benchmark has none. */
async function rowsOf(folder: string): Promise<readonly string[]> {
  const file = pathToFileURL(join(folder, 'test/bench/goals.ts')).href;
  try {
    return ((await import(file)) as { readonly ROWS: readonly string[] }).ROWS;
  } catch {
    return [];
  }
}

/** The same packages as here are linked, which takes a second; others are installed. */
function install(folder: string): void {
  const lock = (of: string) => readFileSync(join(of, 'package-lock.json'), 'utf8');
  if (lock(folder) === lock(root)) {
    try {
      linkTree(join(root, 'node_modules'), join(folder, 'node_modules'));
      return;
    } catch {
      // Another disk has no links to this one.
      rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
    }
  }
  run(folder, 'npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund');
}

/**
 * Hard links of all files. Links to the workspaces are relative, so that in the other folder they
 * lead to its own.
 */
function linkTree(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    // Caches are written in place.
    if (entry.name.startsWith('.vite')) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkSync(source, target);
  }
}
